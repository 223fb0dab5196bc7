"""Time and memory, measured so that two measurements can be compared."""

import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

import numpy as np

Action = Callable[[], object]

SHORTEST = 2e-3
"""Minimum duration of one measurement, in seconds: a shorter action is repeated until it is reached."""


@dataclass(frozen=True)
class Timing:
    """How long an action took, in seconds, in each round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return float(np.median(self.seconds))

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper quartile over the rounds."""
        low, high = np.quantile(self.seconds, (0.25, 0.75))
        return float(low), float(high)

    @property
    def spread(self) -> float:
        """Half the interquartile range, as a share of the median."""
        low, high = self.quartiles
        return (high - low) / 2 / self.median


def interleaved(actions: Mapping[str, Action], rounds: int) -> dict[str, Timing]:
    """Time each action once per round, so that other load on the machine affects all of them alike.

    Each is called once beforehand, which also warms it up.
    """
    repeats = {name: max(1, round(SHORTEST / _seconds(action, 1))) for name, action in actions.items()}
    found: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            found[name].append(_seconds(action, repeats[name]))
    return {name: Timing(tuple(seconds)) for name, seconds in found.items()}


def peak_memory(action: Action) -> int:
    """Return the peak number of bytes that an action has allocated at one time, its result included.

    This sees what Python and NumPy allocate, arrays above all, but not what a
    library allocates in C, such as the blocks that a BLAS packs.
    """
    traced_before = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        result = action()
        _, peak = tracemalloc.get_traced_memory()
        del result
    finally:
        if not traced_before:
            tracemalloc.stop()
    return peak - before


def _seconds(action: Action, repeats: int) -> float:
    start = perf_counter()
    for _ in range(repeats):
        action()
    return (perf_counter() - start) / repeats
