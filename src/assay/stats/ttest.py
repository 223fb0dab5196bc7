"""Student's t for one row of numbers: the mean against a value, and its interval."""

from dataclasses import dataclass
from math import copysign, inf, sqrt

import numpy as np
import scipy
from numpy.typing import ArrayLike

from assay.errors import UsageError

Interval = tuple[float, float]

FEWEST = 3
"""Fewest seeds for which an interval is given: with two it rests on a single degree of freedom."""


@dataclass(frozen=True)
class TTest:
    """The t test of n >= 2 numbers, in their unit. With ``sd == 0`` it is the limit of a vanishing spread."""

    n: int
    mean: float
    sd: float

    @property
    def se(self) -> float:
        """Standard error of the mean."""
        return self.sd / sqrt(self.n)

    @property
    def df(self) -> int:
        """Degrees of freedom, n - 1."""
        return self.n - 1

    def t(self, value: float = 0.0) -> float:
        """Return the t statistic of the mean against ``value``."""
        gap = self.mean - value
        if self.sd > 0:
            return gap / self.se
        return copysign(inf, gap) if gap else 0.0

    def p(self, value: float = 0.0) -> float:
        """Return the two-sided p of "the true mean is ``value``"."""
        return min(1.0, 2 * float(scipy.special.stdtr(self.df, -abs(self.t(value)))))

    def p_equivalent(self, margin: float) -> float:
        """Return the p of "the true mean is ``margin`` or more from 0", by two one-sided tests.

        Schuirmann (1987): small where the mean is shown to lie within the margin.
        """
        below, above = self.t(-margin), self.t(margin)
        return float(max(scipy.special.stdtr(self.df, -below), scipy.special.stdtr(self.df, above)))

    def p_below(self, value: float) -> float:
        """Return the one-sided p of "the true mean is ``value`` or more"."""
        return float(scipy.special.stdtr(self.df, self.t(value)))

    def probability_below(self, value: float) -> float:
        """Return the posterior probability, under the flat prior, that the true mean is below ``value``."""
        return float(scipy.special.stdtr(self.df, -self.t(value)))

    def interval(self, confidence: float) -> Interval:
        """Return the two-sided ``confidence`` interval of the mean."""
        half = t_quantile(confidence, self.df) * self.se
        return self.mean - half, self.mean + half

    def differs(self, alpha: float) -> bool:
        """Whether the mean differs from 0: the 1 - ``alpha`` interval excludes it."""
        low, high = self.interval(1 - alpha)
        return not low <= 0 <= high

    def lies_within(self, margin: float, alpha: float) -> bool:
        """Whether the 1 - 2 ``alpha`` interval lies inside the ``margin`` (two one-sided tests)."""
        low, high = self.interval(1 - 2 * alpha)
        return -margin < low and high < margin


def one_sample(values: np.ndarray) -> TTest:
    """Return the t test of at least two finite numbers; the spread of equal numbers is exactly 0."""
    mean = float(np.mean(values))
    if np.ptp(values) == 0:
        return TTest(len(values), float(values[0]), 0.0)
    return TTest(len(values), mean, float(np.std(values, ddof=1)))


def t_quantile(confidence: float, df: float) -> float:
    """Return the t value that ``confidence`` of the distribution lies within, on both sides of 0."""
    return float(scipy.special.stdtrit(df, (1 + confidence) / 2))


def row(values: ArrayLike, where: str) -> np.ndarray:
    """Return ``values`` as a float64 array with one axis, or raise a `UsageError`."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise UsageError(
            f"{where}: found an array of shape {array.shape}, expected one axis (one number a seed)"
        )
    return array


def finite_row(values: ArrayLike, where: str) -> np.ndarray:
    """Return ``values`` as `row` does, and raise a `UsageError` where one is not finite."""
    array = row(values, where)
    if not np.isfinite(array).all():
        bad = np.flatnonzero(~np.isfinite(array))[0]
        raise UsageError(
            f"{where}: value {bad} is {array[bad]}, expected a finite number (diverged runs: compare_arms)"
        )
    return array


def check_confidence(confidence: float, where: str) -> None:
    """Raise a `UsageError` unless ``confidence`` lies strictly between 0.5 and 1."""
    if not 0.5 < confidence < 1:
        raise UsageError(f"{where}: confidence is {confidence}, expected between 0.5 and 1 (such as 0.95)")


def check_alpha(alpha: float, where: str) -> None:
    """Raise a `UsageError` unless the level ``alpha`` lies strictly between 0 and 0.5."""
    if not 0 < alpha < 0.5:
        raise UsageError(f"{where}: alpha is {alpha}, expected between 0 and 0.5 (such as 0.05)")


def check_positive(where: str, **values: float) -> None:
    """Raise a `UsageError` that names the first of ``values`` that is not a positive finite number."""
    for name, value in values.items():
        if not 0 < value < inf:
            raise UsageError(f"{where}: {name} is {value}, expected a positive finite number")
