"""How often runs fail, and which arm comes out ahead when a failure counts as the worst result.

A run that diverged, or that never left chance level, is an outcome, not a missing value. So two arms
are compared in three ways: how often each fails, whether one fails on more seeds than the other, and on
what part of the seeds one beats the other, a failed run losing to every run that learnt.
"""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from assay.errors import UsageError
from assay.stats.mcnemar import mcnemar_test
from assay.stats.ttest import Interval, check_confidence, row


@dataclass(frozen=True)
class FailureRate:
    """``failed`` of ``n`` runs failed; ``interval`` is the exact one of the share that will (0 to 1)."""

    failed: int
    n: int
    interval: Interval
    confidence: float

    @property
    def share(self) -> float:
        """The share that failed."""
        return self.failed / self.n


@dataclass(frozen=True)
class FailureTest:
    """Two arms' failures over paired seeds; ``p`` is the exact McNemar p of "both fail equally often"."""

    a: FailureRate
    b: FailureRate
    only_a: int
    only_b: int
    p: float

    @property
    def any(self) -> bool:
        """Whether any run of either arm failed."""
        return self.a.failed + self.b.failed > 0


@dataclass(frozen=True)
class Outperforming:
    """P(a beats b) on a new seed, ties counting half; a failed run loses to one that learnt.

    ``wins``, ``ties`` and ``losses`` of a over ``n`` seeds. ``interval`` is exact: it holds for P(a > b) +
    P(a = b) / 2 whatever the values' distribution, its ends taking ties as losses and as wins.
    """

    wins: int
    ties: int
    losses: int
    interval: Interval
    confidence: float

    @property
    def n(self) -> int:
        """How many seeds."""
        return self.wins + self.ties + self.losses

    @property
    def share(self) -> float:
        """The share of the seeds on which a came out ahead, ties counting half."""
        return (self.wins + self.ties / 2) / self.n


def proportion_interval(count: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Return the exact two-sided interval of a share, ``count`` of ``n`` (Clopper and Pearson 1934)."""
    check_confidence(confidence, "proportion_interval")
    if not 0 <= count <= n or n < 1:
        raise UsageError(f"proportion_interval: found {count} of {n}, expected 0 to n, n at least 1")
    tail, beta = (1 - confidence) / 2, scipy.special.betaincinv
    low = float(beta(count, n - count + 1, tail)) if count else 0.0
    high = float(beta(count + 1, n - count, 1 - tail)) if count < n else 1.0
    return low, high


def never_seen_bound(n: int, *, confidence: float = 0.95) -> float:
    """Return the largest share that ``n`` runs can all miss: one-sided upper bound of 0 of ``n``."""
    check_confidence(confidence, "never_seen_bound")
    if n < 1:
        raise UsageError(f"never_seen_bound: n is {n}, expected at least 1 run")
    return float(1 - (1 - confidence) ** (1 / n))


def failure_rate(failed: ArrayLike, *, confidence: float = 0.95) -> FailureRate:
    """Return how often runs fail; ``failed`` is True or False for each."""
    flags = _flags(failed, "failure_rate")
    count, n = int(flags.sum()), len(flags)
    return FailureRate(count, n, proportion_interval(count, n, confidence=confidence), confidence)


def compare_failures(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> FailureTest:
    """Compare which seeds two arms fail on, ``a[i]`` and ``b[i]`` True where the run of seed i failed."""
    first, second = _flags(a, "compare_failures: a"), _flags(b, "compare_failures: b")
    _paired("compare_failures", len(first), len(second))
    only_a, only_b = int((first & ~second).sum()), int((second & ~first).sum())
    return FailureTest(
        failure_rate(first, confidence=confidence),
        failure_rate(second, confidence=confidence),
        only_a,
        only_b,
        mcnemar_test(only_a, only_b, len(first)).p,
    )


def outperforming(
    a: ArrayLike, b: ArrayLike, *, higher_is_better: bool = True, confidence: float = 0.95
) -> Outperforming:
    """Return how often arm a beats arm b over paired seeds; NaN is a failed run, which ranks last."""
    sign = 1 if higher_is_better else -1
    first, second = (
        np.nan_to_num(sign * row(x, f"outperforming: {name}"), nan=-np.inf)
        for name, x in (("a", a), ("b", b))
    )
    _paired("outperforming", len(first), len(second))
    wins, losses = int((first > second).sum()), int((first < second).sum())
    ties = len(first) - wins - losses
    low, _ = proportion_interval(wins, len(first), confidence=confidence)
    _, high = proportion_interval(wins + ties, len(first), confidence=confidence)
    return Outperforming(wins, ties, losses, (low, high), confidence)


def _flags(values: ArrayLike, where: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype != np.bool_ or not len(array):
        raise UsageError(f"{where}: expected True or False for each of at least one run; got {values!r}")
    return array


def _paired(where: str, a: int, b: int) -> None:
    if a != b or not a:
        raise UsageError(f"{where}: found {a} and {b} runs, expected pairs (one of each arm a seed)")
