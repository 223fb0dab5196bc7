"""Whether paired runs support what a published sentence expects of two arms.

A relation is judged on differences d = a - b, one a seed: shares for accuracies, logarithms of ratios for
costs. ``margin`` is the smallest difference that matters. The interval or bound returned is the one that
decided.

=========  ======================  =====================  ==================================
expected   supported               contradicted           too small to matter
=========  ======================  =====================  ==================================
a > b      interval above 0        interval below 0       a gain of the margin or more is
                                                          excluded (one-sided), and none of
                                                          the other two
a <= b     a gain of the margin    interval above 0
           or more is excluded,
           and d is not above 0
a = b      equivalent within the   interval beyond the
           margin (TOST)           margin on one side
=========  ======================  =====================  ==================================

A claim of m relations is supported if all are, each tested at alpha: an intersection-union test, which needs
no correction (Berger 1982). It is contradicted, or its gain too small, if that holds of one relation, each
tested at alpha / m (Bonferroni).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf, nan

from numpy.typing import ArrayLike

from assay.errors import UsageError
from assay.stats.forecast import MoreSeeds, more_seeds, to_tell_a_gain, to_tell_equality
from assay.stats.ttest import (
    FEWEST,
    Interval,
    TTest,
    check_alpha,
    check_positive,
    finite_row,
    one_sample,
)

MIRRORED = {"<": ">", "<=": ">="}


class ClaimVerdict(StrEnum):
    """What the runs say about a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    TOO_SMALL = "too small"
    """Any gain there may be is smaller than the margin."""
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class RelationTest:
    """One expected relation: the mean difference over n seeds and what it says.

    ``interval`` is the one that decides, at ``confidence``; an end is infinite where a one-sided bound
    decides. Where nothing is decided it is the one at alpha or, where that would contradict the relation, the
    one at alpha / m, which does not. It is None below three seeds. ``p`` is that of "the relation does not
    hold"; a small one supports the relation. ``more_seeds`` is about how many would decide it, None where it
    is decided or cannot be said.
    """

    n: int
    mean: float
    verdict: ClaimVerdict
    interval: Interval | None = None
    confidence: float = nan
    p: float = 1.0
    more_seeds: MoreSeeds | None = None


def check_relation(
    differences: ArrayLike, relation: str, *, margin: float, relations: int = 1, alpha: float = 0.05
) -> RelationTest:
    """Judge "a ``relation`` b", one of ``< <= = >= >``, on the differences a - b of the seeds.

    ``margin`` is the smallest difference that matters, ``relations`` how many the claim expects. Raises
    `UsageError` for another relation, a margin that is not positive, no relations or an invalid level.
    """
    check_positive("check_relation", margin=margin)
    check_alpha(alpha, "check_relation")
    if relations < 1:
        raise UsageError(f"check_relation: relations is {relations}, expected at least 1")
    if relation not in (">", ">=", "=", *MIRRORED):
        raise UsageError(f"check_relation: relation is {relation!r}, expected one of < <= = >= >")
    d = finite_row(differences, "check_relation")
    if len(d) < FEWEST:
        return RelationTest(len(d), float(d.mean()) if len(d) else nan, ClaimVerdict.UNDECIDED)
    if relation in MIRRORED:
        return _mirrored(_judge(one_sample(-d), MIRRORED[relation], margin, alpha, alpha / relations))
    return _judge(one_sample(d), relation, margin, alpha, alpha / relations)


def conjunction(verdicts: Sequence[ClaimVerdict]) -> ClaimVerdict:
    """Return the verdict on a claim from those on all that it expects."""
    for against in (ClaimVerdict.CONTRADICTED, ClaimVerdict.TOO_SMALL):
        if against in verdicts:
            return against
    if verdicts and all(verdict is ClaimVerdict.SUPPORTED for verdict in verdicts):
        return ClaimVerdict.SUPPORTED
    return ClaimVerdict.UNDECIDED


def _judge(test: TTest, relation: str, margin: float, alpha: float, sure: float) -> RelationTest:
    """Judge ">", ">=" or "=": support at ``alpha``, contradiction at ``sure`` = alpha / relations."""
    match relation:
        case ">":
            return _greater(test, margin, alpha, sure)
        case ">=":
            return _not_less(test, margin, alpha, sure)
        case _:
            return _equal(test, margin, alpha, sure)


def _greater(test: TTest, margin: float, alpha: float, sure: float) -> RelationTest:
    p = test.p() if test.mean > 0 else 1.0
    if test.interval(1 - alpha)[0] > 0:
        return _two_sided(test, ClaimVerdict.SUPPORTED, alpha, p)
    if test.interval(1 - sure)[1] < 0:
        return _two_sided(test, ClaimVerdict.CONTRADICTED, sure, p)
    if _at_most(test, sure) < margin:
        bound = (-inf, _at_most(test, sure))
        return RelationTest(test.n, test.mean, ClaimVerdict.TOO_SMALL, bound, 1 - sure, p)
    more = more_seeds(test, to_tell_a_gain(test.mean, margin, alpha, sure))
    level = sure if test.interval(1 - alpha)[1] < 0 else alpha
    return replace(_two_sided(test, ClaimVerdict.UNDECIDED, level, p), more_seeds=more)


def _not_less(test: TTest, margin: float, alpha: float, sure: float) -> RelationTest:
    """Judge "a >= b": a loss of the margin or more is excluded, and no loss is visible."""
    bound, below = -_at_most(_negative(test), alpha), test.interval(1 - alpha)[1] < 0
    p = 1.0 if below else _negative(test).p_below(margin)
    lower = RelationTest(test.n, test.mean, ClaimVerdict.SUPPORTED, (bound, inf), 1 - alpha, p)
    if bound > -margin and not below:
        return lower
    if test.interval(1 - sure)[1] < 0:
        return _two_sided(test, ClaimVerdict.CONTRADICTED, sure, p)
    more = more_seeds(test, to_tell_a_gain(-test.mean, margin, sure, alpha))
    shown = _two_sided(test, ClaimVerdict.UNDECIDED, sure, p) if below else lower
    return replace(shown, verdict=ClaimVerdict.UNDECIDED, more_seeds=more)


def _equal(test: TTest, margin: float, alpha: float, sure: float) -> RelationTest:
    p = test.p_equivalent(margin)
    if test.lies_within(margin, alpha):
        return _two_sided(test, ClaimVerdict.SUPPORTED, 2 * alpha, p)
    if _beyond(test, margin, sure):
        return _two_sided(test, ClaimVerdict.CONTRADICTED, sure, p)
    more = more_seeds(test, to_tell_equality(abs(test.mean), margin, alpha, sure))
    level = sure if _beyond(test, margin, 2 * alpha) else 2 * alpha
    return replace(_two_sided(test, ClaimVerdict.UNDECIDED, level, p), more_seeds=more)


def _beyond(test: TTest, margin: float, alpha: float) -> bool:
    """Whether the 1 - ``alpha`` interval lies beyond the ``margin`` on one side."""
    low, high = test.interval(1 - alpha)
    return low > margin or high < -margin


def _two_sided(test: TTest, verdict: ClaimVerdict, alpha: float, p: float) -> RelationTest:
    return RelationTest(test.n, test.mean, verdict, test.interval(1 - alpha), 1 - alpha, p)


def _at_most(test: TTest, alpha: float) -> float:
    """Return the one-sided upper bound of the mean at 1 - ``alpha``."""
    return test.interval(1 - 2 * alpha)[1]


def _negative(test: TTest) -> TTest:
    return replace(test, mean=-test.mean)


def _mirrored(found: RelationTest) -> RelationTest:
    """Turn what was found about b - a into what it says about a - b."""
    interval = None if found.interval is None else (-found.interval[1], -found.interval[0])
    return replace(found, mean=-found.mean, interval=interval)
