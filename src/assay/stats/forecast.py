"""How many more seeds may decide: a range, since few seeds determine their own spread only roughly."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import sqrt

import scipy

from assay.errors import UsageError
from assay.stats.power import seeds_for_equivalence, seeds_needed
from assay.stats.ttest import TTest

CONFIDENCE = 0.8
"""The confidence of the range: the true number lies in it four times out of five.

That holds if the true difference is as assumed, and of all studies; of those that are undecided, and so have
a range, it was 76% to 89% in simulations.
"""


@dataclass(frozen=True)
class MoreSeeds:
    """From ``low`` to ``high`` more seeds would decide with 80% power; ``high`` None: beyond ten million."""

    low: int
    high: int | None


def most_seeds(found: Iterable[MoreSeeds | None]) -> MoreSeeds | None:
    """Return the range that decides all of several comparisons; None where nothing is known about any."""
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


Total = Callable[[float], int]
"""From the spread of differences to how many seeds decide in all; `UsageError` beyond ten million."""


@dataclass(frozen=True)
class Totals:
    """How many seeds decide a question in all, by what the true difference may be.

    ``planned`` distinguishes a difference of 0 from one of the margin. ``observed`` is for the difference
    that was seen: where there are as many seeds as planned and nothing is decided, the truth probably lies in
    between.
    """

    planned: Total
    observed: Total


def more_seeds(test: TTest, totals: Totals) -> MoreSeeds | None:
    """Return the range of further seeds that decide, over the spreads that the observed one leaves open.

    None where it shows none, and where even the lower end is beyond ten million.
    """
    if test.sd == 0:
        return None
    planned = _known(totals.planned, test.sd)
    total = totals.planned if planned is None or planned > test.n else totals.observed
    low, high = (_known(total, sd) for sd in spread_interval(test.sd, test.df))
    if low is None:
        return None
    return MoreSeeds(max(1, low - test.n), None if high is None else max(1, high - test.n))


def to_settle(size: float, margin: float, alpha: float) -> Totals:
    """Return how many seeds settle a comparison, by a verdict other than inconclusive; ``size`` was seen."""
    shown, inside = _difference(size, alpha), _inside(margin, size, alpha)
    return Totals(
        _both(_difference(margin, alpha), _inside(margin, 0.0, alpha)),
        shown if size > margin / 2 else inside,
    )


def to_tell_a_gain(size: float, margin: float, shows: float, excluded: float) -> Totals:
    """Return how many seeds decide "a > b": a gain shows, or one of the margin is excluded.

    ``shows`` is the two-sided level of the first and ``excluded`` the one-sided one of the second; the gain
    ``size`` that was seen, negative for a loss, decides by whichever of 0 and the margin it is nearer to.
    """
    near = max(size, 0.0)
    return Totals(
        _both(_difference(margin, shows), _difference(margin, 2 * excluded)),
        _difference(near, shows) if near > margin / 2 else _difference(margin - near, 2 * excluded),
    )


def to_tell_equality(size: float, margin: float, inside: float, beyond: float) -> Totals:
    """Return how many seeds decide "a = b": within the margin, or beyond it as far as was seen.

    ``inside`` is the level of the equivalence test and ``beyond`` that of the interval that lies outside.
    """
    outside = _difference(max(size - margin, margin / 100), beyond)
    return Totals(_inside(margin, 0.0, inside), _inside(margin, size, inside) if size < margin else outside)


def _difference(size: float, alpha: float) -> Total:
    return lambda sd: seeds_needed(sd, size, alpha=alpha)


def _inside(margin: float, size: float, alpha: float) -> Total:
    return lambda sd: seeds_for_equivalence(sd, margin, difference=size, alpha=alpha)


def _both(one: Total, other: Total) -> Total:
    return lambda sd: max(one(sd), other(sd))


def _known(total: Callable[[float], int], sd: float) -> int | None:
    try:
        return total(sd)
    except UsageError:  # more than ten million
        return None
