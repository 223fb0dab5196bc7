"""Two arms over paired seeds: the mean difference, its interval, and what stands behind it.

Inference is over training seeds on one test set; `assay.stats.crossed` adds the finite test set.
"""

from dataclasses import dataclass
from math import exp, floor, lgamma, log, log10, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike

from assay.errors import UsageError
from assay.stats.signflip import sign_flip_p
from assay.stats.ttest import (
    FEWEST,
    Interval,
    TTest,
    check_confidence,
    check_positive,
    finite_row,
    one_sample,
)
from assay.stats.words import fixed, p_value


@dataclass(frozen=True)
class Comparison:
    """Arm a less arm b over n paired seeds, in percentage points where the values are percentages.

    Below three seeds there is no inference: ``sd`` to ``correlation`` are None, save ``win_rate`` and
    ``error_ratio``, and ``differences`` says all there is. With no seed at all ``mean`` is NaN.
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
    interval90: Interval | None
    """The interval at 1 - 2 alpha (90% where ``confidence`` is 95%), which equivalence is judged by."""
    tost_p: float | None
    """p of two one-sided tests against a difference of at least ``margin``."""
    sign_flip_p: float | None
    """Two-sided p of the sign-flip test, which assumes no normal distribution; exact for n <= 32."""
    smallest_sign_flip_p: float
    """What the sign-flip p cannot fall below: 2 / 2**n."""
    d_z: float | None
    """``mean / sd``; None where the spread is 0. Seeds vary so little that large values are usual."""
    hedges_g: float | None
    """``d_z`` without its small-sample bias (Hedges 1981, the exact factor)."""
    win_rate: float
    """Part of the seeds on which a is above b, ties counted half."""
    error_ratio: float | None
    """(100 - mean of a) / (100 - mean of b); None where the values are no percentages or b makes no error."""
    correlation: float | None
    """Pearson correlation of a and b over seeds; None where one of them is constant."""
    margin: float
    confidence: float
    notes: tuple[str, ...]

    @property
    def alpha(self) -> float:
        """1 - confidence."""
        return 1 - self.confidence

    @property
    def test(self) -> TTest | None:
        """The t test of the differences, or None below three seeds."""
        return None if self.sd is None else TTest(self.n, self.mean, self.sd)


def compare(a: ArrayLike, b: ArrayLike, *, margin: float = 0.3, confidence: float = 0.95) -> Comparison:
    """Compare two arms over paired seeds: ``a[i]`` and ``b[i]`` share the seed i.

    ``a`` and ``b`` are accuracies in percent, n of each; ``margin`` is the difference, in points, below which
    two arms count as equivalent, to be declared before the data are seen. Raises `UsageError` where lengths
    differ or a value is not finite (see `compare_arms` for runs that diverged).
    """
    check_confidence(confidence, "compare")
    check_positive("compare", margin=margin)
    a, b = finite_row(a, "compare: a"), finite_row(b, "compare: b")
    if len(a) != len(b):
        raise UsageError(
            f"compare: found {len(a)} and {len(b)} values, expected pairs (one of each arm a seed)"
        )
    d = differences(a, b)
    n, test = len(d), one_sample(d) if len(d) >= FEWEST else None
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
        interval90=test.interval(2 * confidence - 1) if test else None,
        tost_p=test.p_equivalent(margin) if test else None,
        sign_flip_p=flip_p,
        smallest_sign_flip_p=min(1.0, 2.0 / 2**n),
        d_z=d_z,
        hedges_g=None if d_z is None else d_z * _hedges_factor(n - 1),
        win_rate=float(np.mean((np.sign(d) + 1) / 2)) if n else nan,
        error_ratio=_error_ratio(a, b),
        correlation=correlation,
        margin=margin,
        confidence=confidence,
        notes=tuple(_notes(d, test, flip_p, correlation, 1 - confidence)),
    )


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
    """Return the ratio of mean errors of two arms in percent, where it means something."""
    both = np.concatenate((a, b))
    if not len(both) or both.min() < 0 or both.max() > 100 or np.all(b == 100):
        return None
    return float((100 - np.mean(a)) / (100 - np.mean(b)))


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
) -> list[str]:
    """Say what a reader should know before trusting the numbers."""
    n = len(d)
    if test is None or flip_p is None:
        few = {0: "no seed that both arms finished", 1: "one seed: two networks, not two methods"}
        return [few.get(n, "two seeds: the two differences and their mean, no interval")]
    notes = []
    floor_p = 2.0 / 2**n
    if floor_p > alpha:
        notes.append(f"with {n} seeds the sign-flip p cannot fall below {floor_p:.3g}, whatever the data")
    if test.sd == 0:
        notes.append(
            "all differences are equal: the spread between seeds is not seen, and p and interval are limits"
        )
    elif max(test.p(), flip_p) > 3 * min(test.p(), flip_p):
        reason = " (the smallest possible with so few seeds)" if flip_p <= floor_p else ""
        both = f"p {p_value(test.p())} against {p_value(flip_p)}"
        notes.append(f"t and sign-flip tests disagree: {both}{reason}")
    if correlation is not None and correlation < 0.1:
        notes.append(f"pairing bought nothing: the arms' correlation over seeds is {fixed(correlation)}")
    if n >= 8 and abs(_skewness(d)) > 1:
        notes.append(f"the differences are skewed: see the sign-flip p {p_value(flip_p)}")
    return notes
