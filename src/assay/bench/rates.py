"""Training steps a second: methods taking turns on one problem, and the machine's peak beside them."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from assay.bench.clock import Action, Timing, interleaved
from assay.bench.fresh import process
from assay.bench.methods import METHODS, YARDSTICK
from assay.bench.networks import training_flops
from assay.bench.problem import BATCH, Problem, Trainer
from assay.errors import UnsupportedError
from assay.shapes import Array

PEAK = "sgemm"

MATRIX = 1024
"""Rows and columns of the matrices whose product is the machine's peak."""

PRODUCTS = 10
"""Such products a turn."""

PATIENCE = 10.0
"""Seconds of one step from which a method is timed once instead of once a round."""


@dataclass(frozen=True)
class Pace:
    """How often each method has its turn, and about how many seconds a turn lasts."""

    rounds: int = 9
    seconds: float = 0.4


@dataclass(frozen=True)
class Rate:
    """A method's turns: in each, each of ``models`` took ``steps``."""

    method: str
    models: int
    steps: int
    timing: Timing

    @property
    def rounds(self) -> tuple[float, ...]:
        """Steps a second in each round, all models together."""
        return tuple(self.models * self.steps / seconds for seconds in self.timing.seconds)

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return float(np.median(self.rounds))

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper quartile over the rounds."""
        low, high = np.quantile(self.rounds, (0.25, 0.75))
        return float(low), float(high)

    def over(self, other: "Rate") -> float:
        """Return how many times as fast: the median of the rounds' ratios, for both met the same machine.

        Where one was timed once only, it is the ratio of the medians.
        """
        if len(self.rounds) != len(other.rounds):
            return self.median / other.median
        return float(np.median(np.divide(self.rounds, other.rounds)))


@dataclass(frozen=True)
class RateComparison:
    """What was measured on one problem; ``peak`` is in floating-point operations a second.

    ``left_out`` says why a method has no rate.
    """

    problem: Problem
    rates: tuple[Rate, ...]
    peak: Rate
    left_out: dict[str, str]

    def rate(self, method: str) -> Rate | None:
        """Return a method's rate."""
        return next((rate for rate in self.rates if rate.method == method), None)

    def ratio(self, rate: Rate) -> float | None:
        """Return how many times as fast as plain eager PyTorch a method is; None without it."""
        yardstick = self.rate(YARDSTICK)
        return None if yardstick is None else rate.over(yardstick)

    def share(self, rate: Rate) -> float:
        """Return the share of the peak that a method's steps would need at the least."""
        return rate.over(self.peak) * BATCH * training_flops(self.problem.network)


def compare(problem: Problem, methods: Sequence[str], pace: Pace) -> RateComparison:
    """Time ``methods`` on ``problem``; what cannot be timed is left out with a reason.

    Each has a process of its own, held to as many processors as the problem has
    threads, and they take turns: how fast one allocates depends on who else has
    allocated in its process, by a third for large networks.
    """
    models, left_out = dict[str, int](), dict[str, str]()
    with ExitStack() as stack:
        own = {name: stack.enter_context(process(problem.threads)) for name in [*methods, PEAK]}
        for name in methods:
            try:
                models[name] = own[name].call(open_trainer, name, problem)
            except UnsupportedError as error:
                left_out[name] = str(error)
        once = {name: own[name].call(take, name, 1) for name in models}
        slow = {name: Timing((seconds,)) for name, seconds in once.items() if seconds > PATIENCE}
        steps = {name: own[name].call(steps_in, name, pace.seconds) for name in models if name not in slow}
        actions: dict[str, Action] = {
            name: partial(own[name].call, take, name, count) for name, count in steps.items()
        }
        actions[PEAK] = partial(own[PEAK].call, multiply, problem.threads)
        timings = interleaved(actions, pace.rounds) | slow
    rates = tuple(Rate(name, models[name], steps.get(name, 1), timings[name]) for name in models)
    return RateComparison(problem, rates, Rate(PEAK, 1, PRODUCTS * 2 * MATRIX**3, timings[PEAK]), left_out)


_trainers: dict[str, Trainer] = {}
"""In a process of its own: the method's trainer."""


def open_trainer(name: str, problem: Problem) -> int:
    """Make this process's trainer, and return how many models it has."""
    _trainers[name] = METHODS[name].ready(problem)
    return _trainers[name].models


def take(name: str, steps: int) -> float:
    """Return the seconds that so many steps take."""
    start = perf_counter()
    _trainers[name].train(steps)
    return perf_counter() - start


def steps_in(name: str, seconds: float) -> int:
    """Return how many steps take about so many seconds, one at least."""
    steps, taken = 1, take(name, 1)
    while taken < seconds / 2:
        steps = max(steps + 1, int(steps * min(10, seconds / taken)))
        taken = take(name, steps)
    return steps


def multiply(threads: int) -> None:
    """Multiply float32 matrices `PRODUCTS` times, as NumPy's BLAS does it with ``threads``."""
    a, b, out = _matrices()
    with threadpool_limits(threads):
        for _ in range(PRODUCTS):
            np.matmul(a, b, out)


@cache
def _matrices() -> tuple[Array, Array, Array]:
    a, b, out = np.ones((3, MATRIX, MATRIX), np.float32)
    return a, b, out
