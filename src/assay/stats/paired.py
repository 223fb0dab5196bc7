"""Two arms over paired seeds: the mean difference, its interval, and the statistics behind them.

Inference is over training seeds on one test set; `assay.stats.crossed` adds the finite test set.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import exp, floor, lgamma, log, log10, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike

from assay.errors import UsageError
from assay.stats.shares import MARGIN, check_margin, check_shares
from assay.stats.signflip import sign_flip_p, smallest_p
from assay.stats.ttest import (
    FEWEST,
    Interval,
    TTest,
    check_confidence,
    finite_row,
    one_sample,
)

FEWEST_FOR_CORRELATION = 10
"""Fewest seeds whose correlation is worth noting: with five, that of independent arms often exceeds 0.5."""


class Note(StrEnum):
    """What a reader should know before trusting a comparison, most serious first."""

    NO_SEED = "no seed"
    """No seed on which both arms have a value."""
    ONE_SEED = "one seed"
    """Two networks are compared, not two methods."""
    TWO_SEEDS = "two seeds"
    """Two differences and their mean, no interval."""
    SIGN_FLIP_FLOOR = "floor"
    """So few seeds that the sign-flip p cannot fall below alpha, whatever the data."""
    NO_SPREAD = "no spread"
    """All differences are equal: p and interval are limits."""
    TESTS_DISAGREE = "tests disagree"
    """The t test and the sign-flip test fall on different sides of alpha."""
    PAIRING = "pairing"
    """The arms' correlation over seeds is so small that pairing gained nothing."""
    SKEWED = "skewed"
    """The differences are skewed."""


@dataclass(frozen=True)
class Comparison:
    """Arm a less arm b over n paired seeds, as shares: 0.004 is 0.4 percentage points.

    Below three seeds there is no inference: ``sd`` to ``correlation`` are None, save ``win_rate`` and
    ``error_ratio``, and ``differences`` is all there is to report. With no seed at all ``mean`` is NaN.
    """

    n: int
    differences: tuple[float, ...]
    mean: float
    sd: float | None
    """Sample standard deviation of the differences."""
    se: float | None
    t: float | None
    df: int
    p: float | None
    """Two-sided p of the paired t test."""
    interval: Interval | None
    """The ``confidence`` t interval of the mean difference."""
    equivalence_interval: Interval | None
    """The interval at 1 - 2 alpha (90% where ``confidence`` is 95%), by which equivalence is judged."""
    tost_p: float | None
    """p of two one-sided tests against a difference of at least ``margin``."""
    sign_flip_p: float | None
    """Two-sided p of the sign-flip test, which assumes no normal distribution; exact for n <= 32."""
    smallest_sign_flip_p: float
    """The smallest possible sign-flip p: 2 / 2**n, and 1e-5 for n > 32."""
    d_z: float | None
    """``mean / sd``; None where the spread is 0. Seeds vary so little that large values are usual."""
    hedges_g: float | None
    """``d_z`` without its small-sample bias (Hedges 1981, the exact factor)."""
    win_rate: float
    """Share of the seeds on which a is above b, ties counting half."""
    error_ratio: float | None
    """Errors of a over errors of b, (1 - mean of a) / (1 - mean of b); None where b makes no error, and of
    numbers that are no shares."""
    correlation: float | None
    """Pearson correlation of a and b over seeds; None where one of them is constant."""
    margin: float
    confidence: float
    notes: tuple[Note, ...]
    """In the order of `Note`."""

    @property
    def alpha(self) -> float:
        """1 - confidence."""
        return 1 - self.confidence

    @property
    def test(self) -> TTest | None:
        """The t test of the differences, or None below three seeds."""
        return None if self.sd is None else TTest(self.n, self.mean, self.sd)


def compare(
    a: ArrayLike, b: ArrayLike, *, margin: float = MARGIN, confidence: float = 0.95, shares: bool = True
) -> Comparison:
    """Compare two arms over paired seeds: ``a[i]`` and ``b[i]`` share the seed i.

    ``a`` and ``b`` are accuracies as shares from 0 to 1, n of each; ``margin`` is the difference, a share
    too, below which two arms count as equivalent, to be declared before the data are seen: 0.003, three test
    images in a thousand, unless said otherwise. Without ``shares`` they are numbers in any unit, such as
    losses, and so is the margin; there is no ``error_ratio``. Raises `UsageError` where lengths differ or a
    value is not finite or not a share (see `compare_arms` for runs that diverged).
    """
    check_confidence(confidence, "compare")
    check_margin(margin, "compare", shares=shares)
    a, b = finite_row(a, "compare: a"), finite_row(b, "compare: b")
    if shares:
        check_shares(a, "compare: a")
        check_shares(b, "compare: b")
    if len(a) != len(b):
        raise UsageError(
            f"compare: found {len(a)} and {len(b)} values, expected pairs (one of each arm a seed)"
        )
    d = differences(a, b)
    n, test = len(d), paired_test(a, b)
    flip_p = sign_flip_p(d) if test else None
    d_z = test.mean / test.sd if test and test.sd > 0 else None
    correlation = _correlation(a, b) if test else None
    return Comparison(
        n=n,
        differences=tuple(d.tolist()),
        mean=test.mean if test else float(np.mean(d)) if n else nan,
        sd=test.sd if test else None,
        se=test.se if test else None,
        t=test.t() if test else None,
        df=max(n - 1, 0),
        p=test.p() if test else None,
        interval=test.interval(confidence) if test else None,
        equivalence_interval=test.interval(2 * confidence - 1) if test else None,
        tost_p=test.p_equivalent(margin) if test else None,
        sign_flip_p=flip_p,
        smallest_sign_flip_p=smallest_p(n),
        d_z=d_z,
        hedges_g=None if d_z is None else d_z * _hedges_factor(n - 1),
        win_rate=float(np.mean((np.sign(d) + 1) / 2)) if n else nan,
        error_ratio=_error_ratio(a, b) if shares else None,
        correlation=correlation,
        margin=margin,
        confidence=confidence,
        notes=tuple(_notes(d, test, flip_p, correlation, 1 - confidence)),
    )


def on_common_seeds(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of two arms on the seeds on which both have one, in the seeds' order."""
    both = np.isfinite(a) & np.isfinite(b)
    return a[both], b[both]


def paired_test(a: np.ndarray, b: np.ndarray) -> TTest | None:
    """Return the t test of the paired differences a - b, or None below three seeds."""
    return one_sample(differences(a, b)) if len(a) >= FEWEST else None


def rope_probabilities(comparison: Comparison) -> tuple[float, float, float] | None:
    """Return the posterior probabilities that the true difference is below, within and above the margin.

    Under the flat prior, where the posterior is the t distribution about the mean; None below three seeds.
    """
    test = comparison.test
    if test is None:
        return None
    below = test.probability_below(-comparison.margin)
    not_above = test.probability_below(comparison.margin)
    return below, not_above - below, 1 - not_above


def differences(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a - b rounded to 13 digits of the larger: 87.95 - 87.62 and 88.11 - 87.78 differ in float64."""
    largest = max(np.max(np.abs(a), initial=0), np.max(np.abs(b), initial=0))
    if largest == 0:
        return np.zeros(len(a))
    decimals = min(12 - floor(log10(largest)), 300)
    rounded: np.ndarray = np.round(a - b, decimals)
    return rounded


def _hedges_factor(df: int) -> float:
    """Return J = Gamma(df/2) / (Gamma((df-1)/2) sqrt(df/2)) of Hedges (1981)."""
    return exp(lgamma(df / 2) - lgamma((df - 1) / 2) - log(df / 2) / 2)


def _error_ratio(a: np.ndarray, b: np.ndarray) -> float | None:
    """Return the ratio of the mean errors of two arms, None where b makes none."""
    if not len(b) or np.all(b == 1):
        return None
    return float((1 - np.mean(a)) / (1 - np.mean(b)))


def _correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Return Pearson's correlation, or None where one arm is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip(a @ b / sqrt((a @ a) * (b @ b)), -1, 1))


def _skewness(d: np.ndarray) -> float:
    """Return the third standardised moment of ``d``, 0 where all are equal."""
    centred = d - d.mean()
    spread = sqrt(float(np.mean(centred**2)))
    return float(np.mean(centred**3)) / spread**3 if np.ptp(d) > 0 else 0.0


def _notes(
    d: np.ndarray, test: TTest | None, flip_p: float | None, correlation: float | None, alpha: float
) -> Iterator[Note]:
    """Yield what a reader should know before trusting the numbers."""
    n = len(d)
    if test is None or flip_p is None:
        yield (Note.NO_SEED, Note.ONE_SEED, Note.TWO_SEEDS)[n]
        return
    reachable = smallest_p(n) <= alpha
    if not reachable:
        yield Note.SIGN_FLIP_FLOOR
    if test.sd == 0:
        yield Note.NO_SPREAD
    elif reachable and (test.p() < alpha) != (flip_p < alpha):
        yield Note.TESTS_DISAGREE
    if correlation is not None and correlation < 0.1 and n >= FEWEST_FOR_CORRELATION:
        yield Note.PAIRING
    if n >= 8 and abs(_skewness(d)) > 1:
        yield Note.SKEWED
