"""How many seeds: power of the paired t test and of the equivalence test, exact for normal differences.

``sd`` is the standard deviation of the paired differences: sigma * sqrt(2 * (1 - rho)) for arms whose seeds
spread by sigma and correlate by rho. Plan with rho = 0: pairing different architectures gains little.
"""

from collections.abc import Callable
from math import ceil, isnan, log, sqrt

import numpy as np
import scipy

from assay.errors import UsageError
from assay.stats.ttest import FEWEST, check_positive, t_quantile

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


def difference_power(n: int, sd: float, difference: float, *, alpha: float = 0.05) -> float:
    """Return the probability that a two-sided paired t test of ``n`` seeds finds a true ``difference``."""
    if sd == 0:
        return 1.0
    critical, shift = t_quantile(1 - alpha, n - 1), abs(difference) * sqrt(n) / sd
    return 2 - _below(critical, n - 1, shift) - _below(critical, n - 1, -shift)


def _below(t: float, df: int, shift: float) -> float:
    """Return P(T < t) of the noncentral t distribution."""
    p = float(scipy.special.nctdtr(df, shift, t))
    return float(t > shift) if isnan(p) else p  # within rounding of 0 or 1 it may not be a number


def equivalence_power(
    n: int, sd: float, margin: float, *, difference: float = 0.0, alpha: float = 0.05
) -> float:
    """Return the probability that two one-sided tests of ``n`` seeds show equivalence within ``margin``.

    ``difference`` is the true one. Given the observed spread the mean is normal; its probability is
    integrated over the chi distribution of the spread (Owen 1965).
    """
    if sd == 0:
        return float(abs(difference) < margin)
    df, scale = n - 1, sqrt(n) / sd
    critical = t_quantile(1 - 2 * alpha, df)
    # The spread, in units of sd: where the interval fits into the margin and the density is not negligible.
    low = max(0.0, 1 - 10 / sqrt(2 * df))
    high = min(margin * scale / critical, 1 + 10 / sqrt(2 * df))
    if high <= low:
        return 0.0
    spread = low + (high - low) * (_NODES + 1) / 2
    x = spread * sqrt(df)
    log_chi = (
        scipy.special.xlogy(df - 1, x) - x**2 / 2 - (df / 2 - 1) * log(2) - scipy.special.gammaln(df / 2)
    )
    density = np.exp(log_chi) * sqrt(df)
    inside = scipy.special.ndtr((margin - difference) * scale - critical * spread) - scipy.special.ndtr(
        (-margin - difference) * scale + critical * spread
    )
    return float((high - low) / 2 * np.sum(_WEIGHTS * density * inside))


def seeds_needed(sd: float, difference: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Return the fewest seeds (at least 3) with which the paired t test finds ``difference`` with ``power``.

    In a family of m comparisons use ``alpha / m``.
    """
    _check("seeds_needed", sd, power, alpha)
    check_positive("seeds_needed", difference=difference)
    normal = ((scipy.special.ndtri(1 - alpha / 2) + scipy.special.ndtri(power)) * sd / difference) ** 2
    return _fewest(lambda n: difference_power(n, sd, difference, alpha=alpha) >= power, normal)


def seeds_for_equivalence(
    sd: float, margin: float, *, difference: float = 0.0, power: float = 0.8, alpha: float = 0.05
) -> int:
    """Return the fewest seeds (at least 3) that show equivalence within ``margin`` with ``power``.

    ``difference`` is the true one, inside the margin.
    """
    _check("seeds_for_equivalence", sd, power, alpha)
    check_positive("seeds_for_equivalence", margin=margin)
    if abs(difference) >= margin:
        raise UsageError(f"seeds_for_equivalence: difference {difference} is not inside the margin {margin}")
    ndtri = scipy.special.ndtri
    normal = ((ndtri(1 - alpha) + ndtri(power)) * sd / (margin - abs(difference))) ** 2
    return _fewest(
        lambda n: equivalence_power(n, sd, margin, difference=difference, alpha=alpha) >= power, normal
    )


def seeds_for_halfwidth(sd: float, halfwidth: float, *, confidence: float = 0.95) -> int:
    """Return the fewest seeds (at least 3) whose t interval, at a spread of ``sd``, is +- ``halfwidth``."""
    _check("seeds_for_halfwidth", sd, confidence, 1 - confidence)
    check_positive("seeds_for_halfwidth", halfwidth=halfwidth)
    normal = (scipy.special.ndtri((1 + confidence) / 2) * sd / halfwidth) ** 2
    return _fewest(lambda n: t_quantile(confidence, n - 1) * sd / sqrt(n) <= halfwidth, normal)


def minimum_detectable_difference(n: int, sd: float, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the smallest true difference that a paired t test of ``n`` seeds finds with ``power``."""
    _check("minimum_detectable_difference", sd, power, alpha)
    if n < 2:
        raise UsageError(f"minimum_detectable_difference: n is {n}, expected at least 2 seeds")
    if sd == 0:
        return 0.0
    # In units of sd / sqrt(n), where the answer lies a little above the two t quantiles' sum.
    high = 2 * (t_quantile(1 - alpha, n - 1) + t_quantile(2 * power - 1, n - 1) + 1) if power > 0.5 else 1e3
    brentq = scipy.optimize.brentq
    shift = brentq(lambda s: difference_power(n, sqrt(n), s, alpha=alpha) - power, 0, high, xtol=1e-12)
    return float(shift * sd / sqrt(n))


def sd_upper_bound(sd: float, n: int, *, confidence: float = 0.8) -> float:
    """Return the one-sided upper bound of the true spread, from ``sd`` observed over ``n`` seeds.

    Planning with the observed spread itself is too optimistic in half of all pilots (Browne 1995).
    """
    if n < 2:
        raise UsageError(f"sd_upper_bound: n is {n}, expected at least 2 seeds")
    return float(sd * sqrt((n - 1) / scipy.special.chdtri(n - 1, confidence)))


def _fewest(enough: Callable[[int], bool], normal: float) -> int:
    """Return the fewest seeds that are ``enough``; the ``normal`` answer is never above it."""
    if not normal < 1e7:
        raise UsageError("seeds: more than ten million would be needed (ask for a larger difference)")
    low = max(FEWEST, ceil(normal))
    if enough(low):
        return low
    # It is close below, so the steps upwards begin small.
    high = low + 1
    while not enough(high):
        low, high = high, high + 2 * (high - low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _check(where: str, sd: float, power: float, alpha: float) -> None:
    """Raise a `UsageError` unless the three can be planned with."""
    if not 0 <= sd < np.inf:
        raise UsageError(f"{where}: sd is {sd}, expected 0 or more")
    if not (0 < power < 1 and 0 < alpha < 1 and alpha < power):
        raise UsageError(f"{where}: power {power} and alpha {alpha}, expected 0 < alpha < power < 1")
