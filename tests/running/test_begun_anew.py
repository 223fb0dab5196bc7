"""A run whose checkpoint was removed, or is an older one, may come to other numbers: old rows are gone."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sabotage import raising, spoil
from tiny import tiny_study

from assay.records.runs import Status
from assay.results import Results
from assay.running.events import EpochEnded, Started
from assay.running.health import examine
from assay.running.run import run
from assay.store.sqlite import SQLiteStore

EPOCHS = 2


@pytest.fixture(scope="module")
def begun(characters: str, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A study that was stopped after two epochs of its first run, and the run's checkpoint after one."""
    folder, study = tmp_path_factory.mktemp("begun"), tiny_study(characters, seeds=[0])

    def watch(event: object) -> None:
        if isinstance(event, EpochEnded):
            [checkpoint] = (folder / "out" / "weights").glob("*.part.safetensors")
            if event.record.epoch == EPOCHS:
                raise KeyboardInterrupt
            shutil.copy(checkpoint, folder / "older")

    with pytest.raises(KeyboardInterrupt):
        run(study, folder / "out", workers=1, on_event=watch)
    return SimpleNamespace(study=study, folder=folder)


@pytest.fixture(params=["removed", "older"])
def folder(request: pytest.FixtureRequest, begun: SimpleNamespace, tmp_path: Path) -> Path:
    shutil.copytree(begun.folder / "out", tmp_path / "out")
    [path] = (tmp_path / "out" / "weights").glob("*.part.safetensors")
    path.unlink()
    if request.param == "older":
        shutil.copy(begun.folder / "older", path)
    return tmp_path / "out"


def weight(session: Any) -> np.ndarray:
    found: np.ndarray = session._state.parameters["conv1.weight"]
    return found


def breaking(session: Any) -> None:
    """Let a session's runs diverge in their next epoch."""
    train = session.train_epoch

    def broken(*arguments: Any) -> None:
        train(*arguments)
        session._state.parameters["conv1.weight"] = np.full_like(weight(session), np.nan)

    session.train_epoch = broken


def otherwise(session: Any) -> None:
    """Let a session come to other numbers, as that of another machine may."""
    train = session.train_epoch

    def different(*arguments: Any) -> None:
        train(*arguments)
        session._state.parameters["conv1.weight"] = weight(session) * np.float32(1.01)

    session.train_epoch = different


def test_a_study_that_goes_on_says_where_each_run_was(begun: SimpleNamespace, tmp_path: Path):
    """And goes on from there: whatever else of a killed process is removed, its checkpoint is not."""
    folder = shutil.copytree(begun.folder / "out", tmp_path / "out")
    with Results.open(folder) as results:
        [there] = [found.id for found in results.runs if found.epochs]
        last = results.epochs(there)[-1]
    told: list[Any] = []
    run(begun.study, folder, workers=1, progress=False, on_event=told.append).close()
    [started] = [event for event in told if isinstance(event, Started)]
    assert (started.last, started.done) == ({there: last}, {there: EPOCHS})
    assert [event.record.epoch for event in told if isinstance(event, EpochEnded)] == [3, 1, 2, 3]


def test_it_may_end_sooner(folder: Path, begun: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    spoil(monkeypatch, "reference", breaking)
    with run(begun.study, folder, workers=1, progress=False) as results:
        assert {found.status for found in results.runs} == {Status.DIVERGED}
        assert [len(results.epochs(found.id)) for found in results.runs] == [
            found.epochs for found in results.runs
        ]
    assert examine(folder)[1] == []


def test_it_is_continued_after_a_kill_before_its_first_row(
    folder: Path, begun: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
):
    """When its new checkpoint is there, and only rows of its former life could be."""
    with monkeypatch.context() as patch:
        spoil(patch, "reference", otherwise)
        patch.setattr(SQLiteStore, "together", raising(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            run(begun.study, folder, workers=1, progress=False)
    with Results.open(folder):
        assert examine(folder)[1] == []
    spoil(monkeypatch, "reference", otherwise)
    with run(begun.study, folder, workers=1, progress=False) as results:
        assert {found.status for found in results.runs} == {Status.DONE}
