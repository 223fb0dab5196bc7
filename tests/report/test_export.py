import csv
import io
import json
import tomllib
from math import inf
from pathlib import Path

import numpy as np
from factories import make_header, make_study
from hypothesis import given
from hypothesis import strategies as st

from assay.findings.findings import Findings
from assay.records.runs import RunRecord, Status, TestResult
from assay.report.export import csv_text, json_text, report_json
from assay.results import Results
from assay.store import SQLiteStore
from assay.store.columns import COLUMNS
from assay.store.lookup import DATABASE
from assay.study.study import Study
from assay.study.toml import dumps as to_toml

keys = st.text("abcdefgh_-", min_size=1, max_size=6)
scalars = st.one_of(
    st.booleans(), st.integers(-(2**62), 2**62), st.floats(allow_nan=False), st.text(max_size=20)
)
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4))
)


def test_csv_reads_back_in_full_precision(results: Results) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(COLUMNS, (row.values() for row in results.rows())))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 12
    for row, expected in zip(rows, results.rows(), strict=True):
        assert row == {key: "" if value is None else str(value) for key, value in expected.items()}
        if row["test_accuracy"]:
            assert float(row["test_accuracy"]) == expected["test_accuracy"]


def test_json_reads_back_in_full_precision(results: Results) -> None:
    assert json.loads(json_text(results.rows())) == results.rows()


def test_json_has_null_for_what_is_not_finite(tmp_path: Path) -> None:
    study = make_study(seeds=1)
    store = SQLiteStore.create(tmp_path / DATABASE, make_header(study))
    run = RunRecord("max", 0, Status.DONE, "numba", 1, 1, 1, "measured", test=TestResult(inf, 3, 10))
    store.add_run(RunRecord("max", 0, Status.RUNNING, "numba", 1, 1, 1, "measured", valid_best=inf))
    (row,) = json.loads(json_text(Results(tmp_path, store).rows()), parse_constant=lambda word: 1 / 0)
    assert row["valid_best"] is None
    assert run.test_loss == inf
    store.close()


@given(st.dictionaries(keys, values, max_size=5))
def test_toml_reads_back(tables: dict[str, object]) -> None:
    assert tomllib.loads(to_toml(tables)) == tables


@given(st.lists(st.integers(0, 10), min_size=1, unique=True))
def test_a_study_reads_back_as_the_same_study(seeds: list[int]) -> None:
    study = make_study(seeds=seeds)
    text = to_toml(study.to_tables())
    assert Study.from_tables(tomllib.loads(text), "text").digest == study.digest
    assert text.count("\n[") >= 6


def test_toml_leaves_none_out_and_arrays_of_numbers_on_a_line() -> None:
    text = to_toml({"seeds": [0, 1, 2], "network": {"hidden": (100, 100), "stride": None}})
    assert text == "seeds = 3\n\n[network]\nhidden = [100, 100]\n"
    assert np.array_equal(tomllib.loads(text)["network"]["hidden"], [100, 100])


def test_a_report_as_json_says_what_the_report_says(looked: Findings) -> None:
    found = json.loads(report_json(looked), parse_constant=lambda word: 1 / 0)
    assert found["answer"] == looked.answer
    assert [arm["test"]["mean"] for arm in found["arms"]] == [arm.test.mean for arm in looked.arms]
    assert found["inside"]["confusion"]["shares"] == looked.inside.confusion.shares.tolist()
    assert found["inside"]["features"]["image"] is None
    assert found["family"]["pairs"][0]["judgement"]["verdict"] == looked.family.pairs[0].judgement.verdict


def test_a_report_as_json_has_null_for_what_is_not_finite(report: Findings) -> None:
    found = json.loads(report_json(report), parse_constant=lambda word: 1 / 0)
    assert found["arms"][1]["values"][5] is None
