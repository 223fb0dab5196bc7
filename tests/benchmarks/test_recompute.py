"""The tables of a reproduction, computed again by a script that knows nothing of assay."""

import ast
import csv
import itertools
import runpy
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories import make_results, make_study

from assay.findings.findings import build
from assay.findings.wording.code_words import CLAIM_VERDICTS
from assay.records.metrics import METRICS
from assay.records.runs import Status
from assay.report import document
from assay.report.document import Document
from assay.results import Results
from assay.stats import ClaimVerdict

PATH = Path(__file__).parents[2] / "benchmarks" / "recompute.py"
ARMS = ("max", "average", "strided", "lost", "stuck")
CLOSE = {"max": [1770, 1760, 1750, 1764, 1758, 1772], "average": [1768, 1761, 1749, 1765, 1757, 1770]}
RELATIONS = [
    f"{a} {relation} {b}" for a, b in itertools.permutations(ARMS[:3], 2) for relation in ("<", "<=", "=")
]


@cache
def script() -> dict[str, Any]:
    """What the script defines."""
    return runpy.run_path(str(PATH))


def claims() -> list[dict[str, object]]:
    """Every relation by every metric, several at once, factors, and arms that learn or end never."""
    alone = [{"expect": [words], "metric": metric} for words in RELATIONS[::2] for metric in METRICS]
    pairs = [*itertools.combinations(RELATIONS, 2)][::6]
    several = [{"expect": list(some), "metric": "test_accuracy"} for some in pairs]
    factors = [
        {"expect": [f"max = {x} x average"], "metric": "seconds_per_epoch"} for x in (0.5, 0.9, 1, 1.3)
    ]
    failing = [
        {"expect": [f"{a} {relation} {b}"], "metric": metric}
        for a, b in (("max", "lost"), ("lost", "stuck"), ("stuck", "max"))
        for relation in (">", "<=", "=")
        for metric in ("test_accuracy", "test_loss", "overfit", "seconds_per_epoch")
    ]
    others = [*failing, *({"expect": [f"{arm} never learns"]} for arm in ("strided", "lost", "stuck"))]
    every = [*alone, *several, *factors, *others]
    return [{"sentence": f"claim {index}", **claim} for index, claim in enumerate(every)]


def make(folder: Path, ended: int = 6, **more: object) -> Results:
    """Five arms over six seeds: one never finishes, one never learns, and one does so once."""
    printed = {arm: {**dict.fromkeys(METRICS, 0.88), "test_loss": 0.4} for arm in ARMS[:3]}
    study = make_study(ARMS, seeds=6, claims=claims(), published=printed, **more)
    lost = {("lost", seed): Status.DIVERGED for seed in range(6)} | {("strided", 2): Status.DIVERGED}
    stuck = [("strided", 1), *(("stuck", seed) for seed in range(ended))]
    lost |= {(arm, seed): Status.PENDING for arm in ARMS for seed in range(ended, 6)}
    return make_results(folder, study, statuses=lost, correct=CLOSE, synthetic=False, stuck=stuck)


def written(results: Results, folder: Path) -> Path:
    """Write the tables as ``assay reproduce`` does."""
    found = Document("Title", (build(results),), "assay reproduce")
    folder.joinpath("runs.csv").write_text(document.runs_csv([results]))
    folder.joinpath("claims.csv").write_text(document.claims_csv(found))
    folder.joinpath("published.csv").write_text(document.published_csv(found))
    return folder


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a whole study."""
    folder = tmp_path_factory.mktemp("tables")
    return written(make(folder / "results"), folder)


@pytest.fixture
def folder(tables: Path, tmp_path: Path) -> Path:
    """A copy of them, to be tampered with."""
    for path in tables.glob("*.csv"):
        shutil.copy(path, tmp_path)
    return tmp_path


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with path.open() as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Write the rows of a table."""
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def tamper(path: Path, column: str, change: Callable[[str], str], metric: str = "", verdict: str = "") -> str:
    """Change the first value of a column, of a metric and a relation's verdict where they are given."""
    rows = read(path)
    row = next(
        row
        for row in rows
        if row[column]
        and (not metric or row["metric"] == metric)
        and (not verdict or row["relation_verdict"] == verdict)
    )
    row[column] = change(row[column])
    write(path, rows)
    return row[column]


def test_all_that_was_claimed_follows_from_the_tables(folder: Path, capsys):
    assert script()["main"](folder) == 0
    relations, published = capsys.readouterr().out.splitlines()
    with (folder / "claims.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert relations == f"relations: {len(rows)} computed again, {len(rows)} agree, 0 differ"
    assert published == "published rows: 30 computed again, 30 agree, 0 differ"
    assert {row["relation_verdict"] for row in rows} == {*CLAIM_VERDICTS.values()}


def test_where_one_run_of_theirs_falls():
    """Of equal seeds the images' part alone; never narrower than without other images."""
    low, high = script()["one_run"](np.full(3, 0.8), [15_800, 15_800], 0.05)
    assert high - low == pytest.approx(2 * 1.959964 * (2 * 0.8 * 0.2 / 15_800) ** 0.5, rel=1e-6)
    spread = np.array([0.79, 0.8, 0.81])
    without = script()["one_run"](spread, [], 0.05)
    assert without[1] == pytest.approx(0.8 + 4.302653 * 0.01 * (4 / 3) ** 0.5, rel=1e-6)
    for images in (100, 15_800, 10**9):
        low, high = script()["one_run"](spread, [images] * 2, 0.05)
        assert low <= without[0]
        assert high >= without[1]


def test_at_a_look_too(tmp_path: Path, capsys):
    """Where the tables hold another level and the runs of the look alone."""
    assert script()["main"](written(make(tmp_path / "results", ended=4, looks=[3, 6]), tmp_path)) == 0
    assert capsys.readouterr().out.count(" 0 differ") == 2
    with (tmp_path / "claims.csv").open() as file:
        assert {row["level"] for row in csv.DictReader(file)} == {"0.025"}


def test_measured_memory_has_its_interval(tmp_path: Path, capsys):
    results = make(tmp_path / "results")
    results.__dict__["runs"] = [replace(run, memory_source="measured") for run in results.runs]
    assert script()["main"](written(results, tmp_path)) == 0


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("claims", "estimate"),
        ("claims", "low"),
        ("claims", "high"),
        ("claims", "confidence"),
        ("claims", "p"),
        ("claims", "n"),
        ("published", "sd"),
        ("published", "mean"),
        ("published", "one_run_low"),
        ("published", "one_run_high"),
    ],
)
def test_a_number_that_does_not_follow_is_found(folder: Path, table: str, column: str, capsys):
    changed = tamper(folder / f"{table}.csv", column, lambda there: str(float(there) + 1))
    assert script()["main"](folder) == 1
    said = capsys.readouterr().out
    assert "1 differ" in said
    assert f": {column} is {changed}, computed " in said


@pytest.mark.parametrize(
    ("metric", "there"),
    [
        *(("test accuracy", word) for word in CLAIM_VERDICTS.values()),
        ("test loss", ClaimVerdict.SUPPORTED),
        ("peak memory", ClaimVerdict.SUPPORTED),
        ("runs that left chance level", ClaimVerdict.SUPPORTED),
        ("runs that left chance level", ClaimVerdict.CONTRADICTED),
    ],
)
def test_a_verdict_that_does_not_follow_is_found(folder: Path, metric: str, there: str, capsys):
    others = {"supported": "undecided"}
    path = folder / "claims.csv"
    changed = tamper(path, "relation_verdict", lambda it: others.get(it, "supported"), metric, there)
    assert script()["main"](folder) == 1
    assert f": relation_verdict is {changed}, computed {there}" in capsys.readouterr().out


def test_a_claim_by_best_validation_accuracy_is_judged_by_test_accuracy_too(folder: Path, capsys):
    """The rows that follow it are computed again from the test accuracies."""
    path = folder / "claims.csv"
    names = [row["claim"] for row in read(path) if row["metric"] == "best validation accuracy"]
    rows = [row for row in read(path) if row["claim"] == names[0]]
    assert [row["metric"] for row in rows] == ["best validation accuracy", "test accuracy"]
    rows[0]["estimate"] = rows[1]["estimate"]
    write(path, rows)
    assert script()["main"](folder) == 1
    assert "relations: 2 computed again, 1 agree, 1 differ" in capsys.readouterr().out


def test_a_run_that_was_changed_is_found(folder: Path, capsys):
    tamper(folder / "runs.csv", "train_final", lambda there: str(float(there) + 0.01))
    assert script()["main"](folder) == 1
    said = capsys.readouterr().out
    assert "training less validation accuracy: estimate is " in said
    assert "train_final: mean is " in said


def test_a_number_said_to_disagree_is_found(folder: Path, capsys):
    tamper(folder / "published.csv", "agrees", lambda there: str(there != "True"))
    assert script()["main"](folder) == 1
    assert "1 differ" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["2018", "2018-ten-epochs"])
def test_what_is_published_of_the_reports_follows_from_its_tables(name: str, capsys):
    assert script()["main"](PATH.parents[1] / "docs" / "reproductions" / name) == 0
    assert capsys.readouterr().out.count(" 0 differ") == 2


def test_tables_of_an_older_assay_are_refused_in_one_line(folder: Path):
    path = folder / "claims.csv"
    path.write_text(path.read_text().replace("level", "grade", 1))
    with pytest.raises(SystemExit, match="has no column level"):
        script()["main"](folder)


def test_it_imports_nothing_of_assay():
    names = [
        name
        for node in ast.walk(ast.parse(PATH.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    ]
    assert "scipy" in names
    assert not any(name and name.startswith("assay") for name in names)
