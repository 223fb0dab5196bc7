"""One relation that a claim expects of two arms, judged on the runs that learnt and on those that failed."""

from dataclasses import replace
from math import exp, isinf, log

import numpy as np
from numpy.typing import NDArray

from assay.findings.costs import is_computed
from assay.findings.failing import with_failures
from assay.findings.relation_findings import RelationFinding, Remark
from assay.records.metrics import MARGINS, METRICS, Failing, Metric
from assay.stats import (
    ClaimVerdict,
    MoreSeeds,
    RelationTest,
    check_relation,
    compare_failures,
    never_seen_bound,
)
from assay.stats.paired import differences
from assay.stats.ttest import FEWEST, Interval
from assay.store.readout import Readout
from assay.study.as_published import doubt
from assay.study.claims import Claim, Relation


def judge(results: Readout, claim: Claim, relation: Relation) -> RelationFinding:
    """Judge one of the relations of ``claim``, of results that are complete or at a declared look."""
    if relation.b is None:
        return _never_learns(results, claim, relation)
    metric = METRICS[claim.metric]
    failed = compare_failures(*(results.failures(arm) for arm in relation.arms))
    exact = metric is METRICS["peak_memory"] and is_computed(results, *relation.arms)
    test = _exactly(results, claim, relation) if exact else _test(results, claim, relation)
    estimate, interval = _shown(test, metric, relation)
    margin = _margin(results, claim, relation, metric)
    printed = _printed(results, metric, *relation.arms)
    part = RelationFinding(
        relation=str(relation),
        arms=tuple(relation.arms),
        verdict=test.verdict,
        ratio=metric.ratio,
        n=test.n,
        estimate=estimate,
        interval=interval,
        confidence=None if test.interval is None else test.confidence,
        p=test.p,
        margin=exp(margin) if metric.ratio else margin,
        printed=printed,
        more_seeds=test.more_seeds,
        remark=Remark.EXACT if exact and test.n else None,
        doubtful=printed is not None and any(doubt(results.study, arm, metric) for arm in relation.arms),
    )
    levels = results.alpha, results.alpha / len(claim.relations)
    return with_failures(part, metric, relation, failed, levels) if failed.any else part


def metric_values(results: Readout, arm: str, metric: Metric) -> NDArray[np.float64]:
    """Return a metric of an arm for each of the study's seeds; NaN where no run counts."""
    values = results.by_seed if metric.failing is Failing.AS_MEASURED else results.counted
    return values(arm, metric.value)


def _test(results: Readout, claim: Claim, relation: Relation) -> RelationTest:
    metric = METRICS[claim.metric]
    d = _differences(results, metric, relation)
    margin = _margin(results, claim, relation, metric)
    return check_relation(
        d, relation.relation, margin=margin, relations=len(claim.relations), alpha=results.alpha
    )


def _exactly(results: Readout, claim: Claim, relation: Relation) -> RelationTest:
    """Judge a ratio that involves no randomness, however few the seeds: as numbers without any spread."""
    metric = METRICS[claim.metric]
    d = _differences(results, metric, relation)
    if not len(d):
        return _test(results, claim, relation)
    margin = _margin(results, claim, relation, metric)
    test = check_relation(np.full(FEWEST, d.mean()), relation.relation, margin=margin)
    return replace(test, n=len(d), interval=None, more_seeds=None)


def _differences(results: Readout, metric: Metric, relation: Relation) -> NDArray[np.float64]:
    """Return a - b of every seed that counts for both; logarithms of (a / factor b) for a ratio."""
    a, b = (metric_values(results, arm, metric) for arm in relation.arms)
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    if not metric.ratio:
        return differences(a, b)
    logs: NDArray[np.float64] = np.log(a) - np.log(b) - log(relation.factor)
    return logs.round(12)  # equal costs may differ in their last bits


def _margin(results: Readout, claim: Claim, relation: Relation, metric: Metric) -> float:
    """Return the margin of the metric, or the claim's tolerance about a stated factor."""
    if relation.factor != 1:
        return log(claim.tolerance)
    return MARGINS[metric.margin].threshold(results.study.margin_of(metric.margin))


def _shown(test: RelationTest, metric: Metric, relation: Relation) -> tuple[float | None, Interval | None]:
    """Return estimate and interval in the reader's terms: a difference, or the factor a / b."""
    if not test.n:
        return None, None
    if not metric.ratio:
        return test.mean, test.interval
    ends = (test.mean, *(test.interval or ()))
    back = [x if isinf(x) else exp(x) * relation.factor for x in ends]
    return back[0], (back[1], back[2]) if test.interval else None


def _never_learns(results: Readout, claim: Claim, relation: Relation) -> RelationFinding:
    """Count the runs that left chance level; one is enough to contradict "never".

    A run that learnt and diverged afterwards did learn.
    """
    runs = [run for run in results.of(relation.a) if run.status.ended]
    learnt, ended = sum(results.left_chance(run) for run in runs), len(runs)
    part = RelationFinding(
        relation=str(relation),
        arms=(relation.a,),
        verdict=ClaimVerdict.CONTRADICTED,
        ratio=False,
        n=ended,
        margin=claim.share,
        remark=Remark.LEARNT,
        learnt=learnt,
    )
    if learnt:
        return part
    confidence = results.confidence
    bound = never_seen_bound(ended, confidence=confidence) if ended else 1.0
    supported = bound < claim.share
    return replace(
        part,
        verdict=ClaimVerdict.SUPPORTED if supported else ClaimVerdict.UNDECIDED,
        p=(1 - claim.share) ** ended,
        confidence=confidence,
        bound=bound,
        more_seeds=None if supported else _until_bound(ended, claim.share, confidence),
    )


def _until_bound(ended: int, share: float, confidence: float) -> MoreSeeds:
    """Return how many more runs, none of which learns, bring the bound below ``share``."""
    total = ended + 1
    while never_seen_bound(total, confidence=confidence) >= share:
        total += 1
    return MoreSeeds(total - ended, total - ended)


def _printed(results: Readout, metric: Metric, a: str, b: str) -> float | None:
    """Return what the source's own numbers say about a and b, if it printed both."""
    rows = [results.study.published.get(arm, {}) for arm in (a, b)]
    if any(metric.name not in row for row in rows):
        return None
    first, second = (float(row[metric.name]) for row in rows)
    if metric.ratio:
        return first / second if second else None
    return float(differences(np.array([first]), np.array([second]))[0])
