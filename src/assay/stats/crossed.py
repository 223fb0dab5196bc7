"""Two arms over training seeds and test images at once: what would hold on new images of the same source.

A paired t test over seeds is about one test set only; that set's contribution, sd_image / sqrt(M), remains
however many seeds are run. Seeds and images are crossed and balanced, the difference on image i with seed s
is mu + seed_s + image_i + rest, and its mean squares give the variance of the mean (Searle et al. 1992,
chapter 4).

With few seeds the interval errs on the wide side: in simulations a nominal 95% covered 97% with
3 seeds, 96% with 10 and 95% with 30.
"""

from dataclasses import dataclass
from math import copysign, inf, sqrt

import numpy as np
import scipy
from numpy.typing import ArrayLike

from assay.errors import UsageError
from assay.stats.ttest import FEWEST, Interval, check_confidence, t_quantile


@dataclass(frozen=True)
class Crossed:
    """Arm a less arm b over ``n`` seeds and ``images`` test images; mean, errors and interval as shares.

    ``se_seed`` is what new seeds alone add (the paired t test's), ``se_image`` what new images alone add,
    ``se`` both. The mean squares are those of the differences -1, 0 and 1. ``floor`` estimates the standard
    error that no number of seeds removes.
    """

    n: int
    images: int
    mean: float
    se_seed: float
    se_image: float
    se: float
    floor: float
    df: float
    p: float
    interval: Interval
    ms_seed: float
    ms_image: float
    ms_rest: float
    confidence: float


def compare_crossed(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> Crossed:
    """Compare two arms from their correctness, each (n seeds, M images) of True or False, seeds paired.

    At least 3 seeds and 2 images; raises `UsageError` otherwise, and where the two shapes differ.
    """
    check_confidence(confidence, "compare_crossed")
    a, b = correctness(a, "compare_crossed: a"), correctness(b, "compare_crossed: b")
    if a.shape != b.shape:
        raise UsageError(
            f"compare_crossed: found shapes {a.shape} and {b.shape}, expected equal ones (seeds, images)"
        )
    d = a.astype(np.float64) - b
    n, images = d.shape
    ms_seed, ms_image, ms_rest = _mean_squares(d)
    mean, cells = float(d.mean()), n * images
    v_seed, v_image, v_rest = ms_seed / cells, ms_image / cells, ms_rest / cells
    variance = max(v_seed + v_image - v_rest, v_seed, v_image)
    df = _satterthwaite(variance, (v_seed, v_image, v_rest), n, images)
    se = sqrt(variance)
    half = t_quantile(confidence, df) * se
    t = mean / se if se else copysign(inf, mean) if mean else 0.0
    return Crossed(
        n=n,
        images=images,
        mean=mean,
        se_seed=sqrt(v_seed),
        se_image=sqrt(v_image),
        se=se,
        floor=sqrt(max(0.0, ms_image - ms_rest) / cells),
        df=df,
        p=min(1.0, 2 * float(scipy.special.stdtr(df, -abs(t)))),
        interval=(mean - half, mean + half),
        ms_seed=ms_seed,
        ms_image=ms_image,
        ms_rest=ms_rest,
        confidence=confidence,
    )


def correctness(values: ArrayLike, where: str) -> np.ndarray:
    """Return a bool array (seeds, images) of at least 3 by 2, or raise a `UsageError`."""
    array = np.asarray(values)
    if array.ndim != 2 or array.shape[0] < FEWEST or array.shape[1] < 2:
        raise UsageError(f"{where}: found shape {array.shape}, expected (seeds, images), at least 3 by 2")
    if array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
        raise UsageError(
            f"{where}: found other values than True and False (give correctness, not predictions)"
        )
    return array.astype(np.bool_)


def _mean_squares(d: np.ndarray) -> tuple[float, float, float]:
    """Return the mean squares of seeds, images and the rest of ``d`` (seeds, images)."""
    n, images = d.shape
    mean, by_seed, by_image = d.mean(), d.mean(axis=1, keepdims=True), d.mean(axis=0, keepdims=True)
    rest = d - by_seed - by_image + mean
    return (
        float(images * np.sum((by_seed - mean) ** 2) / (n - 1)),
        float(n * np.sum((by_image - mean) ** 2) / (images - 1)),
        float(np.sum(rest**2) / ((n - 1) * (images - 1))),
    )


def _satterthwaite(variance: float, parts: tuple[float, float, float], n: int, images: int) -> float:
    """Return the degrees of freedom of the combined variance (Satterthwaite 1946), n - 1 or more."""
    dfs = (n - 1, images - 1, (n - 1) * (images - 1))
    spread = sum(part**2 / df for part, df in zip(parts, dfs, strict=True))
    return max(n - 1.0, variance**2 / spread) if spread else n - 1.0
