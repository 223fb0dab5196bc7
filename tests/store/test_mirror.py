"""A mirror says what the store says, reads only what is new, and holds nothing."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import make_results, make_study

from assay.errors import StoreError
from assay.findings.findings import answer_alone, build
from assay.records.runs import EpochRecord, RunId, Status
from assay.store import SQLiteStore
from assay.store import mirror as module
from assay.store.lookup import DATABASE
from assay.store.mirror import Mirror
from assay.store.readout import Readout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_results(tmp_path / "study", statuses={("average", 3): Status.RUNNING}).close()
    return tmp_path / "study"


def write(folder: Path, change: Callable[[SQLiteStore], None]) -> None:
    store = SQLiteStore.open(folder / DATABASE, write=True)
    change(store)
    store.close()


def epoch(number: int, accuracy: float = 0.5) -> EpochRecord:
    return EpochRecord(number, 0.5, accuracy, 0.6, accuracy, 1.0, 100.0, 0.1)


def same(mirror: Mirror, folder: Path) -> None:
    """Insist that a mirror says all that the store says."""
    store = SQLiteStore.open(folder / DATABASE)
    assert mirror.header == store.header
    assert mirror.runs() == store.runs()
    assert mirror.test_openings() == store.test_openings()
    for run in store.runs():
        assert mirror.epochs(run.id) == store.epochs(run.id)
        assert mirror.layers(run.id) == store.layers(run.id)
        if run.test:
            assert np.array_equal(mirror.correct(run.id), store.correct(run.id))
            assert np.array_equal(mirror.predicted(run.id), store.predicted(run.id))
    store.close()


def test_it_says_what_the_store_says_as_that_grows(folder: Path) -> None:
    mirror = Mirror(folder / DATABASE)
    assert mirror.refresh() == {"max", "average"}
    same(mirror, folder)
    run = RunId("average", 3)
    write(folder, lambda store: store.add_epoch(run, epoch(5)))
    assert mirror.refresh() == {"average"}
    same(mirror, folder)
    write(folder, lambda store: store.add_epoch(run, epoch(2, 0.7)))  # a continued run repeats what it wrote
    assert mirror.refresh() == {"average"}
    same(mirror, folder)
    write(folder, lambda store: store.add_epoch(run, epoch(2, 0.8)))  # as the last row, which keeps its place
    assert "average" in mirror.refresh()
    same(mirror, folder)
    row = next(found for found in mirror.runs() if found.id == RunId("max", 0))
    write(folder, lambda store: store.add_run(replace(row, message="changed")))
    assert mirror.refresh() == {"max"}
    same(mirror, folder)


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("then", [0, 1, 3])
def test_epochs_that_are_dropped_are_forgotten(tmp_path: Path, after: int, then: int) -> None:
    """Of the run that wrote last, whose rows' places new ones take, and of one before it."""
    runs = [RunId("average", seed) for seed in (2, 3)]
    make_results(tmp_path, statuses={(run.arm, run.seed): Status.PENDING for run in runs}).close()

    def train(run: RunId, numbers: range, accuracy: float) -> Callable[[SQLiteStore], None]:
        def act(store: SQLiteStore) -> None:
            store.drop_epochs(run, numbers.start - 1)
            for number in numbers:
                store.add_epoch(run, epoch(number, accuracy))

        return act

    for run in runs:
        write(tmp_path, train(run, range(1, 4), 0.5))
    mirror = Mirror(tmp_path / DATABASE)
    mirror.refresh()
    for accuracy, run in enumerate([runs[1], runs[0], runs[0]]):
        write(tmp_path, train(run, range(after + 1, after + 1 + then), accuracy / 10))
        assert "average" in mirror.refresh() or not then
        same(mirror, tmp_path)


def test_what_has_not_changed_is_not_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = Mirror(folder / DATABASE)
    mirror.refresh()
    opened: list[object] = []
    monkeypatch.setattr(SQLiteStore, "open", lambda *_, **__: opened.append(1))
    assert mirror.refresh() == frozenset()
    assert opened == []


def test_no_file_stays_open(folder: Path) -> None:
    mirror = Mirror(folder / DATABASE)
    mirror.refresh()
    held = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    assert not any(str(folder) in path for path in held)


@pytest.mark.parametrize("known", [True, False], ids=["same number", "another number"])
@pytest.mark.parametrize("arms", [("one", "two"), ("max", "average")], ids=["another study", "same study"])
def test_another_file_is_read_from_the_start(
    folder: Path, arms: tuple[str, str], known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the file system gives it the number that the old one had."""
    mirror = Mirror(folder / DATABASE)
    mirror.refresh()
    for part in folder.iterdir():
        part.unlink()
    study, other = make_study(arms), arms[0] == "one"
    statuses = {} if other else {(arm, seed): Status.PENDING for arm in arms for seed in study.seeds[1:]}
    make_results(folder, study, statuses=statuses).close()
    if known:
        inode = mirror._stamp[0][0]
        stamp = module._stamp
        monkeypatch.setattr(module, "_stamp", lambda path: ((inode, *stamp(path)[0][1:]), *stamp(path)[1:]))
    assert mirror.refresh() == {*arms}
    same(mirror, folder)


def test_findings_are_those_of_the_store(folder: Path) -> None:
    mirror = Mirror(folder / DATABASE)
    mirror.refresh()
    with Readout.open(folder, watch=True) as store:
        ours = build(Readout(folder, mirror, at_work=False))
        assert repr(ours) == repr(build(store))
        assert ours.curves == build(store).curves
        assert answer_alone(store) == build(store).answer


def test_it_is_read_only_and_says_what_is_not_there(folder: Path) -> None:
    mirror = Mirror(folder / DATABASE)
    with pytest.raises(StoreError, match="reading only"):
        mirror.add_epoch(RunId("max", 0), epoch(9))
    (folder / DATABASE).unlink()
    with pytest.raises(StoreError, match="no results here"):
        mirror.refresh()
