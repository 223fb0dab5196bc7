"""How many more seeds may decide: a range, since few seeds know their own spread only roughly."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import scipy

from assay.errors import UsageError
from assay.stats.power import seeds_for_equivalence, seeds_needed
from assay.stats.ttest import TTest

CONFIDENCE = 0.8
"""Of the range: four of five times the true number lies in it, if the true difference is as assumed."""


@dataclass(frozen=True)
class MoreSeeds:
    """From ``low`` to ``high`` more seeds would decide with 80% power; ``high`` None: beyond ten million."""

    low: int
    high: int | None


def spread_interval(sd: float, df: float, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval of the true standard deviation behind ``sd`` with ``df`` degrees of freedom."""
    tail = (1 - confidence) / 2
    low, high = (float(scipy.special.chdtri(df, p)) for p in (tail, 1 - tail))
    return sd * sqrt(df / low), sd * sqrt(df / high)


def more_seeds(test: TTest, total: Callable[[float], int]) -> MoreSeeds | None:
    """Return the range of further seeds; ``total`` gives, for a spread, how many decide in all.

    None where even the lower end is beyond ten million. ``total`` must not fall as the spread grows.
    """
    low, high = (_known(total, sd) for sd in spread_interval(test.sd, test.df))
    if low is None:
        return None
    return MoreSeeds(max(1, low - test.n), None if high is None else max(1, high - test.n))


def seeds_to_settle(sd: float, found: TTest, margin: float, alpha: float) -> int:
    """Return how many seeds settle a comparison: by a verdict other than inconclusive.

    Those that tell a true difference of 0 from one of the ``margin``. Where, by the spread that was
    ``found``, there already are as many, the truth seems to lie in between: then those that settle the
    observed difference. ``sd`` is the true spread, for which the answer is.
    """

    def either(sd: float) -> int:
        return max(seeds_needed(sd, margin, alpha=alpha), seeds_for_equivalence(sd, margin, alpha=alpha))

    size = abs(found.mean)
    if not _reached(either, found):
        return either(sd)
    if size > margin / 2:
        return seeds_needed(sd, size, alpha=alpha)
    return seeds_for_equivalence(sd, margin, difference=size, alpha=alpha)


def seeds_for_difference(sd: float, found: TTest, margin: float, alphas: tuple[float, float]) -> int:
    """Return how many seeds decide "a > b": that a gain of the margin shows, or that it is excluded.

    ``alphas`` are the two-sided level of the first and the one-sided one of the second. Where, by the spread
    that was ``found``, there are as many already, the observed gain decides, whichever it is nearer to.
    """
    shows, excluded = alphas

    def either(sd: float) -> int:
        return max(seeds_needed(sd, margin, alpha=shows), seeds_needed(sd, margin, alpha=2 * excluded))

    if not _reached(either, found):
        return either(sd)
    if found.mean > margin / 2:
        return seeds_needed(sd, found.mean, alpha=shows)
    return seeds_needed(sd, margin - max(found.mean, 0.0), alpha=2 * excluded)


def seeds_for_equality(sd: float, found: TTest, margin: float, alphas: tuple[float, float]) -> int:
    """Return how many seeds decide "a = b": within the margin, or beyond it as far as was observed.

    ``alphas`` are the level of the equivalence test and that of the interval that lies beyond.
    """
    inside, beyond = alphas

    def within(sd: float, difference: float = 0.0) -> int:
        return seeds_for_equivalence(sd, margin, difference=difference, alpha=inside)

    size = abs(found.mean)
    if not _reached(within, found):
        return within(sd)
    if size < margin:
        return within(sd, size)
    return seeds_needed(sd, max(size - margin, margin / 100), alpha=beyond)


def _reached(total: Callable[[float], int], found: TTest) -> bool:
    """Whether the seeds there are would do, were the true spread the observed one."""
    known = _known(total, found.sd)
    return known is not None and known <= found.n


def _known(total: Callable[[float], int], sd: float) -> int | None:
    try:
        return total(sd)
    except UsageError:  # more than ten million
        return None
