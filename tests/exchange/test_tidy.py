"""Tidy tables hold every run, epoch and answer, whichever format they are read from."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from factories import make_results, make_study
from later import pandas
from pyarrow import parquet

from assay.exchange.exporting import export_results
from assay.records.runs import Status

READERS = {
    "csv": lambda path: pandas.read_csv(path).to_dict("records"),
    "json": lambda path: json.loads(path.read_text()),
    "parquet": lambda path: parquet.read_table(path).to_pylist(),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    lost = {("max", 1): Status.DIVERGED, ("average", 2): Status.RUNNING}
    with make_results(tmp_path_factory.mktemp("r"), make_study(seeds=3), statuses=lost) as found:
        yield found


def missing(value):
    return value is None or (isinstance(value, float) and math.isnan(value))


@pytest.mark.parametrize("ending", READERS)
def test_all_is_there_when_the_formats_own_reader_reads_it(ending, results, tmp_path):
    paths = [Path(path) for path in export_results(results, ending, out=tmp_path)]
    assert [path.name for path in paths] == [f"{name}.{ending}" for name in ("runs", "epochs", "examples")]
    runs, epochs, examples = map(READERS[ending], paths)
    for found, expected in ((runs, results.rows()), (epochs, list(results.epoch_rows()))):
        assert len(found) == len(expected)
        for row, own in zip(found, expected, strict=True):
            assert list(row) == list(own)
            for key, value in own.items():
                assert row[key] == value or (missing(row[key]) and missing(value)), key
    done = [run for run in results.runs if run.status is Status.DONE]
    assert len(examples) == len(done) * results.test_images
    for run in done:
        own = [row for row in examples if (row["arm"], row["seed"]) == (run.arm, run.seed)]
        assert [row["example"] for row in own] == list(range(results.test_images))
        np.testing.assert_array_equal([row["correct"] for row in own], results.correct(run.id))
        assert {str(row["answer"]) for row in own} == {"0"}


def test_a_table_goes_into_the_results_folder_by_default(results):
    paths = export_results(str(results.folder), "json")
    assert {str(Path(path).parent) for path in paths} == {str(results.folder / "export")}
