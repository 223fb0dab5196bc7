"""Compute a reproduction's claims and published rows again, from its tables alone.

Reads ``runs.csv``, ``claims.csv`` and ``published.csv`` of a folder that ``assay reproduce`` wrote, computes
with SciPy and statsmodels what ``docs/statistics.md`` says, and compares. Nothing of assay is imported.

    python benchmarks/recompute.py assay-runs/reproduce-2017
"""

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import exp, isclose, log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

Row = dict[str, str]
Interval = tuple[float, float]
Numbers = NDArray[np.float64]

FEWEST = 3
CLOSE = 1e-9
DECIMALS = {"%": 2, "nats": 3}
MIRRORED = {"<": ">", "<=": ">="}
SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"


@dataclass(frozen=True)
class Metric:
    """What is measured of a run: its names in the tables, and its number from a row of runs.csv."""

    name: str
    title: str
    of: Callable[[Row], float]
    ratio: bool = False


def _share(column: str) -> Callable[[Row], float]:
    return lambda row: 100 * float(row[column])


def _overfit(row: Row) -> float:
    return 100 * (float(row["train_final"]) - float(row["valid_final"]))


METRICS = (
    Metric("test_accuracy", "test accuracy", _share("test_accuracy")),
    Metric("valid_best", "best validation accuracy", _share("valid_best")),
    Metric("valid_final", "last validation accuracy", _share("valid_final")),
    Metric("train_final", "last training accuracy", _share("train_final")),
    Metric("overfit", "training less validation accuracy", _overfit),
    Metric("test_loss", "test loss", lambda row: float(row["test_loss"]), ratio=True),
    Metric("seconds_per_epoch", "time per epoch", lambda row: float(row["seconds_per_epoch"]), ratio=True),
    Metric("steps_per_second", "speed", lambda row: float(row["steps_per_second"]), ratio=True),
    Metric("peak_memory", "peak memory", lambda row: float(row["peak_memory"]) / 2**20, ratio=True),
)
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
        """Return a metric of an arm's finished runs, by seed."""
        return {row["seed"]: metric.of(row) for row in self.of(study, arm) if row["status"] == "done"}

    def computed(self, study: str, arm: str) -> bool:
        """Whether the memory of a finished run was computed."""
        return any(r["memory_source"] != "measured" for r in self.of(study, arm) if r["status"] == "done")


@dataclass(frozen=True)
class Found:
    """What the runs say of one relation."""

    n: int
    verdict: str
    estimate: float | None = None
    interval: Interval | None = None


def t_interval(values: Numbers, alpha: float) -> Interval:
    """Return Student's interval of a mean; of numbers that are all equal, the number itself."""
    if np.ptp(values) < CLOSE:
        return float(values[0]), float(values[0])
    low, high = DescrStatsW(values).tconfint_mean(alpha=alpha)
    return float(low), float(high)


def judge(d: Numbers, relation: str, margin: float, alpha: float, relations: int) -> str:
    """Judge "mean of d > 0", ">= 0" or "= 0": supports at alpha, contradicts at alpha / relations."""
    if relation in MIRRORED:
        return judge(-d, MIRRORED[relation], margin, alpha, relations)
    sure = alpha / relations
    (low, high), (low90, high90) = t_interval(d, alpha), t_interval(d, 2 * alpha)
    (sure_low, sure_high), (_, sure_high90) = t_interval(d, sure), t_interval(d, 2 * sure)
    if relation == ">":
        supported = low > 0
        contradicted = sure_high < 0 or sure_high90 < margin
    elif relation == ">=":
        supported = low90 > -margin and not high < 0
        contradicted = sure_high < 0
    else:
        supported = -margin < low90 and high90 < margin
        contradicted = sure_low > margin or sure_high < -margin
    return SUPPORTED if supported else CONTRADICTED if contradicted else UNDECIDED


def recompute(row: Row, runs: Runs, relations: int) -> Found:
    """Judge the relation in a row of claims.csv."""
    study, words = row["study"], row["relation"].split()
    if words[1:] == ["never", "learns"]:
        return never_learns(runs.of(study, words[0]))
    a, relation, b = words[0], words[1], words[-1]
    factor = float(words[2]) if len(words) == 5 else 1.0
    planned = len(runs.of(study, a))
    finished = [sum(r["status"] == "done" for r in runs.of(study, arm)) for arm in (a, b)]
    if sorted(finished) == [0, planned] and relation != "=":
        expected = (finished[0] == 0) == (relation in MIRRORED)
        verdict = SUPPORTED if expected else CONTRADICTED
        return Found(0, verdict if planned >= FEWEST else UNDECIDED)
    metric, alpha, margin = BY_TITLE[row["metric"]], float(row["level"]), float(row["margin"])
    x, y = (runs.values(study, arm, metric) for arm in (a, b))
    pairs = np.array([(x[seed], y[seed]) for seed in x if seed in y]).reshape(-1, 2)
    if not len(pairs):
        return Found(0, UNDECIDED)
    d = pairs[:, 0] - pairs[:, 1]
    if metric.ratio:
        d, margin = np.log(pairs[:, 0] / pairs[:, 1]) - log(factor), log(margin)
    exact = metric.name == "peak_memory" and any(runs.computed(study, arm) for arm in (a, b))
    judged = np.full(FEWEST, d.mean()) if exact else d
    verdict = judge(judged, relation, margin, alpha, relations) if len(judged) >= FEWEST else UNDECIDED
    interval = t_interval(d, alpha) if len(d) >= FEWEST and not exact else None
    return Found(len(d), verdict, *shown(float(d.mean()), interval, factor if metric.ratio else None))


def shown(mean: float, interval: Interval | None, factor: float | None) -> tuple[float, Interval | None]:
    """Return logarithms of ratios as the factor a / b, and differences as they are."""
    if factor is None:
        return mean, interval
    return exp(mean) * factor, interval and (exp(interval[0]) * factor, exp(interval[1]) * factor)


def never_learns(rows: Sequence[Row]) -> Found:
    """Judge "never learns": one run that learnt contradicts it, three that did not support it."""
    ended = [row for row in rows if row["status"] in ("done", "diverged")]
    if any(row["status"] == "done" and row["stuck"] == "False" for row in ended):
        return Found(len(ended), CONTRADICTED)
    return Found(len(ended), SUPPORTED if len(ended) >= FEWEST else UNDECIDED)


def whole(verdicts: Sequence[str]) -> str:
    """Return the verdict on a claim: it stands with all its relations and falls with one."""
    if CONTRADICTED in verdicts:
        return CONTRADICTED
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
                *_different_interval(row, ("low", "high"), one.interval),
            ]


def published_differences(rows: Sequence[Row], runs: Runs) -> Iterator[list[str]]:
    """Yield for each published number that was judged what differs from published.csv."""
    for row in rows:
        metric = BY_NAME[row["metric"]]
        x = np.array([*runs.values(row["study"], row["arm"], metric).values()])
        found = [*_different(row, "n", len(x))]
        if len(x):
            found += _different(row, "mean", float(x.mean()))
        if len(x) >= 2:
            found += _different(row, "sd", float(x.std(ddof=1)))
        if row["level"] and len(x) >= FEWEST:
            found += _placed(
                row, x, exact=metric.name == "peak_memory" and runs.computed(row["study"], row["arm"])
            )
        yield found


def _placed(row: Row, x: Numbers, exact: bool) -> list[str]:
    """Compare the interval of our mean, and where one run of ours would fall."""
    alpha = float(row["level"])
    found = _different_interval(row, ("low", "high"), None if exact else t_interval(x, alpha))
    if not row["one_run_low"]:
        return found  # of costs, drawn characters and other training there is no prediction
    half = stats.t.ppf(1 - alpha / 2, len(x) - 1) * x.std(ddof=1) * (1 + 1 / len(x)) ** 0.5
    low, high = float(x.mean() - half), float(x.mean() + half)
    found += _different_interval(row, ("one_run_low", "one_run_high"), (low, high))
    if row["agrees"]:
        decimals = DECIMALS[row["unit"]]
        printed = round(float(row["published"]), decimals)
        found += _different(row, "agrees", str(round(low, decimals) <= printed <= round(high, decimals)))
    return found


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
    low, high = value or (None, None)
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
    claims = _read(folder / "claims.csv", "estimate", "level", "margin")
    published = _read(folder / "published.csv", "level")
    agree = [
        _tell("relations", [*claim_differences(claims, runs)]),
        _tell("published rows", [*published_differences(published, runs)]),
    ]
    return 0 if all(agree) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
