"""The claims of a study, each with its verdict and the numbers behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from assay.findings.claimed_relations import judge
from assay.findings.interim import first_look
from assay.findings.relation_findings import RelationFinding
from assay.records.metrics import MARGINS, METRICS
from assay.stats import ClaimVerdict, MoreSeeds, conjunction, holm, most_seeds
from assay.store.readout import Readout
from assay.study.claims import Claim

ALSO = "test_accuracy"
"""The second metric by which a claim on the best validation accuracy, which is optimistic, is judged."""


class MarginUnit(StrEnum):
    """The unit of a margin."""

    POINTS = "points"
    FACTOR = "factor"
    TOLERANCE = "tolerance"
    """A factor about the one that a claim states."""


@dataclass(frozen=True)
class ClaimMargin:
    """How large a difference matters to a claim, in points or as a factor."""

    value: float
    unit: MarginUnit


@dataclass(frozen=True)
class ClaimRow:
    """A claim with its verdict; ``verdict`` is None until the study is complete.

    ``metric`` is the one of ``assay.records.metrics`` by which it is judged, None for a claim that an arm
    never learns, which has no ``margin`` either. ``first_look`` is the number of seeds of the first declared
    look, before which there is no verdict. ``also`` is the same claim judged by test accuracy, where its own
    metric is the best validation accuracy, which is picked because it is high.
    """

    sentence: str
    source: str
    metric: str | None
    verdict: ClaimVerdict | None
    parts: tuple[RelationFinding, ...]
    margin: ClaimMargin | None = None
    first_look: int | None = None
    also: "ClaimRow | None" = None

    @property
    def p(self) -> float:
        """The p of "the claim does not hold": its relations' largest (Berger 1982); 1 while interim."""
        return max((part.p for part in self.parts), default=1.0)

    @property
    def deciding(self) -> tuple[RelationFinding, ...]:
        """The relations that give the claim its verdict: those that share it."""
        return tuple(part for part in self.parts if part.verdict is self.verdict)

    @property
    def more_seeds(self) -> MoreSeeds | None:
        """How many more seeds may decide an undecided claim, where known."""
        undecided = (part for part in self.parts if part.verdict is ClaimVerdict.UNDECIDED)
        return most_seeds(part.more_seeds for part in undecided)


def claims(results: Readout) -> tuple[ClaimRow, ...]:
    """Test every claim of a study, at the end or at the latest declared look."""
    results = results.at_look()
    return tuple(_with_test(results, claim) for claim in results.study.claims)


def standing(rows: Sequence[ClaimRow], alpha: float = 0.05) -> int:
    """Return how many supported claims stand if all are judged together, by Holm's correction."""
    adjusted = holm([row.p for row in rows])
    return sum(
        row.verdict is ClaimVerdict.SUPPORTED and p is not None and p < alpha
        for row, p in zip(rows, adjusted, strict=True)
    )


def _with_test(results: Readout, claim: Claim) -> ClaimRow:
    row = _row(results, claim)
    if claim.metric != "valid_best" or _never(claim):
        return row
    return replace(row, also=_row(results, replace(claim, metric=ALSO)))


def _never(claim: Claim) -> bool:
    return all(relation.b is None for relation in claim.relations)


def _row(results: Readout, claim: Claim) -> ClaimRow:
    metric = None if _never(claim) else claim.metric
    row = ClaimRow(claim.sentence, claim.source, metric, None, (), first_look=first_look(results.study))
    if not results.complete:
        return row
    parts = tuple(judge(results, claim, relation) for relation in claim.relations)
    verdict = conjunction([part.verdict for part in parts])
    return replace(row, verdict=verdict, parts=parts, margin=_margin(results, claim) if metric else None)


def _margin(results: Readout, claim: Claim) -> ClaimMargin:
    if any(relation.factor != 1 for relation in claim.relations):
        return ClaimMargin(claim.tolerance, MarginUnit.TOLERANCE)
    name = METRICS[claim.metric].margin
    unit = MarginUnit.FACTOR if MARGINS[name].factor else MarginUnit.POINTS
    return ClaimMargin(results.study.margin_of(name), unit)
