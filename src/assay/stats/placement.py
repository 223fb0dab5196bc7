"""Our runs against one published number that came without a variance.

No test of two methods is possible with one number. What can be said is whether it is what a single run of
ours would give, if the published method spreads over seeds as ours does.
"""

from dataclasses import dataclass
from math import copysign, exp, inf, log, sqrt

import numpy as np
import scipy
from numpy.typing import ArrayLike

from assay.errors import UsageError
from assay.stats.means import expected_maximum
from assay.stats.shares import check_shares
from assay.stats.ttest import FEWEST, Interval, check_confidence, finite_row, one_sample


@dataclass(frozen=True)
class Published:
    """A published value beside n of our runs, in their unit.

    ``interval`` is that of our mean, ``prediction`` where a single run of theirs would fall, had it the mean
    and spread of ours. ``t``, the distance from its middle in standard errors, and ``p`` place the published
    value within it and are not a test of two methods. ``best_of_runs`` is our expected best of ``runs``, the
    figure to compare with a source that quotes its best run. ``consistent`` says whether the published value
    lies within ``prediction``.
    """

    n: int
    published: float
    mean: float
    sd: float
    interval: Interval
    prediction: Interval
    t: float
    p: float
    runs: int
    best_of_runs: float
    consistent: bool
    confidence: float


def against_published(
    values: ArrayLike,
    published: float,
    *,
    runs: int = 1,
    images: tuple[int, int] | None = None,
    confidence: float = 0.95,
) -> Published:
    """Place ``published`` among our values, one a seed, at least 3.

    ``runs`` is the number of runs of which the published value is the best. ``images`` are the sizes (ours,
    theirs) of the test sets, for accuracies (as shares) measured on different images of the same kind: each
    adds its sampling error to the prediction. None stands for the same images, and for values that are not
    accuracies.
    """
    check_confidence(confidence, "against_published")
    x = finite_row(values, "against_published")
    if len(x) < FEWEST:
        raise UsageError(f"against_published: found {len(x)} values, expected at least 3 seeds")
    test, best = one_sample(x), expected_maximum(runs)
    seeds = test.sd**2 * (1 + 1 / test.n)
    sampling = 0.0
    if images is not None:
        check_shares(np.append(x, published), "against_published")
        sampling = sum(binomial_se(test.mean, count) ** 2 for count in images)
    spread, part = sqrt(seeds + sampling), seeds / (seeds + sampling) if sampling else 1.0
    half = _quantile(1 - confidence, test.df, part) * spread
    expected = test.mean + best * test.sd
    gap = published - expected
    t = gap / spread if spread else copysign(inf, gap) if gap else 0.0
    return Published(
        n=test.n,
        published=published,
        mean=test.mean,
        sd=test.sd,
        interval=test.interval(confidence),
        prediction=(expected - half, expected + half),
        t=t,
        p=_p(abs(t), test.df, part),
        runs=runs,
        best_of_runs=expected,
        consistent=abs(gap) <= half,
        confidence=confidence,
    )


def _quantile(p: float, df: int, seeds: float) -> float:
    """Return the two-sided quantile of Cochran and Cox (1950): Student's for seeds, the normal for images.

    Each is weighted by its share of the variance, ``seeds`` and 1 - ``seeds``. Satterthwaite's degrees of
    freedom (1946) would let a few seeds whose spread came out small pass for many: of equivalent runs up to
    8% fall outside a 95% interval, where here it is at most 5%. Other images never make it narrower.
    """
    student, normal = (-float(x) for x in (scipy.special.stdtrit(df, p / 2), scipy.special.ndtri(p / 2)))
    return max(seeds * student + (1 - seeds) * normal, sqrt(seeds) * student)


def _p(t: float, df: int, seeds: float) -> float:
    """Return the p whose `_quantile` is ``t`` >= 0."""
    student, normal = (2 * float(tail) for tail in (scipy.special.stdtr(df, -t), scipy.special.ndtr(-t)))
    if seeds == 1 or student == 0:
        return student

    def beyond(log_p: float) -> float:
        return _quantile(exp(log_p), df, seeds) - t

    ends = log(max(normal, 1e-200)), log(student)
    # Where one share is next to nothing, rounding may leave no root between the two.
    if not beyond(ends[0]) > 0 > beyond(ends[1]):
        return normal if seeds < 0.5 else student
    return exp(scipy.optimize.brentq(beyond, *ends))


def binomial_se(accuracy: float, images: int) -> float:
    """Return the standard error that ``images`` test images give one ``accuracy``, both as shares."""
    if not 0 <= accuracy <= 1 or images < 1:
        raise UsageError(
            f"binomial_se: found {accuracy} of {images} images, expected a share from 0 to 1 of at least 1"
        )
    return sqrt(accuracy * (1 - accuracy) / images)


def wilson(correct: int, total: int, *, confidence: float = 0.95) -> Interval:
    """Return the interval of one network's accuracy over new images (Wilson 1927)."""
    check_confidence(confidence, "wilson")
    if not 0 <= correct <= total or total < 1:
        raise UsageError(f"wilson: found {correct} correct of {total}, expected 0 to the total, at least 1")
    z, p = float(scipy.special.ndtri((1 + confidence) / 2)), correct / total
    centre = (p + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * sqrt(p * (1 - p) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    return centre - half, centre + half
