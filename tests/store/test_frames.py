import sys
from pathlib import Path

import pytest
from factories import EPOCHS, make_results, make_study
from later import pandas as pd

from assay.errors import UsageError
from assay.records.runs import Status
from assay.store.columns import COLUMNS, EPOCH_COLUMNS


def test_a_frame_has_one_row_a_run(tmp_path: Path) -> None:
    results = make_results(tmp_path, make_study(seeds=2), statuses={("average", 1): Status.DIVERGED})
    frame = results.frame()
    assert tuple(frame.columns) == ("arm", "reduction", *COLUMNS[1:])
    assert frame["reduction"].tolist() == frame["arm"].tolist()
    assert frame["arm"].tolist() == ["max", "max", "average", "average"]
    assert frame["test_accuracy"].tolist()[:3] == [row["test_accuracy"] for row in results.rows()[:3]]
    assert pd.isna(frame["test_accuracy"].iloc[3])
    assert frame.groupby("arm")["test_accuracy"].count().to_dict() == {"max": 2, "average": 1}


def test_factors_have_their_columns_whatever_they_are_called(tmp_path: Path) -> None:
    """A factor may be called as a column is; rows of epochs have the levels too."""
    factors = {
        "engine": {"plain": {"engine": "reference"}, "fast": {"engine": "numba"}},
        "size": {"small": {"network": {"filters": 2}}, "large": {"network": {"filters": 4}}},
    }
    results = make_results(tmp_path, make_study(seeds=1, factors=factors))
    frame = results.frame()
    assert list(frame.columns[:4]) == ["arm", "factor:engine", "size", "seed"]
    assert set(zip(frame["arm"], frame["factor:engine"], frame["size"], strict=True)) == {
        (f"{engine}-{size}", engine, size) for engine in ("plain", "fast") for size in ("small", "large")
    }
    assert set(frame["engine"]) == {"numba"}
    epochs = results.epochs_frame()
    assert list(epochs.columns) == ["arm", "factor:engine", "size", *EPOCH_COLUMNS[1:]]
    assert len(epochs) == len(results.study.arms) * EPOCHS
    (row,) = [row for row in results.epoch_rows() if row["arm"] == "fast-large" and row["epoch"] == 3]
    found = epochs[(epochs["size"] == "large") & (epochs["factor:engine"] == "fast") & (epochs["epoch"] == 3)]
    assert found["valid_accuracy"].tolist() == [row["valid_accuracy"]]


def test_without_pandas_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match=r"pip install 'assay\[frames\]'"):
        make_results(tmp_path, make_study(seeds=1)).frame()
