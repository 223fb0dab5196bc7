"""Whoever has the tables of a reproduction can compute again what was claimed: with csv, NumPy and SciPy."""

import csv
import io
from collections.abc import Callable
from math import inf

import numpy as np
import pytest
from factories import EPOCHS, make_results, make_study
from scipy import stats

from assay.findings.findings import build
from assay.findings.wording.code_words import CLAIM_VERDICTS
from assay.records.metrics import METRICS
from assay.records.runs import Status
from assay.report import document
from assay.report.document import Document
from assay.results import Results
from assay.store.columns import EPOCH_COLUMNS

Row = dict[str, str]
Interval = tuple[float, float]
FORMULAS: dict[str, Callable[[Row], float]] = {
    "test_accuracy": lambda row: float(row["test_accuracy"]),
    "valid_best": lambda row: float(row["valid_best"]),
    "valid_final": lambda row: float(row["valid_final"]),
    "train_final": lambda row: float(row["train_final"]),
    "overfit": lambda row: float(row["train_final"]) - float(row["valid_final"]),
    "test_loss": lambda row: float(row["test_loss"]),
    "seconds_per_epoch": lambda row: float(row["seconds_per_epoch"]),
    "steps_per_second": lambda row: float(row["steps_per_second"]),
    "epochs": lambda row: float(row["epochs"]),
    "peak_memory": lambda row: float(row["peak_memory"]),
}
"""Each metric by the columns of runs.csv: shares, nats, seconds, bytes."""
RATIOS = {"test_loss", "seconds_per_epoch", "steps_per_second", "epochs", "peak_memory"}
COSTS = RATIOS - {"test_loss"}
PRINTED = {"%": 100, "nats": 1, "s": 1, "steps/s": 1, "epochs": 1, "MiB": 2**-20}
"""What published.csv prints of a metric, by its unit."""
RELATIONS = ("<", "<=", "=", ">=", ">")
MIRRORED = {"<": ">", "<=": ">="}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Claims of every relation by every metric, a printed number of each; a run diverged, one is stuck."""
    claims = [
        {"sentence": f"{name} {relation}", "expect": [f"max {relation} average"], "metric": name}
        for name in METRICS
        for relation in RELATIONS
    ]
    study = make_study(claims=claims, published={"max": dict.fromkeys(METRICS, 0.5)}, seeds=7)
    lost, stuck = {("average", 4): Status.DIVERGED}, [("max", 6)]
    folder = tmp_path_factory.mktemp("tables")
    return make_results(folder, study, statuses=lost, stuck=stuck, synthetic=False)


@pytest.fixture(scope="module")
def found(results: Results) -> Document:
    return Document("Title", (build(results),), "assay reproduce")


def read(text: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text)))


def of(results: Results, arm: str, metric: str) -> dict[str, float]:
    """Return a metric by seed, from runs.csv: of an arm's runs that learnt; costs of all that finished."""
    rows = read(document.runs_csv([results]))
    return {
        row["seed"]: FORMULAS[metric](row)
        for row in rows
        if (row["arm"], row["status"]) == (arm, "done") and (metric in COSTS or row["stuck"] == "False")
    }


def test_every_metric_has_its_columns():
    assert set(FORMULAS) == set(METRICS)
    assert {metric.name for metric in METRICS.values() if metric.ratio} == RATIOS


def judged(d: np.ndarray, relation: str, margin: float) -> tuple[str, float, float, float]:
    """Return verdict, deciding interval or bound, and its confidence, by SciPy's t tests (one relation)."""
    if relation in MIRRORED:
        verdict, low, high, confidence = judged(-d, MIRRORED[relation], margin)
        return verdict, -high, -low, confidence
    test = stats.ttest_1samp(d, 0)
    outer, inner = (tuple(test.confidence_interval(sure)) for sure in (0.95, 0.9))
    return {">": greater, ">=": not_less, "=": equal}[relation](outer, inner, margin)


def greater(outer: Interval, inner: Interval, margin: float) -> tuple[str, float, float, float]:
    if outer[0] > 0 or outer[1] < 0:
        return "supported" if outer[0] > 0 else "contradicted", *outer, 0.95
    if inner[1] < margin:
        return "too small to matter", -inf, inner[1], 0.95
    return "undecided", *outer, 0.95


def not_less(outer: Interval, inner: Interval, margin: float) -> tuple[str, float, float, float]:
    if outer[1] < 0:
        return "contradicted", *outer, 0.95
    return "supported" if inner[0] > -margin else "undecided", inner[0], inf, 0.95


def equal(outer: Interval, inner: Interval, margin: float) -> tuple[str, float, float, float]:
    if outer[0] > margin or outer[1] < -margin:
        return "contradicted", *outer, 0.95
    return "supported" if inner[0] > -margin and inner[1] < margin else "undecided", *inner, 0.9


def test_every_claim_is_computed_again_from_the_runs(results: Results, found: Document):
    """Estimate, deciding interval, its confidence and verdict, from runs.csv with SciPy."""
    rows = [row for row in read(document.claims_csv(found)) if row["metric"] == claimed(row)]
    assert len(rows) == len(METRICS) * len(RELATIONS)
    verdicts = set()
    for row in rows:
        name, relation = row["claim"].split()
        a, b = (of(results, arm, name) for arm in ("max", "average"))
        pairs = np.array([(a[seed], b[seed]) for seed in a.keys() & b.keys()])
        assert len(pairs) == int(row["n"]) == (6 if name in COSTS else 5)
        ratio, margin = name in RATIOS, float(row["margin"])
        d = np.log(pairs[:, 0] / pairs[:, 1]) if ratio else pairs[:, 0] - pairs[:, 1]
        margin = np.log(margin) if ratio else margin
        back = np.exp if ratio else np.asarray
        assert float(row["estimate"]) == pytest.approx(back(d.mean()), abs=1e-12)
        if name == "peak_memory":  # computed: exact, whatever the spread between seeds
            assert (row["low"], row["high"], row["confidence"]) == ("", "", "")
            continue
        verdict, low, high, confidence = judged(d, relation, margin)
        verdicts.add(verdict)
        # as many runs of each arm failed, so failures turn no verdict
        assert (row["relation_verdict"], row["verdict"]) == (verdict, verdict)
        shown = ["" if np.isinf(end) else pytest.approx(float(back(end)), abs=1e-10) for end in (low, high)]
        assert [end and float(end) for end in (row["low"], row["high"])] == shown
        assert float(row["confidence"]) == pytest.approx(confidence)
        assert float(row["level"]) == 0.05
    assert verdicts == {*CLAIM_VERDICTS.values()}


def claimed(row: Row) -> str:
    """Return the title of the metric that a row's sentence names; rows by test accuracy may follow it."""
    return METRICS[row["claim"].split()[0]].title


def test_every_published_number_stands_beside_the_mean_of_the_runs(results: Results, found: Document):
    rows = read(document.published_csv(found))
    assert [row["metric"] for row in rows] == list(METRICS)
    for row in rows:
        values = PRINTED[row["unit"]] * np.array([*of(results, row["arm"], row["metric"]).values()])
        assert int(row["n"]) == len(values) == (7 if row["metric"] in COSTS else 6)
        assert float(row["mean"]) == pytest.approx(values.mean())
        assert float(row["sd"]) == pytest.approx(values.std(ddof=1))
        low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), max(stats.sem(values), 1e-300))
        if row["metric"] != "peak_memory":
            assert (float(row["low"]), float(row["high"])) == pytest.approx((low, high))


def test_numbers_beside_the_words_are_not_rounded(found: Document):
    report = found.reports[0]
    rows = read(document.claims_csv(found))
    judged = [row for claim in report.claims for row in (claim, claim.also) if row]
    assert len(rows) == len(judged) == len(report.claims) + len(RELATIONS)
    for row, claim in zip(rows, judged, strict=True):
        (part,) = claim.parts
        assert float(row["estimate"]) == part.estimate
        ends = ["" if np.isinf(end) else str(end) for end in part.interval or (inf, inf)]
        assert [row["low"], row["high"]] == ends
        assert row["confidence"] == ("" if part.confidence is None else str(part.confidence))
        assert (float(row["p"]), float(row["level"])) == (part.p, 0.05)
        assert float(row["margin"]) == pytest.approx(1.05 if part.ratio else 0.003)


def test_a_claim_on_the_best_validation_accuracy_has_a_row_by_test_accuracy(found: Document):
    rows = [row for row in read(document.claims_csv(found)) if row["claim"].startswith("valid_best")]
    assert [row["metric"] for row in rows] == ["best validation accuracy", "test accuracy"] * len(RELATIONS)
    tested = [row for row in read(document.claims_csv(found)) if row["claim"].startswith("test_accuracy")]
    columns = ("verdict", "relation", "n", "found", "estimate", "low", "high", "confidence", "margin", "p")
    assert [[row[c] for c in columns] for row in rows[1::2]] == [[row[c] for c in columns] for row in tested]


def test_epochs_have_a_row_each(results: Results):
    rows = read(document.epochs_csv([results]))
    assert tuple(rows[0]) == ("study", *EPOCH_COLUMNS)
    assert {"train_accuracy", "train_loss", "valid_accuracy", "valid_loss", "seconds"} < set(rows[0])
    assert len(rows) == 13 * EPOCHS + EPOCHS // 2
    record = results.epochs(results.runs[0].id)[2]
    assert (rows[2]["arm"], rows[2]["seed"], rows[2]["epoch"]) == ("max", "0", "3")
    assert float(rows[2]["train_loss"]) == record.train_loss
    assert rows[-1]["epoch"] == str(EPOCHS)


def test_what_a_run_ended_with_is_that_of_its_epochs(results: Results):
    for run in results.runs:
        epochs = results.epochs(run.id)
        assert run.train_final == epochs[-1].train_accuracy
        assert run.train_best == epochs[run.best_epoch - 1].train_accuracy
    table = read(document.epochs_csv([results]))
    by_epoch = {(row["arm"], row["seed"], row["epoch"]): row for row in table}
    for row in read(document.runs_csv([results])):
        best = by_epoch[row["arm"], row["seed"], row["best_epoch"]]
        assert (row["train_best"], row["valid_best"]) == (best["train_accuracy"], best["valid_accuracy"])


def test_rows_of_all_runs_take_one_statement(results: Results):
    """However many runs there are: no reading of epochs run by run."""
    statements: list[str] = []
    fresh = Results.open(results.folder)
    _ = fresh.study
    fresh.store.database.connection.set_trace_callback(statements.append)
    assert len(fresh.rows()) == 14
    assert len(statements) == 1
    plan = fresh.store.database.connection.execute(f"EXPLAIN QUERY PLAN {statements[0]}").fetchall()
    scanned = [row["detail"] for row in plan if row["detail"].startswith("SCAN")]
    assert scanned == ["SCAN run"]
    fresh.close()
