"""The claims of a study, each with its verdict and the numbers behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, isinf, log

import numpy as np
from numpy.typing import NDArray

from assay.findings.costs import is_computed
from assay.findings.numbers import further, names, plural, points, points_interval, whole_percent
from assay.findings.waiting import first_verdict
from assay.findings.wording import factor, factor_interval, sided
from assay.records.metrics import MARGINS, METRICS, Failing, Metric
from assay.stats import (
    ClaimVerdict,
    FailureTest,
    MoreSeeds,
    RelationTest,
    check_relation,
    compare_failures,
    conjunction,
    holm,
    most_seeds,
    never_seen_bound,
)
from assay.stats.paired import differences
from assay.stats.ttest import FEWEST, Interval
from assay.store.readout import Readout
from assay.study.as_published import doubt
from assay.study.claims import Claim, Relation

ALSO = "test_accuracy"
"""What a claim on the best validation accuracy, which is optimistic, is judged by as well."""


Levels = tuple[float, float]
"""The level at which a relation supports its claim, and that at which it contradicts it."""


@dataclass(frozen=True)
class Part:
    """One relation that a claim expects, and what the runs say of it.

    ``estimate`` and ``interval`` are differences of shares, or the factor a / b where the metric is compared
    by ratio, ``margin`` in the same unit the smallest difference that matters. ``interval`` is the one that
    decides, at ``confidence``, one end infinite where it is a one-sided bound. Of "never learns"
    ``margin`` is the share of runs that may learn. ``printed`` is what the source's own numbers give,
    ``doubtful`` where one of them may be an error. ``p`` is that of "the relation does not hold".
    """

    relation: str
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
    note: str = ""
    doubtful: bool = False

    @property
    def found(self) -> str:
        """The estimate with what decides, in words."""
        parts = [self._measured(), self.note]
        return "; ".join(filter(None, parts)) or "no seed that both finished"

    def _measured(self) -> str:
        if self.estimate is None:
            return ""
        value = factor(self.estimate) if self.ratio else points(self.estimate)
        if self.interval is None or self.confidence is None:
            return value
        write = factor_interval if self.ratio else points_interval
        return f"{value} ({sided(self.interval, self.confidence, write)})"

    @property
    def published(self) -> str:
        """What the source printed, in the same words."""
        if self.printed is None:
            return ""
        number = factor(self.printed) if self.ratio else points(self.printed)
        return f"{number} (doubtful)" if self.doubtful else number


@dataclass(frozen=True)
class ClaimRow:
    """A claim with its verdict; ``verdict`` is None until the study is complete.

    ``margin`` says how large a difference matters. ``also`` is the same claim judged by test accuracy, where
    its own metric is the best validation accuracy, which is picked because it is high.
    """

    sentence: str
    source: str
    metric: str
    verdict: ClaimVerdict | None
    parts: tuple[Part, ...]
    summary: str
    """The verdict in a sentence."""
    margin: str = ""
    also: "ClaimRow | None" = None

    @property
    def p(self) -> float:
        """That of "the claim does not hold": the largest of its relations' (Berger 1982); 1 while interim."""
        return max((part.p for part in self.parts), default=1.0)


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
    metric = METRICS[claim.metric]
    about = "runs that left chance level" if _never(claim) else metric.title
    if not results.complete:
        return ClaimRow(claim.sentence, claim.source, about, None, (), _waiting(results))
    parts = tuple(_part(results, claim, relation) for relation in claim.relations)
    verdict = conjunction([part.verdict for part in parts])
    margin = "" if _never(claim) else _margin_words(results, claim, metric)
    return ClaimRow(
        claim.sentence, claim.source, about, verdict, parts, _summary(verdict, parts, margin), margin
    )


def _waiting(results: Readout) -> str:
    return f"Not tested before {first_verdict(results.study)}."


def _part(results: Readout, claim: Claim, relation: Relation) -> Part:
    if relation.b is None:
        return _never_learns(results, claim, relation)
    metric = METRICS[claim.metric]
    levels = results.alpha, results.alpha / len(claim.relations)
    failed = compare_failures(*(results.failures(arm) for arm in relation.arms))
    exact = metric is METRICS["peak_memory"] and is_computed(results, *relation.arms)
    test = _exactly(results, claim, relation) if exact else _test(results, claim, relation)
    estimate, interval = _shown(test, metric, relation)
    margin = _margin(results, claim, relation, metric)
    printed = _printed(results, metric, *relation.arms)
    part = Part(
        relation=str(relation),
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
        note="computed, so exact" if exact and test.n else "",
        doubtful=printed is not None and any(doubt(results.study, arm, metric) for arm in relation.arms),
    )
    return _with_failures(part, metric, relation, failed, levels) if failed.any else part


def _test(results: Readout, claim: Claim, relation: Relation) -> RelationTest:
    metric = METRICS[claim.metric]
    d = _differences(results, metric, relation)
    margin = _margin(results, claim, relation, metric)
    return check_relation(
        d, relation.relation, margin=margin, relations=len(claim.relations), alpha=results.alpha
    )


def _exactly(results: Readout, claim: Claim, relation: Relation) -> RelationTest:
    """Judge a ratio in which there is no chance, by however few seeds: as numbers without any spread."""
    metric = METRICS[claim.metric]
    d = _differences(results, metric, relation)
    if not len(d):
        return _test(results, claim, relation)
    margin = _margin(results, claim, relation, metric)
    test = check_relation(np.full(FEWEST, d.mean()), relation.relation, margin=margin)
    return replace(test, n=len(d), interval=None, more_seeds=None)


def _with_failures(
    part: Part, metric: Metric, relation: Relation, failed: FailureTest, levels: Levels
) -> Part:
    """Let failures have their say: a failed run is worse than one that learnt, and is counted first."""
    if metric.failing is Failing.AS_MEASURED:
        return part
    a, b = relation.arms
    note = f"failed on {_rate(failed, a, b)}"
    never = [arm for arm, rate in zip((a, b), (failed.a, failed.b), strict=True) if rate.share == 1]
    if len(never) == 2 or (never and metric.failing is Failing.UNDEFINED):
        return _undecided(part, f"no run of {names(never)} learnt anything")
    if metric.failing is Failing.UNDEFINED:
        return replace(part, note=note)
    if part.n < FEWEST:
        return replace(_by_failures(part, metric, relation, failed, levels), note=note)
    if _conflicts(part.verdict, metric, relation, failed):
        return _undecided(part, f"{note}, which points the other way")
    return replace(part, note=note)


def _rate(failed: FailureTest, a: str, b: str) -> str:
    return f"{failed.a.failed} of {failed.a.n} seeds ({a}) and {failed.b.failed} ({b})"


def _undecided(part: Part, note: str) -> Part:
    return replace(part, verdict=ClaimVerdict.UNDECIDED, p=1.0, more_seeds=None, note=note)


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


def _by_failures(part: Part, metric: Metric, relation: Relation, failed: FailureTest, levels: Levels) -> Part:
    """Judge by failures alone, exactly, where too few seeds are left on which both arms learnt."""
    worse_a = failed.only_a > failed.only_b
    expected = _expects(metric, relation)
    holds = (expected > 0) != worse_a
    supports, contradicts = levels
    if failed.p >= (supports if holds else contradicts) or expected == 0:
        return replace(part, verdict=ClaimVerdict.UNDECIDED, p=1.0)
    verdict = ClaimVerdict.SUPPORTED if holds else ClaimVerdict.CONTRADICTED
    return replace(part, verdict=verdict, p=failed.p if holds else 1.0)


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


def _margin_words(results: Readout, claim: Claim, metric: Metric) -> str:
    if any(relation.factor != 1 for relation in claim.relations):
        return f"within a factor of {claim.tolerance:g}"
    return MARGINS[metric.margin].words(results.study.margin_of(metric.margin))


def _shown(test: RelationTest, metric: Metric, relation: Relation) -> tuple[float | None, Interval | None]:
    """Return estimate and interval as a reader knows them: a difference, or the factor a / b."""
    if not test.n:
        return None, None
    if not metric.ratio:
        return test.mean, test.interval
    ends = (test.mean, *(test.interval or ()))
    back = [x if isinf(x) else exp(x) * relation.factor for x in ends]
    return back[0], (back[1], back[2]) if test.interval else None


def metric_values(results: Readout, arm: str, metric: Metric) -> NDArray[np.float64]:
    """Return a metric of an arm for each of the study's seeds; NaN where no run counts."""
    values = results.by_seed if metric.failing is Failing.AS_MEASURED else results.counted
    return values(arm, metric.value)


def _never_learns(results: Readout, claim: Claim, relation: Relation) -> Part:
    """Count the runs that left chance level; one is enough to contradict "never".

    A run that learnt and diverged afterwards did learn.
    """
    runs = [run for run in results.of(relation.a) if run.status.ended]
    learnt, ended = sum(results.left_chance(run) for run in runs), len(runs)
    note = f"{learnt} of {plural(ended, 'run')} learnt"
    if learnt:
        return Part(str(relation), ClaimVerdict.CONTRADICTED, False, ended, margin=claim.share, note=note)
    confidence = results.confidence
    bound = never_seen_bound(ended, confidence=confidence) if ended else 1.0
    note += f"; with {100 * confidence:.3g}% confidence at most {whole_percent(bound)} do"
    supported = bound < claim.share
    return Part(
        str(relation),
        ClaimVerdict.SUPPORTED if supported else ClaimVerdict.UNDECIDED,
        False,
        ended,
        p=(1 - claim.share) ** ended,
        margin=claim.share,
        more_seeds=None if supported else _until_bound(ended, claim.share, confidence),
        note=note,
    )


def _until_bound(ended: int, share: float, confidence: float) -> MoreSeeds:
    """Return how many more runs, none of which learns, bring the bound below ``share``."""
    total = ended + 1
    while never_seen_bound(total, confidence=confidence) >= share:
        total += 1
    return MoreSeeds(total - ended, total - ended)


def _printed(results: Readout, metric: Metric, a: str, b: str) -> float | None:
    """Return what the source's own numbers say of a and b, if it printed both."""
    rows = [results.study.published.get(arm, {}) for arm in (a, b)]
    if any(metric.name not in row for row in rows):
        return None
    first, second = (float(row[metric.name]) for row in rows)
    if metric.ratio:
        return first / second if second else None
    return float(differences(np.array([first]), np.array([second]))[0])


def _summary(verdict: ClaimVerdict, parts: Sequence[Part], margin: str) -> str:
    """Say what became of a claim."""
    deciding = [part for part in parts if part.verdict is verdict]
    match verdict:
        case ClaimVerdict.SUPPORTED:
            return f"Supported{_where(parts, parts, 'by')}."
        case ClaimVerdict.CONTRADICTED:
            return f"Contradicted{_where(deciding, parts, 'by')}."
        case ClaimVerdict.TOO_SMALL:
            where = _where(deciding, parts, "in")
            excluded = f"a difference of {margin} or more on the claimed side is excluded"
            return f"Too small to matter{where}: {excluded}."
    open_ = [part for part in parts if part.verdict is ClaimVerdict.UNDECIDED]
    settle = f"; {further(more)} may decide" if (more := most_seeds(p.more_seeds for p in open_)) else ""
    return f"Undecided{_where(open_, parts, 'about')}{settle}."


def _where(some: Sequence[Part], parts: Sequence[Part], word: str) -> str:
    """Say which of several relations are meant."""
    if len(parts) == 1:
        return ""
    if len(some) == 1:
        return f" {word} {some[0].relation}"
    if len(some) == len(parts):
        return " in both comparisons" if len(parts) == 2 else f" in all {len(parts)} comparisons"
    return f" in {len(some)} of {len(parts)} comparisons"
