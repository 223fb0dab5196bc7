"""Whoever has the tables of a reproduction can compute again what was claimed: with csv and NumPy alone."""

import csv
import io
from collections.abc import Callable

import numpy as np
import pytest
from factories import EPOCHS, make_results, make_study

from assay.metrics import METRICS
from assay.records import Status
from assay.report import document
from assay.report.document import Document
from assay.report.model import build
from assay.results import EPOCH_COLUMNS, Results

Row = dict[str, str]
FORMULAS: dict[str, Callable[[Row], float]] = {
    "test_accuracy": lambda row: 100 * float(row["test_accuracy"]),
    "valid_best": lambda row: 100 * float(row["valid_best"]),
    "valid_final": lambda row: 100 * float(row["valid_final"]),
    "train_final": lambda row: 100 * float(row["train_final"]),
    "overfit": lambda row: 100 * (float(row["train_final"]) - float(row["valid_final"])),
    "test_loss": lambda row: float(row["test_loss"]),
    "seconds_per_epoch": lambda row: float(row["seconds_per_epoch"]),
    "steps_per_second": lambda row: float(row["steps_per_second"]),
    "peak_memory": lambda row: float(row["peak_memory"]) / 2**20,
}
"""Each metric by the columns of runs.csv, in the unit of reports."""
RATIOS = {"test_loss", "seconds_per_epoch", "steps_per_second", "peak_memory"}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A claim by every metric, and a printed number of each."""
    claims = [{"sentence": name, "expect": ["max > average"], "metric": name} for name in METRICS]
    study = make_study(claims=claims, published={"max": dict.fromkeys(METRICS, 0.5)}, seeds=6)
    lost = {("average", 4): Status.DIVERGED}
    return make_results(tmp_path_factory.mktemp("tables"), study, statuses=lost, synthetic=False)


@pytest.fixture(scope="module")
def found(results: Results) -> Document:
    return Document("Title", (build(results),), "assay reproduce")


def read(text: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text)))


def of(results: Results, arm: str, metric: str) -> dict[str, float]:
    """Return a metric of an arm's finished runs by seed, from runs.csv."""
    rows = read(document.runs_csv([results]))
    return {r["seed"]: FORMULAS[metric](r) for r in rows if (r["arm"], r["status"]) == (arm, "done")}


def test_every_metric_has_its_columns():
    assert set(FORMULAS) == set(METRICS)
    assert {metric.name for metric in METRICS.values() if metric.ratio} == RATIOS


def test_every_claim_is_computed_again_from_the_runs(results: Results, found: Document):
    rows = read(document.claims_csv(found))
    assert [row["claim"] for row in rows] == list(METRICS)
    for row in rows:
        a, b = (of(results, arm, row["claim"]) for arm in ("max", "average"))
        pairs = np.array([(a[seed], b[seed]) for seed in a.keys() & b.keys()])
        assert len(pairs) == int(row["n"]) == 5
        ratio = row["claim"] in RATIOS
        d = np.log(pairs[:, 0] / pairs[:, 1]) if ratio else pairs[:, 0] - pairs[:, 1]
        assert float(row["estimate"]) == pytest.approx(np.exp(d.mean()) if ratio else d.mean(), abs=1e-10)


def test_every_published_number_stands_beside_the_mean_of_the_runs(results: Results, found: Document):
    rows = read(document.published_csv(found))
    assert [row["metric"] for row in rows] == list(METRICS)
    for row in rows:
        values = [*of(results, row["arm"], row["metric"]).values()]
        assert float(row["mean"]) == pytest.approx(np.mean(values))
        assert float(row["sd"]) == pytest.approx(np.std(values, ddof=1))


def test_numbers_beside_the_words_are_not_rounded(found: Document):
    report = found.reports[0]
    rows = read(document.claims_csv(found))
    for row, claim in zip(rows, report.claims, strict=True):
        (part,) = claim.parts
        assert float(row["estimate"]) == part.estimate
        assert (row["low"], row["high"]) == tuple(map(str, part.interval or ("", "")))
        assert float(row["level"]) == 0.05
        assert float(row["margin"]) == pytest.approx(1.05 if claim.parts[0].ratio else 0.3)


def test_epochs_have_a_row_each(results: Results):
    rows = read(document.epochs_csv([results]))
    assert tuple(rows[0]) == ("study", *EPOCH_COLUMNS)
    assert {"train_accuracy", "train_loss", "valid_accuracy", "valid_loss", "seconds"} < set(rows[0])
    assert len(rows) == 11 * EPOCHS + EPOCHS // 2
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
    fresh.store._connection.set_trace_callback(statements.append)
    assert len(fresh.rows()) == 12
    assert len(statements) == 1
    plan = fresh.store._connection.execute(f"EXPLAIN QUERY PLAN {statements[0]}").fetchall()
    scanned = [row["detail"] for row in plan if row["detail"].startswith("SCAN")]
    assert scanned == ["SCAN run"]
    fresh.close()
