"""What the runs say about one relation that a claim expects: numbers and codes."""

from dataclasses import dataclass
from enum import StrEnum

from assay.stats import ClaimVerdict, FailureTest, MoreSeeds
from assay.stats.ttest import Interval


class Remark(StrEnum):
    """A remark beside the estimate of a relation."""

    EXACT = "exact"
    """What is compared was computed, so it involves no randomness."""
    FAILED = "failed"
    """Runs failed, as ``failed`` counts them."""
    AGAINST = "against"
    """Runs failed, and that points the other way than the runs that learnt."""
    NEVER_LEARNT = "never learnt"
    """No run of the arms ``never`` learnt anything."""
    LEARNT = "learnt"
    """Of "never learns": ``learnt`` of ``n`` runs did; where none did, at most the share ``bound`` does."""


@dataclass(frozen=True)
class RelationFinding:
    """One relation that a claim expects, and what the runs say about it.

    ``estimate`` and ``interval`` are differences of shares, or the factor a / b where the metric is compared
    by ratio, ``margin`` in the same unit the smallest difference that matters. ``interval`` is the one that
    decides, at ``confidence``, one end infinite where it is a one-sided bound. Of "never learns"
    ``margin`` is the share of runs that may learn. ``printed`` is what the source's own numbers give,
    ``doubtful`` where one of them may be an error. ``p`` is that of "the relation does not hold".
    """

    relation: str
    arms: tuple[str, ...]
    verdict: ClaimVerdict
    ratio: bool
    n: int
    estimate: float | None = None
    interval: Interval | None = None
    confidence: float | None = None
    p: float = 1.0
    margin: float | None = None
    printed: float | None = None
    more_seeds: MoreSeeds | None = None
    remark: Remark | None = None
    failed: FailureTest | None = None
    never: tuple[str, ...] = ()
    learnt: int | None = None
    bound: float | None = None
    doubtful: bool = False
