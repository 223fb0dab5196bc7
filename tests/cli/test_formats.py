"""``--format``: what a program reads is on stdout alone, with keys that stay and numbers that are numbers."""

import csv
import io
import json
from pathlib import Path

import pytest
from said import Assay, Said

from assay.cli import rows
from assay.findings.prediction import Prediction
from assay.records.runs import RunId
from assay.report.export import STATUS_COLUMNS
from assay.store.columns import COLUMNS, EPOCH_COLUMNS

pytestmark = pytest.mark.usefixtures("undrawn")  # unless it runs in a process of its own

LAYER = """
from dataclasses import dataclass
from assay.nn import Layer

@dataclass(frozen=True)
class Scale(Layer):
    claimed: float = 2.5
    kind = "scale"
    def output_shape(self, shape): return shape
    def forward(self, params, x): return x * 2.0, x
    def backward(self, params, cache, dy): return dy * self.claimed, {}
"""


def table(said: Said) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(said.out)))


def both(assay: Assay, *words: str, status: int = 0) -> tuple:
    """What a command says as JSON, and the rows of its CSV."""
    as_json, as_csv = (assay(*words, "--format", form) for form in ("json", "csv"))
    assert [(one.status, one.err) for one in (as_json, as_csv)] == [(status, "")] * 2
    return json.loads(as_json.out), table(as_csv)


def agree(row: dict, line: dict[str, str]) -> None:
    """A line of CSV is the row of JSON, without what is nested."""
    assert all(line[key] == ("" if row[key] is None else str(row[key])) for key in line)


def test_studies_show_and_plan(assay: Assay, study_file: str):
    found, lines = both(assay, "studies")
    assert list(found[0]) == list(lines[0]) == ["study", "question", "arms", "seeds", "source"]
    assert next(one for one in found if one["study"] == "pooling")["arms"] == 2
    found = json.loads(assay("show", study_file, "--format", "json").out)
    assert (found["study"], found["control"], found["runs"]) == ("tiny", "average", 4)
    assert [arm["arm"] for arm in found["arms"]] == ["max", "average"]
    arm = found["arms"][0]
    assert arm["parameters"] == sum(layer["parameters"] for layer in arm["layers"])
    assert arm["steps_per_second"] > 0
    line = table(assay("show", study_file, "--format", "csv"))[0]
    assert tuple(line) == rows.ARM_COLUMNS
    assert (line["arm"], int(line["flops"])) == ("max", arm["flops"])
    words = ("plan", study_file, "--resolve", "0.5")
    found, lines = both(assay, *words)
    assert (found["difference"], found["power"], found["pilot"]) == (0.005, 0.8, None)
    assert found["seeds"] == max(need["family"] for need in found["comparisons"])
    assert tuple(lines[0]) == rows.NEED_COLUMNS
    agree(found["comparisons"][0], lines[0])


@pytest.fixture
def folder(assay: Assay, study_file: str) -> str:
    assert assay("run", study_file, "--quick", "--epochs", "2", "--out", "there").status == 0
    return "there"


def test_status_and_results(assay: Assay, folder: str):
    found, lines = both(assay, "status", folder)
    assert (found["ended"], found["runs"], found["complete"]) == (2, 2, True)
    assert tuple(lines[0]) == STATUS_COLUMNS
    assert (found["arms"][0]["done"], found["arms"][0]["epochs"]) == (1, 2)
    assert 0 <= found["arms"][0]["valid_best"] <= 1
    found, lines = both(assay, "results", folder)
    assert tuple(found[0]) == tuple(lines[0]) == COLUMNS
    agree(found[1], lines[1])
    found, lines = both(assay, "results", folder, "--epochs")
    assert tuple(found[0]) == tuple(lines[0]) == EPOCH_COLUMNS
    assert [(row["arm"], row["epoch"]) for row in found] == [
        ("max", 1), ("max", 2), ("average", 1), ("average", 2)
    ]  # fmt: skip
    agree(found[3], lines[3])
    assert 0 <= found[0]["valid_accuracy"] <= 1
    said = assay("results", folder, "--epochs")
    shown = [line.split()[:3] for line in said.out.splitlines() if line.startswith(("max ", "average "))]
    assert shown == [["max", "0", "1"], ["max", "0", "2"], ["average", "0", "1"], ["average", "0", "2"]]
    assert max(map(len, said.out.splitlines())) <= 80


def test_data(assay: Assay, characters: str):
    found, lines = both(assay, "data", "list")
    assert [row["name"] for row in found] == [line["name"] for line in lines]
    assert found[0]["available"] is True
    found, (line,) = both(assay, "data", "info", characters)
    assert (found["height"], found["classes"], found["class_names"]) == (
        14,
        6,
        ["0", "1", "2", "3", "4", "5"],
    )
    agree(found, line)


def test_predict(assay: Assay, monkeypatch):
    answer = Prediction(Path("a.png"), RunId("max", 3), "7", 0.875, (("1", 0.1),), 1.25, (5, 6, 70, 80), 1, 2)
    monkeypatch.setattr("assay.findings.prediction.predict", lambda *_, **__: [answer])
    (found,), (line,) = both(assay, "predict", "there", "a.png")
    assert found == {
        "image": "a.png", "character": "7", "confidence": 0.875, "arm": "max", "seed": 3,
        "temperature": 1.25, "line": 2, "word": 3, "left": 5, "top": 6, "right": 70, "bottom": 80,
        "runners_up": [{"character": "1", "confidence": 0.1}],
    }  # fmt: skip
    agree(found, line)


def test_check(assay: Assay):
    Path("mine.py").write_text(LAYER)
    found, (line,) = both(assay, "check", "mine.py:Scale", "--input-shape", "7", status=1)
    assert (found["passed"], found["wrong_gradients"], found["built_in"]) == (False, 1, None)
    assert found["gradients"][0]["relative_error"] == pytest.approx(0.25)
    assert tuple(line) == rows.CHECK_COLUMNS
    agree(found, line)
    found, _ = both(assay, "check", "mine.py:Scale", "--against", "Tanh", "-s", "claimed=2.", status=1)
    assert (found["wrong_gradients"], found["built_in"]) == (0, "Tanh")
    assert found["differences"] == len(found["numbers"]) > 0
    assert found["forward_seconds"] > 0
