"""Our runs against one published number that came without its variance.

No test of two methods is possible with one number. What can be said is whether it is what a single run of
ours would give, if the published method spreads over seeds as ours does.
"""

from dataclasses import dataclass
from math import copysign, inf, sqrt

import numpy as np
import scipy
from numpy.typing import ArrayLike

from assay.errors import UsageError
from assay.stats.means import expected_maximum
from assay.stats.ttest import FEWEST, Interval, check_confidence, finite_row, one_sample, t_quantile


@dataclass(frozen=True)
class Published:
    """A published value beside n of our runs, all in percent.

    ``interval`` is that of our mean, ``prediction`` where a single run of ours would fall; ``t`` and ``p``
    place the published value in it and are no test of two methods. ``best_of_runs`` is our expected best of
    ``runs``, what a source that quotes its best run is to be compared with. ``consistent`` says whether the
    published value lies within ``prediction`` (around ``best_of_runs`` where ``runs`` > 1).
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
    other_images: tuple[int, int] | None = None,
    confidence: float = 0.95,
) -> Published:
    """Place ``published`` among our accuracies, one a seed, at least 3.

    ``runs`` is of how many the published value is the best. ``other_images`` are the sizes (ours, theirs)
    of the test sets where they are not the same images; both then add their sampling error to the
    prediction, which uses normal quantiles as the test sets are large.
    """
    check_confidence(confidence, "against_published")
    x = finite_row(values, "against_published")
    if len(x) < FEWEST:
        raise UsageError(f"against_published: found {len(x)} values, expected at least 3 seeds")
    test, best = one_sample(x), expected_maximum(runs)
    spread = test.sd * sqrt(1 + 1 / test.n)
    half = t_quantile(confidence, test.df) * spread
    if other_images is not None:
        ours, theirs = (binomial_se(published, images) for images in other_images)
        spread = sqrt(spread**2 + ours**2 + theirs**2)
        half = float(scipy.special.ndtri((1 + confidence) / 2)) * spread
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
        p=min(1.0, 2 * float(scipy.special.stdtr(test.df if other_images is None else inf, -abs(t)))),
        runs=runs,
        best_of_runs=expected,
        consistent=abs(gap) <= half,
        confidence=confidence,
    )


def binomial_se(accuracy: float, images: int) -> float:
    """Return the standard error, in points, that ``images`` test images give one ``accuracy`` in percent."""
    if not 0 <= accuracy <= 100 or images < 1:
        raise UsageError(
            f"binomial_se: found {accuracy} % of {images} images, expected 0 to 100 % of at least 1"
        )
    return sqrt(accuracy * (100 - accuracy) / images)


def wilson(correct: int, total: int, *, confidence: float = 0.95) -> Interval:
    """Return the interval, in percent, of one network's accuracy over new images (Wilson 1927)."""
    check_confidence(confidence, "wilson")
    if not 0 <= correct <= total or total < 1:
        raise UsageError(f"wilson: found {correct} correct of {total}, expected 0 to the total, at least 1")
    z, p = float(scipy.special.ndtri((1 + confidence) / 2)), correct / total
    centre = (p + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * np.sqrt(p * (1 - p) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    return float(100 * (centre - half)), float(100 * (centre + half))
