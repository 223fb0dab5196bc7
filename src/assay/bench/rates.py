"""Training steps a second: methods taking turns on one problem, and the machine's peak beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from assay import streams
from assay.bench.clock import Timing, interleaved
from assay.bench.methods import METHODS, YARDSTICK
from assay.bench.networks import training_flops
from assay.bench.problem import BATCH, Problem, Trainer
from assay.errors import UnsupportedError

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
class Comparison:
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


def compare(problem: Problem, methods: Sequence[str], pace: Pace) -> Comparison:
    """Time ``methods`` on ``problem``; what cannot be timed is left out with a reason."""
    trainers, left_out = {}, {}
    for name in methods:
        try:
            trainers[name] = ready(name, problem)
        except UnsupportedError as error:
            left_out[name] = str(error)
    slow = {name: seconds for name in trainers if (seconds := _seconds(trainers[name], 1)) > PATIENCE}
    steps = {name: _steps(trainers[name], pace.seconds) for name in trainers if name not in slow}
    actions: dict[str, Callable[[], object]] = {
        name: partial(trainers[name].train, count) for name, count in steps.items()
    }
    timings = interleaved({**actions, "": products(problem.threads)}, pace.rounds)
    timings |= {name: Timing((seconds,)) for name, seconds in slow.items()}
    rates = tuple(
        Rate(name, trainer.models, steps.get(name, 1), timings[name]) for name, trainer in trainers.items()
    )
    return Comparison(problem, rates, Rate("sgemm", 1, PRODUCTS * 2 * MATRIX**3, timings[""]), left_out)


def ready(name: str, problem: Problem) -> Trainer:
    """Return a method's trainer after its first step, which may compile.

    Raises `UnsupportedError` where the method is missing, or a peer does not
    work here: that is no fault of whoever wants to know how fast the others are.
    """
    method = METHODS[name]
    try:
        trainer = method.trainer(problem)
        trainer.train(1)
    except Exception as error:
        if isinstance(error, UnsupportedError) or method.own:
            raise
        first = str(error).strip().partition("\n")[0]
        raise UnsupportedError(f"does not work here ({type(error).__name__}: {first})") from error
    return trainer


def products(threads: int) -> Callable[[], None]:
    """Return what multiplies float32 matrices, as NumPy's BLAS does it with ``threads``."""
    a, b = streams.stream(0, "bench", "peak").random((2, MATRIX, MATRIX), dtype=np.float32)
    out = np.empty_like(a)

    def multiply() -> None:
        with threadpool_limits(threads):
            for _ in range(PRODUCTS):
                np.matmul(a, b, out)

    return multiply


def _steps(trainer: Trainer, seconds: float) -> int:
    """Return how many steps take about so many seconds, one at least."""
    steps, taken = 1, _seconds(trainer, 1)
    while taken < seconds / 2:
        steps = max(steps + 1, int(steps * min(10, seconds / taken)))
        taken = _seconds(trainer, steps)
    return steps


def _seconds(trainer: Trainer, steps: int) -> float:
    start = perf_counter()
    trainer.train(steps)
    return perf_counter() - start
