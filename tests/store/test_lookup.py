"""A results folder that is not there is taken for the nearest one that is."""

from pathlib import Path

import pytest

from assay.store.lookup import DATABASE, none_at, results_folders


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(*folders: str) -> None:
    for folder in folders:
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / DATABASE).touch()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("wdith", "assay-runs/width"),
        ("width", "assay-runs/width"),
        ("assay-runs/wdith", "assay-runs/width"),
        ("assay-runs/2017/drop-out", "assay-runs/2017/dropout"),
        ("poling", "pooling"),
        ("Batch", "batch"),
    ],
)
def test_the_nearest_name_is_suggested(typed: str, meant: str) -> None:
    make("assay-runs/width", "assay-runs/2017/dropout", "batch", "assay-runs/batch", "pooling")
    assert none_at(Path(typed)).endswith(f"no results here (did you mean {meant!r}?)")


def test_where_no_name_is_near_those_are_named_that_there_are() -> None:
    made = "quite/results.db: no results here (`assay run STUDY --out quite` puts results there"
    assert none_at(Path("quite")) == f"{made})"
    make("assay-runs/width", "other")
    assert none_at(Path("quite")) == f"{made}; known: assay-runs/width, other)"


def test_a_folder_whose_results_are_gone_is_taken_for_no_other() -> None:
    make("width")
    Path("wdith/weights").mkdir(parents=True)
    assert none_at(Path("wdith")).endswith("(did you mean 'width'?)")
    Path("wdith/weights/max-0.safetensors").touch()
    gone = "wdith/results.db: is missing, and wdith/weights seems to hold its networks (put it back)"
    assert none_at(Path("wdith")) == gone
    Path("wdith/weights/max-0.safetensors").unlink()
    Path("wdith/results.db-wal").write_text("rows")
    gone = "wdith/results.db: is missing, and wdith/results.db-wal holds a part of it (put it back)"
    assert none_at(Path("wdith")) == gone
    assert "no results here" in none_at(Path("a\0b"))


def test_folders_are_found_to_a_depth_and_never_in_one_another() -> None:
    make("a/b/c", "a/b/c/d", "a/e", "a/b/f/g")
    found = [str(place) for place in results_folders(Path("a"))]
    assert found == ["a/b/c", "a/e"]
    assert [*results_folders(Path("nowhere"))] == [*results_folders(Path("a\0b"))] == []
