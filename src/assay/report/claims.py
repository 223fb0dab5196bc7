"""The claims of a study, each with its verdict and the numbers behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from assay.claims import Claim, Relation
from assay.metrics import METRICS, Metric
from assay.records import Status
from assay.report.costs import is_computed
from assay.report.numbers import confidence, further, percent, plural, points, points_interval, speed
from assay.report.waiting import first_verdict
from assay.results import Results
from assay.source import doubt
from assay.stats import ClaimVerdict, RelationTest, check_relation, conjunction
from assay.stats.paired import differences
from assay.stats.ttest import FEWEST, Interval

COST_MARGIN = 1.05
"""A cost that is larger by less than this factor counts as no larger: less is noise of the machine."""


@dataclass(frozen=True)
class Part:
    """One relation that a claim expects, and what the runs say of it.

    ``estimate`` and ``interval`` are points, or the factor a / b where the metric
    is compared by ratio, ``margin`` in the same unit the smallest difference that
    matters; ``printed`` is what the source's own numbers give for it, ``doubtful``
    where one of them may be an error.
    """

    relation: str
    verdict: ClaimVerdict
    ratio: bool
    n: int
    estimate: float | None = None
    interval: Interval | None = None
    margin: float | None = None
    printed: float | None = None
    more_seeds: int | None = None
    note: str = ""
    doubtful: bool = False

    @property
    def found(self) -> str:
        """The estimate with its interval, in words."""
        if self.note:
            return self.note
        if self.estimate is None:
            return "no seed that both finished"
        if self.ratio:
            inside = f" ({_factors(self.interval)})" if self.interval else ""
            return f"{_factor(self.estimate)}{inside}"
        inside = f" ({points_interval(self.interval)})" if self.interval else ""
        return f"{points(self.estimate)}{inside}"

    @property
    def published(self) -> str:
        """What the source printed, in the same words."""
        if self.printed is None:
            return ""
        number = _factor(self.printed) if self.ratio else points(self.printed)
        return f"{number} (doubtful)" if self.doubtful else number


@dataclass(frozen=True)
class ClaimRow:
    """A claim with its verdict; ``verdict`` is None until the study is complete."""

    sentence: str
    source: str
    metric: str
    verdict: ClaimVerdict | None
    parts: tuple[Part, ...]
    summary: str
    """The verdict in a sentence."""


def claims(results: Results) -> tuple[ClaimRow, ...]:
    """Test every claim of a study, at the end or at the latest declared look."""
    results = results.at_look()
    return tuple(_row(results, claim) for claim in results.study.claims)


def _row(results: Results, claim: Claim) -> ClaimRow:
    title = METRICS[claim.metric].title
    never = all(relation.b is None for relation in claim.relations)
    about = "runs that never left chance level" if never else title
    if not results.complete:
        waiting = f"Not tested before {first_verdict(results.study)}."
        return ClaimRow(claim.sentence, claim.source, about, None, (), waiting)
    parts = tuple(_part(results, claim, relation) for relation in claim.relations)
    verdict = conjunction([part.verdict for part in parts])
    return ClaimRow(claim.sentence, claim.source, about, verdict, parts, _summary(verdict, parts))


def _part(results: Results, claim: Claim, relation: Relation) -> Part:
    if relation.b is None:
        return _never_learns(results, relation)
    metric, total = METRICS[claim.metric], len(claim.relations)
    printed = _printed(results, metric, relation.a, relation.b)
    doubtful = printed is not None and any(doubt(results.study, arm, metric) for arm in relation.arms)
    lost = _lost(results, relation)
    if lost is not None:
        verdict, note = lost
        return Part(str(relation), verdict, metric.ratio, 0, printed=printed, note=note, doubtful=doubtful)
    d = _differences(results, metric, relation)
    margin = _margin(results, claim, relation, metric)
    exact = metric is METRICS["peak_memory"] and is_computed(results, *relation.arms)
    test = (
        _exactly(d, relation, margin)
        if exact
        else check_relation(d, relation.relation, margin=margin, relations=total, alpha=results.alpha)
    )
    estimate, interval = _shown(test, metric, relation)
    return Part(
        relation=str(relation),
        verdict=test.verdict,
        ratio=metric.ratio,
        n=test.n,
        estimate=estimate,
        interval=interval,
        printed=printed,
        margin=exp(margin) if metric.ratio else margin,
        more_seeds=test.more_seeds,
        note=f"{_factor(estimate)} (computed, so exact)" if exact and estimate else "",
        doubtful=doubtful,
    )


def _exactly(d: NDArray[np.float64], relation: Relation, margin: float) -> RelationTest:
    """Judge a ratio in which there is no chance, by however few seeds: as numbers without any spread."""
    if not len(d):
        return check_relation(d, relation.relation, margin=margin)
    test = check_relation(np.full(FEWEST, d.mean()), relation.relation, margin=margin)
    return replace(test, n=len(d), interval=None, more_seeds=None)


def _differences(results: Results, metric: Metric, relation: Relation) -> NDArray[np.float64]:
    """Return a - b of every seed that both finished; logarithms of (a / factor b) for a ratio."""
    a, b = (metric_values(results, arm, metric) for arm in relation.arms)
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    if not metric.ratio:
        return differences(a, b)
    logs: NDArray[np.float64] = np.log(a) - np.log(b) - log(relation.factor)
    return logs.round(12)  # equal costs may differ in their last bits


def _margin(results: Results, claim: Claim, relation: Relation, metric: Metric) -> float:
    if not metric.ratio:
        return results.study.margin
    return log(claim.tolerance if relation.relation == "=" else COST_MARGIN)


def _shown(test: RelationTest, metric: Metric, relation: Relation) -> tuple[float | None, Interval | None]:
    """Return estimate and interval in the words of a reader: points, or the factor a / b."""
    if not test.n:
        return None, None
    if not metric.ratio:
        return test.mean, test.interval
    back = [exp(x) * relation.factor for x in (test.mean, *(test.interval or ()))]
    return back[0], (back[1], back[2]) if test.interval else None


def metric_values(results: Results, arm: str, metric: Metric) -> NDArray[np.float64]:
    """Return a metric of an arm for each of the study's seeds; NaN where no run finished."""
    return results.by_seed(arm, metric.of)


def _lost(results: Results, relation: Relation) -> tuple[ClaimVerdict, str] | None:
    """Judge arms of which one never finished and the other always did: diverging is the worst outcome."""
    finished = [len(results.finished(arm)) for arm in relation.arms]
    planned = len(results.study.seeds)
    if sorted(finished) != [0, planned] or relation.relation == "=":
        return None
    worse = relation.arms[finished.index(0)]
    expected = (relation.relation in (">", ">=")) == (worse == relation.b)
    verdict = ClaimVerdict.SUPPORTED if expected else ClaimVerdict.CONTRADICTED
    return (verdict if planned >= FEWEST else ClaimVerdict.UNDECIDED), f"no run of {worse} finished"


def _never_learns(results: Results, relation: Relation) -> Part:
    """Count the runs that left chance level; one is enough to contradict "never"."""
    runs = results.of(relation.a)
    learnt = sum(run.status is Status.DONE and not run.stuck for run in runs)
    ended = sum(run.status.ended for run in runs)
    if learnt:
        verdict = ClaimVerdict.CONTRADICTED
    else:
        verdict = ClaimVerdict.SUPPORTED if ended >= FEWEST else ClaimVerdict.UNDECIDED
    note = f"{learnt} of {plural(ended, 'run')} learnt"
    if not learnt and ended:
        most = percent(100 * (1 - results.alpha ** (1 / ended)))
        note += f"; with {confidence(results.confidence)} confidence at most {most} do"
    more = None if verdict is not ClaimVerdict.UNDECIDED else FEWEST - ended
    return Part(str(relation), verdict, False, ended, more_seeds=more, note=note)


def _printed(results: Results, metric: Metric, a: str, b: str) -> float | None:
    """Return what the source's own numbers say of a and b, if it printed both."""
    rows = [results.study.published.get(arm, {}) for arm in (a, b)]
    if any(metric.name not in row for row in rows):
        return None
    first, second = (float(row[metric.name]) for row in rows)
    if metric.ratio:
        return first / second if second else None
    return 100 * (first - second)


def _summary(verdict: ClaimVerdict, parts: Sequence[Part]) -> str:
    """Say what became of a claim."""
    open_ = [part for part in parts if part.verdict is not ClaimVerdict.SUPPORTED]
    if verdict is ClaimVerdict.SUPPORTED:
        return f"Supported{_where(parts, parts, 'by')}."
    if verdict is ClaimVerdict.CONTRADICTED:
        failed = [part for part in open_ if part.verdict is verdict]
        return f"Contradicted{_where(failed, parts, 'by')}."
    more = max((part.more_seeds or 0 for part in open_), default=0)
    settle = f"; {further(more)} would decide" if more else ""
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


def _factor(value: float) -> str:
    return f"{speed(value)}x"


def _factors(value: Interval) -> str:
    return f"{_factor(value[0])} to {_factor(value[1])}"
