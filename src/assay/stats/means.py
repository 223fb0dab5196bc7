"""One arm by itself: mean, spread and interval over its seeds."""

from dataclasses import dataclass
from math import nan

import numpy as np
import scipy
from numpy.typing import ArrayLike

from assay.errors import UsageError
from assay.stats.ttest import FEWEST, Interval, check_confidence, one_sample, row


@dataclass(frozen=True)
class Summary:
    """An arm over its finished seeds, in the unit of its values.

    ``mean`` is NaN without a finished run, ``sd`` is None below two and ``interval`` (of the mean, by t) is
    None below three. ``diverged`` counts the seeds whose value was not finite.
    """

    n: int
    mean: float
    sd: float | None
    interval: Interval | None
    diverged: int = 0
    confidence: float = 0.95


def summary(values: ArrayLike, *, confidence: float = 0.95) -> Summary:
    """Summarise one value per seed; a diverged run is NaN and is counted, not averaged."""
    check_confidence(confidence, "summary")
    everything = row(values, "summary")
    finished = everything[np.isfinite(everything)]
    n, diverged = len(finished), len(everything) - len(finished)
    if n < 2:
        mean = float(finished[0]) if n else nan
        return Summary(n, mean, None, None, diverged, confidence)
    test = one_sample(finished)
    interval = test.interval(confidence) if n >= FEWEST else None
    return Summary(n, test.mean, test.sd, interval, diverged, confidence)


def expected_maximum(k: int) -> float:
    """Return the mean of the largest of ``k`` independent standard normal numbers: 1.163 for 5, 1.539 for 10.

    The best of ``k`` equal arms, or of ``k`` runs, is about this many standard deviations too high.
    """
    if k < 1:
        raise UsageError(f"expected_maximum: k is {k}, expected at least 1")

    def survival(x: float) -> float:
        """E max = integral of P(max > x) over x > 0 less that of P(max < x) over x < 0."""
        return float(-np.expm1(k * scipy.special.log_ndtr(x)) - np.exp(k * scipy.special.log_ndtr(-x)))

    quad = scipy.integrate.quad
    return float(quad(survival, 0, 40, epsabs=1e-13, epsrel=1e-12, limit=200, points=(1, 2, 3, 5, 8))[0])
