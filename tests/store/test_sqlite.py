"""What the store accepted is there, whole, and nothing else; a stranger's or a damaged file is one line."""

import multiprocessing
import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from dataclasses import fields, replace
from math import inf, isfinite, isnan, nan
from pathlib import Path

import numpy as np
import pytest
from elsewhere import all_of, read_as_nobody
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import StoreError, one_line
from assay.records.runs import EpochRecord, LayerRecord, RunId, RunRecord, Status, TestResult
from assay.store import Header, SQLiteStore
from assay.store.migrations import OLDEST, VERSION

HEADER = Header(
    study={"name": "tiny", "seeds": [0, 1], "network": {"lr": 1e-5}},
    digest="ab" * 32,
    data_digest="cd" * 32,
    classes=("0", "A", "é", '"'),
    synthetic=True,
    sizes={"train": 100, "valid": 20, "test": 11},
    versions={"python": "3.11"},
)
TOTAL = HEADER.sizes["test"]

run_ids = st.builds(
    RunId, st.sampled_from(["max", "average", "x'); DROP TABLE run; --"]), st.sampled_from([0, 7, 2**63 - 1])
)
shares = st.floats(0, 1)
losses = st.floats(0, 1e30) | st.sampled_from([nan, inf])
epochs = st.builds(EpochRecord, st.integers(1, 5), losses, shares, losses, shares, shares, shares, shares)
statuses = st.sampled_from([status for status in Status if status not in (Status.DONE, Status.STOPPED)])
answers = st.lists(st.integers(0, 3), min_size=TOTAL, max_size=TOTAL).map(np.array)
messages = st.none() | st.text(max_size=9).map(one_line)


@pytest.fixture
def store(tmp_path):
    with closing(SQLiteStore.create(tmp_path / "results.db", HEADER)) as store:
        yield store


def record(run, status, **more):
    return RunRecord(run.arm, run.seed, status, "reference", 10, 20, 30, "computed", **more)


def done(run, correct):
    result = TestResult(0.5, int(np.count_nonzero(correct)), TOTAL)
    return record(run, Status.DONE, epochs=3, best_epoch=2, valid_best=0.5, valid_final=0.25, test=result)


def as_stored(epoch):
    """A loss that is no number is nan, whichever it was."""
    return [value if isfinite(value) else "none" for value in vars(epoch).values()]


def test_the_header_is_kept(store):
    assert store.header == HEADER
    store.close()
    with closing(SQLiteStore.open(store.path)) as again:
        assert again.header == HEADER


operations = st.lists(
    st.one_of(
        st.tuples(st.just("run"), run_ids, st.tuples(statuses, messages)),
        st.tuples(st.just("epoch"), run_ids, epochs),
        st.tuples(st.just("finish"), run_ids, answers),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(operations)
def test_whatever_was_written_is_read_the_last_of_each(steps):
    """Against a dictionary; read by the writer, beside it, and after it is gone."""
    runs, history, answered, opened = {}, {}, {}, 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.db"
        with closing(SQLiteStore.create(path, HEADER)) as store:
            for kind, run, what in steps:
                if kind == "run":
                    runs[run] = record(run, what[0], message=what[1])
                    store.add_run(runs[run])
                elif kind == "epoch":
                    history.setdefault(run, {})[what.epoch] = what
                    store.add_epoch(run, what)
                else:
                    correct = what % 2 == 0
                    runs[run], answered[run], opened = done(run, correct), what, opened + 1
                    store.finish(runs[run], what, correct)
            with closing(SQLiteStore.open(path)) as beside:
                assert beside.runs() == store.runs()
        with closing(SQLiteStore.open(path)) as after:
            assert after.runs() == [*runs.values()]
            assert after.test_openings() == opened
            for run, kept in history.items():
                expected = [as_stored(kept[epoch]) for epoch in sorted(kept)]
                assert [as_stored(epoch) for epoch in after.epochs(run)] == expected
            for run, predicted in answered.items():
                assert np.array_equal(after.predicted(run), predicted)
                assert np.array_equal(after.correct(run), predicted % 2 == 0)
                assert after.correct(run).dtype == bool


@pytest.mark.parametrize(
    "test", [None, TestResult(nan, 3, TOTAL), TestResult(0.5, 12, TOTAL), TestResult(0.5, -1, 5)]
)
def test_no_run_is_done_without_a_result(store, test):
    with pytest.raises(StoreError, match="CHECK constraint failed"):
        store.add_run(record(RunId("max", 0), Status.DONE, test=test))
    assert store.runs() == []


@pytest.mark.parametrize("missing", ["test_loss", "test_correct", "test_total"])
def test_no_run_is_done_without_a_result_whatever_the_program(store, missing):
    """Nor is a part of it enough: a CHECK holds where it is NULL."""
    store.finish(done(RunId("max", 0), np.ones(TOTAL, bool)), np.zeros(TOTAL, np.int64), np.ones(TOTAL, bool))
    with closing(sqlite3.connect(store.path)) as stranger:
        with pytest.raises(sqlite3.IntegrityError):
            stranger.execute(f"UPDATE run SET {missing} = NULL")
        with pytest.raises(sqlite3.IntegrityError):
            stranger.execute("UPDATE run SET status = 'finished'")
        with pytest.raises(sqlite3.IntegrityError):
            stranger.execute("UPDATE run SET test_total = 0, test_correct = 0")


def test_a_finish_that_breaks_off_leaves_nothing(store, monkeypatch):
    run, correct = RunId("max", 0), np.ones(TOTAL, bool)
    store.add_run(record(run, Status.PENDING))
    for error in (sqlite3.OperationalError("disk is full"), KeyboardInterrupt()):
        with monkeypatch.context() as patch:
            patch.setattr(store, "_put_run", lambda run, error=error: (_ for _ in ()).throw(error))
            with pytest.raises((StoreError, KeyboardInterrupt)):
                store.finish(done(run, correct), correct.astype(np.int64), correct)
        assert store.runs() == [record(run, Status.PENDING)]
        assert store.test_openings() == 0
        with pytest.raises(StoreError, match="max, seed 0 has no test answers"):
            store.correct(run)
    store.finish(done(run, correct), correct.astype(np.int64), correct)
    assert store.runs() == [done(run, correct)]


def test_what_is_not_committed_nobody_sees(store):
    with closing(SQLiteStore.open(store.path)) as reader:
        with store.database.transaction():
            store.add_run(record(RunId("max", 0), Status.PENDING))
            assert reader.runs() == []
        assert len(reader.runs()) == 1


def test_what_is_recorded_together_is_seen_together_or_never(store):
    one, two = RunId("max", 0), RunId("max", 1)
    with closing(SQLiteStore.open(store.path)) as reader:
        with store.together():
            store.add_run(record(one, Status.RUNNING))
            store.add_epoch(one, EpochRecord(1, 1.0, 0.5, 1.0, 0.5, 1.0, 1.0))
            assert reader.runs() == []
        assert (len(reader.runs()), len(reader.epochs(one))) == (1, 1)
        with suppress(ZeroDivisionError), store.together():
            store.add_run(record(two, Status.RUNNING))
            raise ZeroDivisionError
        assert [run.id for run in reader.runs()] == [one]


def test_a_reader_cannot_write(store):
    with closing(SQLiteStore.open(store.path)) as reader, pytest.raises(StoreError, match="readonly"):
        reader.add_run(record(RunId("max", 0), Status.PENDING))


def test_what_is_committed_is_on_disk_first(store):
    """What SQLite promises after a power cut: synchronous = FULL, and WAL for the readers."""
    assert store.database.connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert store.database.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    with closing(SQLiteStore.open(store.path, write=True)) as writer:
        assert writer.database.connection.execute("PRAGMA synchronous").fetchone()[0] == 2


def refused(path):
    with pytest.raises(StoreError) as caught:
        SQLiteStore.open(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert len(line.splitlines()) == 1
    return line


def test_files_that_are_no_results_are_refused(tmp_path, store):
    assert "no results here" in refused(tmp_path / "none.db")
    assert "no results here" in refused(tmp_path)
    (tmp_path / "text.db").write_text("a,b,c\n" * 999)
    assert "file is not a database" in refused(tmp_path / "text.db")
    (tmp_path / "empty.db").write_bytes(b"")
    assert "not of assay's" in refused(tmp_path / "empty.db")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE run (x)")
    assert "not of assay's" in refused(tmp_path / "other.db")


@pytest.mark.parametrize(("version", "age"), [(VERSION + 1, "a newer"), (OLDEST - 1, "an older")])
def test_another_format_is_refused(version, age, store):
    store.database.connection.execute(f"PRAGMA user_version = {version}")
    assert f"made by {age} assay (format {version}, this one reads {VERSION})" in refused(store.path)


SIZE = 49_152


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a database with everything in it."""
    path = tmp_path_factory.mktemp("whole") / "results.db"
    with closing(SQLiteStore.create(path, HEADER)) as store:
        for seed in range(3):
            run, predicted = RunId("max", seed), np.arange(TOTAL) % len(HEADER.classes)
            layer = LayerRecord(1, "conv1", 3.0, inf, 0.0, None, 0.5, None, 0.5)
            store.add_epoch(run, EpochRecord(1, 1.0, 0.5, nan, 0.5, 1.0, 1.0), [layer])
            store.finish(done(run, predicted % 2 == 0), predicted, predicted % 2 == 0)
    found = path.read_bytes()
    assert len(found) == SIZE
    return found


def test_a_file_cut_anywhere_is_whole_or_refused(whole, tmp_path):
    path = tmp_path / "cut.db"
    for length in [*range(0, 200, 7), *range(200, len(whole), 997)]:
        path.write_bytes(whole[:length])
        line = all_of(path)
        assert isinstance(line, str), f"{length} bytes of {len(whole)} should not be results"
        assert line.startswith(f"{path}: ")


edits = st.lists(
    st.tuples(st.integers(0, SIZE - 1) | st.integers(0, 4095), st.integers(0, 255)), min_size=1, max_size=8
)


@settings(max_examples=150)
@given(edits)
def test_whatever_byte_is_changed_the_file_is_read_or_refused(whole, edits):
    changed = bytearray(whole)
    for place, value in edits:
        changed[place] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed.db"
        path.write_bytes(changed)
        found = all_of(path)
    assert not isinstance(found, str) or len(found.splitlines()) == 1


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_results_can_be_read_where_nothing_can_be_written(whole):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "results.db").write_bytes(whole)
        folder.chmod(0o555)
        receive, send = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(
            target=read_as_nobody, args=(str(folder / "results.db"), send)
        )
        process.start()
        process.join()
        assert receive.poll()
        found = receive.recv()
        assert len(found[1]) == 3, found
        assert [item.name for item in folder.iterdir()] == ["results.db"]


def test_every_field_of_a_run_is_kept(store):
    run = RunId("max", 3)
    full = RunRecord(
        "max", 3, Status.DONE, "numba", 11, 22, 33, "measured", 4, 9, 0.75, 0.5, TestResult(0.25, 5, 6),
        7.5, 8.5, "m", True, 0.125, 0.375, 9.5, "p", 1.25, 0.0625,
    )  # fmt: skip
    values = [getattr(full, field.name) for field in fields(full)]
    assert len({str(value) for value in values}) == len(values), "a column that is mixed up should show"
    store.add_run(full)
    assert store.runs() == [full]
    failed = replace(full, status=Status.FAILED, test=None, stuck=False)
    store.add_run(failed)
    assert store.runs() == [failed]
    assert store.epochs(run) == store.layers(run) == []


def test_no_run_is_stuck_before_it_is_done(store):
    with pytest.raises(StoreError, match="CHECK constraint failed"):
        store.add_run(record(RunId("max", 0), Status.DIVERGED, stuck=True))


numbers = st.none() | losses.filter(lambda value: not isnan(value))
layers = st.builds(
    LayerRecord,
    st.just(1),
    st.sampled_from(["conv1", "relu1", "linear1"]),
    *[numbers] * 6,
    losses.filter(isfinite),
)


@settings(max_examples=40)
@given(st.lists(layers, max_size=3, unique_by=lambda layer: layer.layer), st.integers(1, 3))
def test_how_the_layers_fared_is_kept_in_their_order(found, times):
    """However often an epoch is written: what is not finite as infinity, what is not there as None."""
    run, epoch = RunId("max", 0), EpochRecord(1, 1.0, 0.5, 1.0, 0.5, 1.0, 1.0)
    before = [replace(layer, epoch=0) for layer in found]
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(SQLiteStore.create(Path(folder) / "results.db", HEADER)) as store,
    ):
        for _ in range(times):
            store.add_epoch(run, epoch, [*before, *found])
        assert store.layers(run) == [*before, *found]
        assert store.layers(RunId("max", 1)) == []
