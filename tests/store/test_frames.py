import sys
from pathlib import Path

import pandas as pd
import pytest
from factories import make_results, make_study

from assay.errors import UsageError
from assay.records.runs import Status
from assay.results import COLUMNS


def test_a_frame_has_one_row_a_run(tmp_path: Path) -> None:
    results = make_results(tmp_path, make_study(seeds=2), statuses={("average", 1): Status.DIVERGED})
    frame = results.frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["arm"].tolist() == ["max", "max", "average", "average"]
    assert frame["test_accuracy"].tolist()[:3] == [row["test_accuracy"] for row in results.rows()[:3]]
    assert pd.isna(frame["test_accuracy"].iloc[3])
    assert frame.groupby("arm")["test_accuracy"].count().to_dict() == {"max": 2, "average": 1}


def test_without_pandas_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match=r"pip install assay\[frames\]"):
        make_results(tmp_path, make_study(seeds=1)).frame()
