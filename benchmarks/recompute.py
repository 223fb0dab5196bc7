"""Compute a reproduction's claims and published rows again, from its tables alone.

Reads ``runs.csv``, ``claims.csv`` and ``published.csv`` of a folder that ``assay reproduce`` wrote, computes
with SciPy and statsmodels what ``docs/statistics.md`` says, and compares. Nothing of assay is imported.

    python benchmarks/recompute.py assay-runs/reproduce-2017
"""

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import exp, inf, isclose, isinf, log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

Row = dict[str, str]
Interval = tuple[float, float]
Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST = 3
CLOSE = 1e-9
DECIMALS = {"%": 2, "nats": 3}
MIRRORED = {"<": ">", "<=": ">="}
SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
TOO_SMALL = "too small to matter"
FAILED_IS_WORST, FAILED_IS_UNDEFINED, AS_MEASURED = "worst", "undefined", "as measured"


@dataclass(frozen=True)
class Metric:
    """What is measured of a run: its names in the tables, and its number from a row of runs.csv.

    ``unit`` is that of published.csv in those of runs.csv, ``possible`` what a number of it can be at all.
    """

    name: str
    title: str
    of: Callable[[Row], float]
    unit: float = 1.0
    ratio: bool = False
    more_is_better: bool = True
    failed: str = FAILED_IS_WORST
    possible: Interval = (-inf, inf)


def _number(column: str) -> Callable[[Row], float]:
    return lambda row: float(row[column])


def _overfit(row: Row) -> float:
    return float(row["train_final"]) - float(row["valid_final"])


def _accuracy(name: str, title: str) -> Metric:
    return Metric(name, title, _number(name), unit=0.01, possible=(0.0, 1.0))


def _cost(name: str, title: str, more_is_better: bool = False, unit: float = 1.0) -> Metric:
    return Metric(
        name, title, _number(name), unit, ratio=True, more_is_better=more_is_better, failed=AS_MEASURED
    )


METRICS = (
    _accuracy("test_accuracy", "test accuracy"),
    _accuracy("valid_best", "best validation accuracy"),
    _accuracy("valid_final", "last validation accuracy"),
    _accuracy("train_final", "last training accuracy"),
    Metric(
        "overfit", "training less validation accuracy", _overfit, 0.01,
        more_is_better=False, failed=FAILED_IS_UNDEFINED, possible=(-1.0, 1.0),
    ),
    Metric(
        "test_loss", "test loss", _number("test_loss"),
        ratio=True, more_is_better=False, possible=(0.0, inf),
    ),
    _cost("seconds_per_epoch", "time per epoch"),
    _cost("steps_per_second", "speed", more_is_better=True),
    _cost("epochs", "epochs trained"),
    _cost("peak_memory", "peak memory", unit=2**20),
)  # fmt: skip
BY_NAME = {metric.name: metric for metric in METRICS}
BY_TITLE = {metric.title: metric for metric in METRICS}


class Runs:
    """The rows of runs.csv."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._of: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            self._of.setdefault((row["study"], row["arm"]), []).append(row)

    def of(self, study: str, arm: str) -> list[Row]:
        """Return the runs of an arm."""
        return self._of[study, arm]

    def values(self, study: str, arm: str, metric: Metric) -> dict[str, float]:
        """Return a metric by seed: of the runs that learnt, or else, as a cost is, of all that finished."""
        done = [row for row in self.of(study, arm) if row["status"] == "done"]
        learnt = [row for row in done if row["stuck"] == "False"]
        counted = done if metric.failed == AS_MEASURED else learnt or done
        return {row["seed"]: metric.of(row) for row in counted}

    def failed(self, study: str, arm: str) -> Flags:
        """Return for each seed whether the run diverged or learnt nothing."""
        rows = self.of(study, arm)
        return np.array([(row["status"], row["stuck"]) != ("done", "False") for row in rows])

    def computed(self, study: str, arm: str) -> bool:
        """Whether the memory of a finished run was computed."""
        return any(r["memory_source"] != "measured" for r in self.of(study, arm) if r["status"] == "done")


@dataclass(frozen=True)
class Found:
    """What the runs say of one relation; ``interval`` is the one that decides, at ``confidence``."""

    n: int
    verdict: str
    estimate: float | None = None
    interval: Interval | None = None
    confidence: float | None = None
    p: float = 1.0


def t_interval(values: Numbers, alpha: float) -> Interval:
    """Return Student's interval of a mean; of numbers that are all equal, the number itself."""
    if np.ptp(values) < CLOSE:
        return float(values[0]), float(values[0])
    low, high = DescrStatsW(values).tconfint_mean(alpha=alpha)
    return float(low), float(high)


def p_value(d: Numbers, value: float, alternative: str) -> float:
    """Return Student's p of "the mean is ``value``"; of equal numbers its limit."""
    if np.ptp(d) >= CLOSE:
        return float(stats.ttest_1samp(d, value, alternative=alternative).pvalue)
    gap = {"less": d[0] - value, "greater": value - d[0], "two-sided": -abs(d[0] - value)}[alternative]
    return 0.0 if gap < 0 else 1.0


def judge(d: Numbers, relation: str, margin: float, alpha: float, relations: int) -> Found:
    """Judge "mean of d > 0", ">= 0" or "= 0": supports at alpha, what speaks against at alpha / relations."""
    if relation in MIRRORED:
        turned = judge(-d, MIRRORED[relation], margin, alpha, relations)
        low, high = turned.interval or (0.0, 0.0)
        return replace(turned, estimate=float(d.mean()), interval=(-high, -low))
    judged = {">": _greater, ">=": _not_less, "=": _equal}[relation]
    return judged(d, margin, alpha, alpha / relations)


def _found(d: Numbers, verdict: str, interval: Interval, alpha: float, p: float) -> Found:
    return Found(len(d), verdict, float(d.mean()), interval, 1 - alpha, p)


def _greater(d: Numbers, margin: float, alpha: float, sure: float) -> Found:
    p = p_value(d, 0, "two-sided") if d.mean() > 0 else 1.0
    (low, high), (sure_low, sure_high) = t_interval(d, alpha), t_interval(d, sure)
    at_most = t_interval(d, 2 * sure)[1]
    if low > 0:
        return _found(d, SUPPORTED, (low, high), alpha, p)
    if sure_high < 0:
        return _found(d, CONTRADICTED, (sure_low, sure_high), sure, p)
    if at_most < margin:
        return _found(d, TOO_SMALL, (-inf, at_most), sure, p)
    if high < 0:
        return _found(d, UNDECIDED, (sure_low, sure_high), sure, p)
    return _found(d, UNDECIDED, (low, high), alpha, p)


def _not_less(d: Numbers, margin: float, alpha: float, sure: float) -> Found:
    at_least, below = t_interval(d, 2 * alpha)[0], t_interval(d, alpha)[1] < 0
    p = 1.0 if below else p_value(d, -margin, "greater")
    if at_least > -margin and not below:
        return _found(d, SUPPORTED, (at_least, inf), alpha, p)
    if t_interval(d, sure)[1] < 0:
        return _found(d, CONTRADICTED, t_interval(d, sure), sure, p)
    if below:
        return _found(d, UNDECIDED, t_interval(d, sure), sure, p)
    return _found(d, UNDECIDED, (at_least, inf), alpha, p)


def _equal(d: Numbers, margin: float, alpha: float, sure: float) -> Found:
    p = max(p_value(d, margin, "less"), p_value(d, -margin, "greater"))
    (low, high), (sure_low, sure_high) = t_interval(d, 2 * alpha), t_interval(d, sure)
    if -margin < low and high < margin:
        return _found(d, SUPPORTED, (low, high), 2 * alpha, p)
    if sure_low > margin or sure_high < -margin:
        return _found(d, CONTRADICTED, (sure_low, sure_high), sure, p)
    if low > margin or high < -margin:
        return _found(d, UNDECIDED, (sure_low, sure_high), sure, p)
    return _found(d, UNDECIDED, (low, high), 2 * alpha, p)


def recompute(row: Row, runs: Runs, relations: int) -> Found:
    """Judge the relation in a row of claims.csv."""
    study, words = row["study"], row["relation"].split()
    alpha, margin = float(row["level"]), float(row["margin"])
    if words[1:] == ["never", "learns"]:
        return never_learns(row, runs.of(study, words[0]), share=margin, alpha=alpha)
    arms, relation, metric = (words[0], words[-1]), words[1], BY_TITLE[row["metric"]]
    factor = float(words[2]) if len(words) == 5 else 1.0
    found = measured(runs, study, arms, metric, (relation, factor, margin, alpha, relations))
    failed = [runs.failed(study, arm) for arm in arms]
    if metric.failed == AS_MEASURED or not np.any(failed):
        return found
    expected = 0 if relation == "=" else 1 if (relation in (">", ">=")) == metric.more_is_better else -1
    return with_failures(found, metric, expected, failed, (alpha, alpha / relations))


Terms = tuple[str, float, float, float, int]
"""Relation, factor, margin, level and how many relations the claim has."""


def measured(runs: Runs, study: str, arms: tuple[str, str], metric: Metric, terms: Terms) -> Found:
    """Judge the seeds on which both arms have a value."""
    relation, factor, margin, alpha, relations = terms
    x, y = (runs.values(study, arm, metric) for arm in arms)
    pairs = np.array([(x[seed], y[seed]) for seed in x if seed in y]).reshape(-1, 2)
    if not len(pairs):
        return Found(0, UNDECIDED)
    d = pairs[:, 0] - pairs[:, 1]
    if metric.ratio:
        d, margin = np.log(pairs[:, 0] / pairs[:, 1]) - log(factor), log(margin)
    exact = metric.name == "peak_memory" and any(runs.computed(study, arm) for arm in arms)
    if exact:  # there is no chance in it
        one = judge(np.full(FEWEST, d.mean()), relation, margin, 0.05, 1)
        found = replace(one, n=len(d), interval=None, confidence=None)
    elif len(d) < FEWEST:
        found = Found(len(d), UNDECIDED, float(d.mean()))
    else:
        found = judge(d, relation, margin, alpha, relations)
    return shown(found, factor) if metric.ratio else found


def shown(found: Found, factor: float) -> Found:
    """Return logarithms of ratios as the factor a / b."""
    mean, low, high = (
        end if isinf(end) else exp(end) * factor
        for end in (found.estimate or 0.0, *(found.interval or (-inf, inf)))
    )
    return replace(found, estimate=mean, interval=found.interval and (low, high))


def with_failures(
    found: Found, metric: Metric, expected: int, failed: Sequence[Flags], levels: tuple[float, float]
) -> Found:
    """Let failures have their say; ``expected`` is +1 where arm a should be better, -1 arm b, or 0."""
    a, b = failed
    undecided = replace(found, verdict=UNDECIDED, p=1.0)
    if metric.failed == FAILED_IS_UNDEFINED:
        return undecided if a.all() or b.all() else found
    if a.all() and b.all():
        return undecided
    more_of_a = int(a.sum()) - int(b.sum())
    if found.n < FEWEST:
        only = [int((a & ~b).sum()), int((b & ~a).sum())]
        p = float(stats.binomtest(only[0], sum(only)).pvalue) if sum(only) else 1.0
        holds = (expected > 0) != (only[0] > only[1])
        if expected == 0 or p >= levels[0 if holds else 1]:
            return undecided
        return replace(found, verdict=SUPPORTED if holds else CONTRADICTED, p=p if holds else 1.0)
    against = more_of_a != 0 if expected == 0 else more_of_a * expected > 0
    favours = more_of_a * expected < 0
    conflict = against if found.verdict == SUPPORTED else favours and found.verdict != UNDECIDED
    return undecided if conflict else found


def never_learns(row: Row, rows: Sequence[Row], share: float, alpha: float) -> Found:
    """Judge "never learns": one run that learnt contradicts it; so few may that it counts as never.

    Whether a run that diverged had learnt before stands in no table: then what the table says is taken over.
    """
    ended = [run for run in rows if run["status"] in ("done", "diverged")]
    if any(run["status"] == "done" and run["stuck"] == "False" for run in ended):
        return Found(len(ended), CONTRADICTED)
    if any(run["status"] == "diverged" for run in ended):
        return Found(len(ended), row["relation_verdict"], p=float(row["p"]))
    bound = float(stats.beta.ppf(1 - alpha, 1, len(ended))) if ended else 1.0
    return Found(len(ended), SUPPORTED if bound < share else UNDECIDED, p=(1 - share) ** len(ended))


def whole(verdicts: Sequence[str]) -> str:
    """Return the verdict on a claim: it stands with all its relations and falls with one."""
    for against in (CONTRADICTED, TOO_SMALL):
        if against in verdicts:
            return against
    return SUPPORTED if set(verdicts) == {SUPPORTED} else UNDECIDED


def claim_differences(rows: Sequence[Row], runs: Runs) -> Iterator[list[str]]:
    """Yield for each relation what differs from claims.csv."""
    tested = [row for row in rows if row["relation"]]
    keys = ("study", "claim", "source", "metric")
    for _, group in groupby(tested, lambda row: [row[key] for key in keys]):
        claim = list(group)
        found = [recompute(row, runs, len(claim)) for row in claim]
        verdict = whole([one.verdict for one in found])
        for row, one in zip(claim, found, strict=True):
            yield [
                *_different(row, "n", one.n),
                *_different(row, "relation_verdict", one.verdict),
                *_different(row, "verdict", verdict),
                *_different(row, "estimate", one.estimate),
                *_different(row, "confidence", one.confidence),
                *_different(row, "p", one.p),
                *_different_interval(row, ("low", "high"), one.interval),
            ]


def published_differences(rows: Sequence[Row], runs: Runs) -> Iterator[list[str]]:
    """Yield for each published number that was judged what differs from published.csv."""
    for row in rows:
        metric = BY_NAME[row["metric"]]
        x = np.array([*runs.values(row["study"], row["arm"], metric).values()])
        found = [*_different(row, "n", len(x))]
        if len(x):
            found += _different(row, "mean", float(x.mean()) / metric.unit)
        if len(x) >= 2:
            found += _different(row, "sd", float(x.std(ddof=1)) / metric.unit)
        if row["level"] and len(x) >= FEWEST:
            exact = metric.name == "peak_memory" and runs.computed(row["study"], row["arm"])
            found += _placed(row, x, metric, exact=exact)
        yield found


def _placed(row: Row, x: Numbers, metric: Metric, exact: bool) -> list[str]:
    """Compare the interval of our mean, and where one run of theirs would fall."""
    alpha = float(row["level"])
    ours = None if exact else _scaled(t_interval(x, alpha), metric)
    found = _different_interval(row, ("low", "high"), ours)
    if not row["one_run_low"]:
        return found  # of costs, drawn characters and other training there is no prediction
    low, high = one_run(x, [int(row[c]) for c in ("images", "published_images") if row[c]], alpha)
    least, most = metric.possible
    low, high = _scaled((max(low, least), min(high, most)), metric)
    found += _different_interval(row, ("one_run_low", "one_run_high"), (low, high))
    if row["agrees"]:
        decimals = DECIMALS[row["unit"]]
        printed = round(float(row["published"]), decimals)
        found += _different(row, "agrees", str(round(low, decimals) <= printed <= round(high, decimals)))
    return found


def one_run(x: Numbers, images: Sequence[int], alpha: float) -> Interval:
    """Return where one run more would fall, of other images too (Cochran and Cox), these never narrow it."""
    mean, seeds = float(x.mean()), float(x.var(ddof=1)) * (1 + 1 / len(x))
    sampling = sum(mean * (1 - mean) / count for count in images)
    student, normal = stats.t.ppf(1 - alpha / 2, len(x) - 1), stats.norm.ppf(1 - alpha / 2)
    half = student * seeds**0.5
    if sampling:
        half = max(half, (student * seeds + normal * sampling) / (seeds + sampling) ** 0.5)
    return mean - float(half), mean + float(half)


def _scaled(interval: Interval, metric: Metric) -> Interval:
    return interval[0] / metric.unit, interval[1] / metric.unit


def _different(row: Row, column: str, value: float | str | None) -> list[str]:
    """Say where a table has another value than was computed."""
    there = row[column]
    if value is None or isinstance(value, str):
        same = there == (value or "")
    else:
        same = there != "" and isclose(float(there), value, rel_tol=CLOSE, abs_tol=CLOSE)
    where = ", ".join(row[key] for key in ("study", "claim", "relation", "arm", "metric") if row.get(key))
    return [] if same else [f"{where}: {column} is {there or 'empty'}, computed {value}"]


def _different_interval(row: Row, columns: tuple[str, str], value: Interval | None) -> list[str]:
    low, high = (None if isinf(end) else end for end in value or (inf, inf))
    return [*_different(row, columns[0], low), *_different(row, columns[1], high)]


def _read(path: Path, *columns: str) -> list[Row]:
    """Return the rows of a table that has at least these ``columns``."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            sys.exit(f"{path}: has no column {missing[0]} (write the tables again with `assay reproduce`)")
        return list(reader)


def _tell(name: str, found: Sequence[list[str]]) -> bool:
    """Print how much agrees and what does not, and return whether all does."""
    differing = [lines for lines in found if lines]
    agree = len(found) - len(differing)
    print(f"{name}: {len(found)} computed again, {agree} agree, {len(differing)} differ")
    for lines in differing:
        print(*(f"  {line}" for line in lines), sep="\n")
    return not differing


def main(folder: Path) -> int:
    """Print what was computed again, what agrees and what differs; 1 where anything differs."""
    runs = Runs(_read(folder / "runs.csv", "train_final", "valid_final"))
    claims = _read(folder / "claims.csv", "estimate", "level", "confidence")
    published = _read(folder / "published.csv", "level", "published_images")
    agree = [
        _tell("relations", [*claim_differences(claims, runs)]),
        _tell("published rows", [*published_differences(published, runs)]),
    ]
    return 0 if all(agree) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
