"""How many more seeds may decide: a range, since few seeds know their own spread only roughly."""

from collections.abc import Callable, Iterable
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


def most_seeds(found: Iterable[MoreSeeds | None]) -> MoreSeeds | None:
    """Return the range that decides all of several comparisons; None where nothing is known of any."""
    known = [more for more in found if more is not None]
    if not known:
        return None
    highs = [more.high for more in known if more.high is not None]
    return MoreSeeds(max(more.low for more in known), max(highs) if len(highs) == len(known) else None)


def spread_interval(sd: float, df: float, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval of the true standard deviation behind ``sd`` with ``df`` degrees of freedom."""
    tail = (1 - confidence) / 2
    low, high = (float(scipy.special.chdtri(df, p)) for p in (tail, 1 - tail))
    return sd * sqrt(df / low), sd * sqrt(df / high)


def more_seeds(test: TTest, total: Callable[[float], int]) -> MoreSeeds | None:
    """Return the range of further seeds; ``total`` gives, for a spread, how many decide in all.

    None where even the lower end is beyond ten million.
    """
    low, high = (_known(total, sd) for sd in spread_interval(test.sd, test.df))
    if low is None:
        return None
    return MoreSeeds(max(1, low - test.n), None if high is None else max(1, high - test.n))


def seeds_to_settle(sd: float, n: int, size: float, margin: float, alpha: float) -> int:
    """Return how many seeds settle a comparison: by a verdict other than inconclusive.

    Those that tell a true difference of 0 from one of the ``margin``. Where ``n`` already are as many, the
    truth seems to lie in between: then those that settle the observed ``size``.
    """
    total = max(seeds_needed(sd, margin, alpha=alpha), seeds_for_equivalence(sd, margin, alpha=alpha))
    if total > n:
        return total
    if size > margin / 2:
        return seeds_needed(sd, size, alpha=alpha)
    return seeds_for_equivalence(sd, margin, difference=size, alpha=alpha)


def seeds_for_difference(sd: float, n: int, size: float, margin: float, alphas: tuple[float, float]) -> int:
    """Return how many seeds decide "a > b": that a gain of the margin shows, or that it is excluded.

    ``alphas`` are the two-sided level of the first and the one-sided one of the second. Where ``n`` are as
    many already, the observed gain ``size`` decides, whichever it is nearer to.
    """
    shows, excluded = alphas
    total = max(seeds_needed(sd, margin, alpha=shows), seeds_needed(sd, margin, alpha=2 * excluded))
    if total > n:
        return total
    if size > margin / 2:
        return seeds_needed(sd, size, alpha=shows)
    return seeds_needed(sd, margin - max(size, 0.0), alpha=2 * excluded)


def seeds_for_equality(sd: float, n: int, size: float, margin: float, alphas: tuple[float, float]) -> int:
    """Return how many seeds decide "a = b": within the margin, or beyond it as far as was observed.

    ``alphas`` are the level of the equivalence test and that of the interval that lies beyond.
    """
    inside, beyond = alphas
    total = seeds_for_equivalence(sd, margin, alpha=inside)
    if total > n:
        return total
    if size < margin:
        return seeds_for_equivalence(sd, margin, difference=size, alpha=inside)
    return seeds_needed(sd, max(size - margin, margin / 100), alpha=beyond)


def _known(total: Callable[[float], int], sd: float) -> int | None:
    try:
        return total(sd)
    except UsageError:  # more than ten million
        return None
