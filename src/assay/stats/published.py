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
from assay.stats.shares import check_shares
from assay.stats.ttest import FEWEST, Interval, check_confidence, finite_row, one_sample, t_quantile


@dataclass(frozen=True)
class Published:
    """A published value beside n of our runs, in their unit.

    ``interval`` is that of our mean, ``prediction`` where a single run of theirs would fall, had it the mean
    and spread of ours; ``t``, on ``df`` degrees of freedom, and ``p`` place the published value in it and are
    no test of two methods. ``best_of_runs`` is our expected best of ``runs``, what a source that quotes its
    best run is to be compared with. ``consistent`` says whether the published value lies within
    ``prediction``.
    """

    n: int
    published: float
    mean: float
    sd: float
    interval: Interval
    prediction: Interval
    t: float
    df: float
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

    ``runs`` is of how many the published value is the best. ``images`` are the sizes (ours, theirs) of the
    test sets, for accuracies (as shares) measured on different images of the same kind: each adds its
    sampling error to the prediction, whose degrees of freedom are then Satterthwaite's (1946), since the
    images' part is known far better than the seeds'. With a handful of seeds these may be so many more that
    the prediction would be narrower than for the same images; then it is left as it was for those (without
    this, a nominal 95% covers 92% with three seeds). None stands for the same images, and for values that
    are no accuracies.
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
    half, spread, df = _widest(seeds, sampling, test.df, confidence)
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
        df=df,
        p=min(1.0, 2 * float(scipy.special.stdtr(df, -abs(t)))),
        runs=runs,
        best_of_runs=expected,
        consistent=abs(gap) <= half,
        confidence=confidence,
    )


def _widest(seeds: float, sampling: float, df: float, confidence: float) -> tuple[float, float, float]:
    """Return half-width, standard error and degrees of freedom, with the images' variance or without it."""
    both = _degrees(seeds, sampling, df)
    errors = ((sqrt(seeds), df), (sqrt(seeds + sampling), both))
    return max((t_quantile(confidence, degrees) * error, error, degrees) for error, degrees in errors)


def _degrees(seeds: float, sampling: float, df: float) -> float:
    """Return Satterthwaite's degrees of freedom of two variances added, the second one known."""
    return df * ((seeds + sampling) / seeds) ** 2 if seeds else inf


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
