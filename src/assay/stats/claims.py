"""Whether paired runs support what a published sentence expects of two arms.

A relation is judged on differences d = a - b, one a seed: points for accuracies,
logarithms of ratios for costs. Two facts decide. "Above" is that the t interval
of the mean lies above 0; "not above" is that the one-sided test excludes a
difference of ``margin`` or more: whatever there is, is too small to matter.

=========  ====================================  ===================================
expected   supported by                          contradicted by
=========  ====================================  ===================================
a > b      above                                 below; or not above 0, and no gain
                                                 of the margin or more
a <= b     no gain of the margin or more, and    above
           not above 0
a = b      equivalent within the margin (TOST)   the whole interval outside the margin
=========  ====================================  ===================================

A claim of m relations is supported if all are, each tested at alpha: an
intersection-union test, which needs no correction (Berger 1982). It is
contradicted if one is, each tested at alpha / m (Bonferroni).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import nan

import numpy as np
from numpy.typing import ArrayLike

from assay.errors import UsageError
from assay.stats.paired import compare
from assay.stats.ttest import FEWEST, Interval, TTest, check_positive, finite_row, one_sample
from assay.stats.verdict import more_seeds

MIRRORED = {"<": ">", "<=": ">="}


class ClaimVerdict(StrEnum):
    """What the runs say of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class RelationTest:
    """One expected relation: mean difference over n seeds, its interval at 1 - alpha, and what it says.

    ``interval`` is None below three seeds. ``more_seeds`` is about how many
    would decide it, None where it is decided or cannot be said.
    """

    n: int
    mean: float
    interval: Interval | None
    verdict: ClaimVerdict
    more_seeds: int | None


def check_relation(
    differences: ArrayLike, relation: str, *, margin: float, relations: int = 1, alpha: float = 0.05
) -> RelationTest:
    """Judge "a ``relation`` b", one of ``< <= = >= >``, on the differences a - b of the seeds.

    ``margin`` is the smallest difference that matters, ``relations`` how many the
    claim expects. Raises `UsageError` for another relation or a margin that is not positive.
    """
    check_positive("check_relation", margin=margin)
    if relation not in (">", ">=", "=", *MIRRORED):
        raise UsageError(f"check_relation: relation is {relation!r}, expected one of < <= = >= >")
    d = finite_row(differences, "check_relation")
    if len(d) < FEWEST:
        mean = float(d.mean()) if len(d) else nan
        return RelationTest(len(d), mean, None, ClaimVerdict.UNDECIDED, None)
    test = one_sample(d)
    verdict = _judge(
        -d if relation in MIRRORED else d, MIRRORED.get(relation, relation), margin, relations, alpha
    )
    return RelationTest(
        len(d), test.mean, test.interval(1 - alpha), verdict, _more(d, verdict, margin, alpha)
    )


def _more(d: np.ndarray, verdict: ClaimVerdict, margin: float, alpha: float) -> int | None:
    """Return about how many more seeds would decide what is undecided."""
    if verdict is not ClaimVerdict.UNDECIDED:
        return None
    return more_seeds(compare(d, np.zeros_like(d), margin=margin, confidence=1 - alpha), alpha)


def conjunction(verdicts: Sequence[ClaimVerdict]) -> ClaimVerdict:
    """Return the verdict on a claim from those on all that it expects."""
    if ClaimVerdict.CONTRADICTED in verdicts:
        return ClaimVerdict.CONTRADICTED
    if verdicts and all(verdict is ClaimVerdict.SUPPORTED for verdict in verdicts):
        return ClaimVerdict.SUPPORTED
    return ClaimVerdict.UNDECIDED


def _judge(d: np.ndarray, relation: str, margin: float, relations: int, alpha: float) -> ClaimVerdict:
    """Judge ">", ">=" or "=": by the facts at alpha what supports, at alpha / relations what contradicts."""
    test = one_sample(d)
    found, sure = _facts(test, margin, alpha), _facts(test, margin, alpha / relations)
    match relation:
        case ">":
            supported = found.above
            contradicted = sure.below or (sure.no_gain and not found.above)
        case ">=":
            supported = found.no_loss and not found.below
            contradicted = sure.below
        case _:
            supported = found.no_gain and found.no_loss
            contradicted = sure.outside
    if supported:
        return ClaimVerdict.SUPPORTED
    return ClaimVerdict.CONTRADICTED if contradicted else ClaimVerdict.UNDECIDED


@dataclass(frozen=True)
class _Facts:
    """What the differences establish at one level."""

    above: bool
    below: bool
    no_gain: bool
    """A mean of the margin or more is excluded, one-sided."""
    no_loss: bool
    outside: bool


def _facts(test: TTest, margin: float, alpha: float) -> _Facts:
    (low, high), (low90, high90) = test.interval(1 - alpha), test.interval(1 - 2 * alpha)
    return _Facts(low > 0, high < 0, high90 < margin, low90 > -margin, low > margin or high < -margin)
