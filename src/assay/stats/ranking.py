"""Which arm is best, which others cannot be told from it, and by how much chance flatters it.

Arms are arrays over the same seeds, NaN where a run has no value.
"""

from collections.abc import Mapping
from math import comb, sqrt

import numpy as np

from assay.stats.means import expected_maximum
from assay.stats.paired import on_common_seeds, paired_test


def best_arm(arms: Mapping[str, np.ndarray], failed: Mapping[str, np.ndarray]) -> str | None:
    """Return the arm with the highest mean over its own seeds; None where every run of all arms failed."""
    means = {arm: float(np.nanmean(x)) for arm, x in arms.items() if not (np.isnan(x) | failed[arm]).all()}
    return max(means, key=means.__getitem__) if means else None


def not_distinguishable(best: str | None, arms: Mapping[str, np.ndarray], alpha: float) -> tuple[str, ...]:
    """Return ``best`` and the arms with a value that no comparison of all pairs distinguishes from it."""
    if best is None:
        return ()
    others = [arm for arm, x in arms.items() if arm != best and np.isfinite(x).any()]
    tests = [paired_test(*on_common_seeds(arms[best], arms[arm])) for arm in others]
    level = alpha / comb(len(arms), 2)
    told = {arm for arm, test in zip(others, tests, strict=True) if test and test.differs(level)}
    return (best, *(arm for arm in others if arm not in told))


def optimism(complete: Mapping[str, np.ndarray]) -> float | None:
    """Return by how much the best mean is expected to be too high if all arms were equal.

    That is the standard error of a mean within seeds times the expected maximum of k normal numbers; None
    for one arm or one seed.
    """
    if len(complete) < 2:
        return None
    x = np.array(list(complete.values()))
    k, n = x.shape
    if n < 2:
        return None
    residual = x - x.mean(axis=0) - x.mean(axis=1, keepdims=True) + x.mean()
    variance = float(np.sum(residual**2)) / ((k - 1) * (n - 1))
    return sqrt(variance / n) * expected_maximum(k)


def on_complete_seeds(arms: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the values on the seeds that all arms finished, leaving out the arms that finished none."""
    some = {arm: x for arm, x in arms.items() if np.isfinite(x).any()}
    if not some:
        return {}
    seeds = np.isfinite(list(some.values())).all(axis=0)
    return {arm: x[seeds] for arm, x in some.items()} if seeds.any() else {}
