"""Training steps per second: methods taking turns on one problem, alongside the machine's peak."""

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
from assay.bench.problem import BATCH, Problem, Trainer
from assay.errors import UnsupportedError
from assay.shapes import Array

PEAK = "sgemm"

MATRIX = 1024
"""Rows and columns of the matrices whose product measures the machine's peak."""

PRODUCTS = 10
"""Matrix products per turn."""

PATIENCE = 10.0
"""A method whose step takes at least this many seconds is timed once instead of once per round."""


@dataclass(frozen=True)
class Pace:
    """How many turns each method has, and about how many seconds a turn lasts."""

    rounds: int = 9
    seconds: float = 0.4


@dataclass(frozen=True)
class Rate:
    """A method's turns; in each of them, each of ``models`` models took ``steps`` steps."""

    method: str
    models: int
    steps: int
    timing: Timing

    @property
    def rounds(self) -> tuple[float, ...]:
        """Steps per second in each round, all models together."""
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
        """Return how many times as fast: the median of the per-round ratios, since both shared the machine.

        If either was timed only once, it is the ratio of the medians.
        """
        if len(self.rounds) != len(other.rounds):
            return self.median / other.median
        return float(np.median(np.divide(self.rounds, other.rounds)))


@dataclass(frozen=True)
class RateComparison:
    """The measurements on one problem; ``peak`` is in floating-point operations per second.

    ``left_out`` maps each method without a rate to the reason.
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
        """Return the least share of the peak that a method's steps need."""
        return rate.over(self.peak) * BATCH * self.problem.network.training_flops


def compare(problem: Problem, methods: Sequence[str], pace: Pace) -> RateComparison:
    """Time ``methods`` on ``problem``; a method that cannot be timed is left out with a reason.

    Each has its own process, limited to as many processors as the problem has
    threads, and they take turns: the speed of allocation depends on what else was
    allocated in the process, by a third for large networks.
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
"""In a method's own process: its trainer."""


def open_trainer(name: str, problem: Problem) -> int:
    """Create this process's trainer, and return how many models it has."""
    _trainers[name] = METHODS[name].ready(problem)
    return _trainers[name].models


def take(name: str, steps: int) -> float:
    """Return how many seconds ``steps`` steps take."""
    start = perf_counter()
    _trainers[name].train(steps)
    return perf_counter() - start


def steps_in(name: str, seconds: float) -> int:
    """Return how many steps take about ``seconds`` seconds, at least one."""
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
