"""What failed runs say about a relation: a failed run is worse than one that learnt, and is counted first."""

from dataclasses import replace

from assay.findings.relation_findings import RelationFinding, Remark
from assay.records.metrics import Failing, Metric
from assay.stats import ClaimVerdict, FailureTest
from assay.stats.ttest import FEWEST
from assay.study.claims import Relation

Levels = tuple[float, float]
"""The level at which a relation supports its claim, and that at which it contradicts it."""


def with_failures(
    part: RelationFinding, metric: Metric, relation: Relation, failed: FailureTest, levels: Levels
) -> RelationFinding:
    """Return ``part`` after taking failures into account."""
    if metric.failing is Failing.AS_MEASURED:
        return part
    rates = zip(relation.arms, (failed.a, failed.b), strict=True)
    never = tuple(arm for arm, rate in rates if rate.share == 1)
    if len(never) == 2 or (never and metric.failing is Failing.UNDEFINED):
        return _undecided(replace(part, remark=Remark.NEVER_LEARNT, never=never))
    part = replace(part, remark=Remark.FAILED, failed=failed)
    if metric.failing is Failing.UNDEFINED:
        return part
    if part.n < FEWEST:
        return _by_failures(part, metric, relation, failed, levels)
    if _conflicts(part.verdict, metric, relation, failed):
        return _undecided(replace(part, remark=Remark.AGAINST))
    return part


def _undecided(part: RelationFinding) -> RelationFinding:
    return replace(part, verdict=ClaimVerdict.UNDECIDED, p=1.0, more_seeds=None)


def _expects(metric: Metric, relation: Relation) -> int:
    """Return +1 where the relation expects arm a to be the better one, -1 arm b, 0 neither."""
    if relation.relation == "=":
        return 0
    above = relation.relation in (">", ">=")
    return 1 if above == metric.higher_is_better else -1


def _conflicts(verdict: ClaimVerdict, metric: Metric, relation: Relation, failed: FailureTest) -> bool:
    """Whether failures point the other way than the seeds on which both arms learnt."""
    if verdict is ClaimVerdict.UNDECIDED:
        return False
    more_of_a = failed.a.failed - failed.b.failed
    expected = _expects(metric, relation)
    if expected == 0:
        return more_of_a != 0 and verdict is ClaimVerdict.SUPPORTED
    against = more_of_a * expected > 0  # the arm that is expected to be better fails more often
    return more_of_a != 0 and against == (verdict is ClaimVerdict.SUPPORTED)


def _by_failures(
    part: RelationFinding, metric: Metric, relation: Relation, failed: FailureTest, levels: Levels
) -> RelationFinding:
    """Judge by failures alone, exactly, where too few seeds are left on which both arms learnt."""
    worse_a = failed.only_a > failed.only_b
    expected = _expects(metric, relation)
    holds = (expected > 0) != worse_a
    supports, contradicts = levels
    if failed.p >= (supports if holds else contradicts) or expected == 0:
        return replace(part, verdict=ClaimVerdict.UNDECIDED, p=1.0)
    verdict = ClaimVerdict.SUPPORTED if holds else ClaimVerdict.CONTRADICTED
    return replace(part, verdict=verdict, p=failed.p if holds else 1.0)
