"""A study runs to its end, whatever the workers, the order and the accidents; and then stays as it is."""

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from elsewhere import run_as_nobody
from sabotage import fail_at_the_end, raising, spoil
from tiny import CLASSES, ENGINES, TEST, outcome, tiny_study
from torch.nn.functional import cross_entropy
from torch_networks import load_weights, torch_blocks

from assay.data import load
from assay.engines import choice, speed
from assay.errors import ShapeError, StoreError, UnsupportedError, UsageError
from assay.records.runs import RunId, Status
from assay.results import Results
from assay.running.events import EpochEnded, Loading, RunEnded, Started, StepsTaken
from assay.running.run import run
from assay.running.threads import Threads
from assay.running.tracebacks import traceback_of
from assay.store import SQLiteStore, weights
from assay.store.database import Database
from assay.store.lock import folder_lock
from assay.store.lookup import DATABASE
from assay.store.weights import path_of
from assay.study import tables


def ran(study, folder, **options):
    """Run a study and return all that it found."""
    with run(study, folder, **options) as results:
        assert results.complete
        return outcome(results)


@pytest.fixture(scope="module")
def plain(characters, tmp_path_factory):
    """The folder of the tiny study to which nothing happened, which nobody changes, and what it found."""
    found = {}

    def of(engine):
        if engine not in found:
            folder = tmp_path_factory.mktemp("plain")
            found[engine] = folder, ran(tiny_study(characters, engine=engine), folder, workers=1)
        return found[engine]

    return of


@pytest.fixture(scope="module")
def expected(plain):
    """What the tiny study finds when nothing happens to it, by engine."""
    return lambda engine: plain(engine)[1]


def test_the_number_of_workers_makes_no_difference(engine, characters, expected, tmp_path):
    assert ran(tiny_study(characters, engine=engine), tmp_path, workers=4) == expected(engine)


def test_the_order_of_runs_makes_no_difference(engine, characters, expected, tmp_path):
    """With two workers."""
    levels = {"average": {"network": {"reduction": "average"}}, "max": {"network": {"reduction": "max"}}}
    study = tiny_study(characters, engine=engine, seeds=[1, 0], factors={"reduction": levels})
    assert [arm.name for arm in study.arms] == ["average", "max"]
    assert ran(study, tmp_path, workers=2) == expected(engine)


def test_a_run_alone_is_the_run_in_its_cohort(engine, characters, expected, tmp_path):
    found = {}
    for seed in (0, 1):
        for arm in ("max", "average"):
            factors = {"reduction": {arm: {"network": {"reduction": arm}}}}
            study = tiny_study(characters, engine=engine, seeds=[seed], factors=factors, control=arm)
            found |= ran(study, tmp_path / f"{arm}{seed}")
    assert found == expected(engine)


def test_seeds_and_arms_differ(engine, expected):
    weights = {
        key[0]: value
        for key, value in expected(engine).items()
        if isinstance(key, tuple) and "weights" in key
    }
    assert len(weights) == len(set(weights.values())) == 4


def test_both_engines_find_nearly_the_same(expected, characters):
    """One rounds otherwise than the other, no more: epochs agree to five digits."""
    pytest.importorskip("assay.engines.numba", reason="the second engine is not there")
    for key, epochs in expected("reference").items():
        if isinstance(key, tuple) and key[1] == "epochs":
            for one, other in zip(epochs, expected("numba")[key], strict=True):
                numbers = [
                    [float(part.split("=")[1].strip(")")) for part in r.split(", ")[1:]] for r in (one, other)
                ]
                np.testing.assert_allclose(*numbers, rtol=1e-5)


def test_what_is_measured_is_what_pytorch_measures_with_the_same_weights(engine, characters, plain):
    """The test's loss and accuracy, and the best epoch's on the sample of train and on valid."""
    folder, _ = plain(engine)
    data = load(tiny_study(characters).data)
    with Results.open(folder) as results:
        for record in results.runs:
            modules = torch_blocks(1, 6, record.arm, CLASSES, (14, 14)).double()
            load_weights(modules, weights.load_weights(path_of(folder, record.id)))
            best = results.epochs(record.id)[record.best_epoch - 1]
            assert best.valid_accuracy == max(epoch.valid_accuracy for epoch in results.epochs(record.id))
            correct = results.correct(record.id)
            predicted = results.store.predicted(record.id)
            assert record.test.correct == np.count_nonzero(correct)
            measured = {
                "sample": (best.train_loss, best.train_accuracy),
                "valid": (best.valid_loss, best.valid_accuracy),
                "test": (record.test_loss, record.test_accuracy),
            }
            for part, (loss, accuracy) in measured.items():
                split = getattr(data, part)
                with torch.no_grad():
                    scores = modules(torch.tensor(split.images[:, None] / 255))
                labels = torch.tensor(split.labels)
                assert loss == pytest.approx(float(cross_entropy(scores, labels)), rel=1e-5)
                assert accuracy == float((scores.argmax(1) == labels).double().mean())
            assert np.array_equal(predicted, scores.argmax(1).numpy())
            assert np.array_equal(correct, predicted == split.labels)


def test_the_test_set_is_opened_once_a_run(characters, plain):
    folder, _ = plain("reference")
    for opened in (Results.open(folder), run(tiny_study(characters), folder)):
        with opened as results:
            assert results.store.test_openings() == results.done == results.total == 4
            assert len(results.correct(RunId("max", 0))) == TEST


def test_a_second_call_does_nothing(engine, characters, plain):
    folder, before = plain(engine)
    paths = [folder / DATABASE, *(folder / "weights").iterdir()]
    files = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}
    events = []
    found = ran(tiny_study(characters, engine=engine), folder, on_event=events.append)
    assert not events
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files} == files
    assert len(found) == 24
    assert found == before
    assert not list(folder.rglob("*.part*"))


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        ("optimizer.lr", 0.03, 0.001), ("training.epochs", 3, 4),
        ("data.train", 150, 140), ("factors.reduction.max.network.reduction", "max", "dilated"),
        ("engine", "reference", "auto"),
    ],
)  # fmt: skip
def test_another_study_in_the_same_folder_is_refused_naming_what_changed(
    key, before, after, characters, plain
):
    folder, _ = plain("reference")
    kept = (folder / DATABASE).read_bytes()
    changed = tables.merge(tiny_study(characters).to_tables(), tables.nest(key, after))
    with pytest.raises(StoreError) as caught:
        run(tiny_study(characters, **changed), folder)
    assert f"{key}: {before!r} there, {after!r} now (use another --out" in str(caught.value)
    assert (folder / DATABASE).read_bytes() == kept


def test_a_level_that_is_new_is_named(characters, plain):
    folder, _ = plain("reference")
    levels = {**tiny_study(characters).factors["reduction"], "plain": {}}
    with pytest.raises(StoreError, match=r"factors\.reduction\.plain"):
        run(tiny_study(characters, factors={"reduction": levels}), folder)


def test_data_that_changed_is_refused(characters, tmp_path, monkeypatch):
    study = tiny_study(characters)
    interrupted(study, tmp_path)
    file = Path(characters.removeprefix("idx:")) / "t10k-images-idx3-ubyte"
    kept = file.read_bytes()
    try:
        file.write_bytes(kept[:-5000] + bytes(5000))
        with pytest.raises(StoreError, match="changed since the first run"):
            run(study, tmp_path)
    finally:
        file.write_bytes(kept)


def interrupted(study, folder, after=StepsTaken, workers=2):
    """Stop a study from where it is watched, as Ctrl-C does, at the first ``after``."""

    def stop(event):
        if isinstance(event, after):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(study, folder, workers=workers, on_event=stop)


@pytest.mark.parametrize(
    ("engine", "after"),
    [
        *(("reference", after) for after in (Started, StepsTaken, EpochEnded, RunEnded)),
        *((engine, after) for engine in ENGINES[1:] for after in (StepsTaken, EpochEnded)),
    ],
)
def test_a_study_that_was_interrupted_is_continued(engine, after, characters, expected, tmp_path):
    """In the middle of a run with every engine, and between two of them."""
    study = tiny_study(characters, engine=engine)
    # The reference engine tells of steps after every ten of them, as many as an epoch has.
    if after is StepsTaken:
        study = tiny_study(characters, engine=engine, training={"batch_size": 4, "epochs": 2}, seeds=[0])
        whole = ran(study, tmp_path / "whole")
    else:
        whole = expected(engine)
    threads = {*threading.enumerate()}
    interrupted(study, tmp_path / "out", after)
    assert {*threading.enumerate()} <= threads
    if after is StepsTaken and engine == "reference":  # an epoch of the other is over by then
        assert not (tmp_path / "out" / "weights").exists(), "workers should stop in the middle of an epoch"
    with Results.open(tmp_path / "out") as results:
        assert not results.complete
    assert ran(study, tmp_path / "out", workers=2) == whole


def fastest(monkeypatch, name):
    """Let "auto" find that one engine is the faster one, however small the network."""
    monkeypatch.setattr(choice, "COMPARED_FROM", 0)
    monkeypatch.setattr(speed, "recall", lambda *_: None)
    monkeypatch.setattr(speed, "steps_per_second", lambda engine, *_: float(engine.name == name))


@pytest.mark.parametrize(("begun", "today"), [("numba", "torch:cpu"), ("torch:cpu", "numba")])
@pytest.mark.parametrize("after", [Started, EpochEnded, RunEnded])
def test_a_study_keeps_the_engine_with_which_it_was_begun(
    begun, today, after, characters, expected, tmp_path, monkeypatch
):
    """To the bit, whichever engine would be found faster today."""
    study = tiny_study(characters, engine="auto")
    fastest(monkeypatch, begun)
    interrupted(study, tmp_path, after)
    fastest(monkeypatch, today)
    begins = after is Started  # nothing was begun that could be gone on with
    assert ran(study, tmp_path, workers=2) == expected(today if begins else begun)


def test_a_study_whose_engine_is_gone_is_not_continued_with_another(characters, tmp_path, monkeypatch):
    study = tiny_study(characters, engine="auto")
    fastest(monkeypatch, "torch:cpu")
    interrupted(study, tmp_path, EpochEnded)
    kept = (tmp_path / DATABASE).read_bytes()
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    with pytest.raises(UnsupportedError) as caught:
        run(study, tmp_path)
    assert str(caught.value) == (
        "tiny: arm 'max': begun with engine 'torch:cpu', which cannot be used here "
        "(continue where it can, or begin anew with another --out)"
    )
    assert (tmp_path / DATABASE).read_bytes() == kept


def test_a_run_that_diverges_is_said_to_and_its_siblings_go_on(engine, characters, tmp_path):
    factors = {"lr": {"good": {}, "huge": {"optimizer": {"rule": "SGD", "lr": 1e30}}}}
    study = tiny_study(characters, engine=engine, factors=factors, control="good")
    results = run(study, tmp_path, workers=2)
    assert results.complete
    assert np.isnan(results.accuracies("huge")).all()
    assert np.isfinite(results.accuracies("good")).all()
    for record in results.of("huge"):
        assert record.status is Status.DIVERGED
        assert (record.test, record.test_accuracy, record.test_loss) == (None, None, None)
        assert record.epochs == len(results.epochs(record.id)) < 3
        assert "no longer finite" in record.message
        last = results.epochs(record.id)[-1]
        assert not (np.isfinite(last.train_loss) and np.isfinite(last.valid_loss))
        assert not path_of(tmp_path, record.id).exists()
        with pytest.raises(StoreError, match="not finished"):
            results.correct(record.id)
    assert results.store.test_openings() == 2
    kept = outcome(results)
    results.close()
    events = []
    assert ran(study, tmp_path, on_event=events.append) == kept
    assert not events


def test_a_test_loss_that_is_not_finite_is_no_result(characters, tmp_path, monkeypatch):
    def poison(session):
        def evaluate(images, labels, **more):
            [found] = measured(images, labels, **more)
            return [replace(found, loss=float("nan")) if len(labels) == TEST else found]

        measured = session.evaluate
        session.evaluate = evaluate

    spoil(monkeypatch, "reference", poison)
    with run(tiny_study(characters, training={"epochs": 1}), tmp_path) as results:
        assert {record.status for record in results.runs} == {Status.DIVERGED}
        assert {record.message for record in results.runs} == {"the loss on the test set is not finite"}
        assert np.isnan(results.accuracies("max")).all()


def failing(monkeypatch, engine, error):
    """Make every run with max pooling raise ``error`` once it has trained."""

    def change(session):
        if session.network.layers[2].kind == "maxpool":
            fail_at_the_end(session, error)

    spoil(monkeypatch, engine, change)


ERRORS = [ValueError("no\nluck"), MemoryError(), SystemExit(0), ShapeError("upstream: 3, expected 4")]


@pytest.mark.parametrize(
    ("engine", "error"),
    [*(("reference", error) for error in ERRORS), *((engine, ERRORS[0]) for engine in ENGINES[1:])],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_run_that_fails_says_why_and_is_trained_again_when_asked(
    engine, error, characters, expected, tmp_path, monkeypatch
):
    study = tiny_study(characters, engine=engine)
    with monkeypatch.context() as patch:
        failing(patch, engine, error)
        with run(study, tmp_path, workers=2) as results:
            assert (results.done, results.complete) == (2, False)
            assert [record.status for record in results.of("average")] == [Status.DONE] * 2
            for record in results.of("max"):
                assert (record.status, record.test, record.epochs) == (Status.FAILED, None, 3)
                assert record.message == f"{type(error).__name__}: {error}".splitlines()[0]
                text = traceback_of(tmp_path, record.id)
                assert text.startswith("Traceback")
                assert "in broken" in text, "where it was raised"
                assert text.rstrip().endswith(str(error))
            assert np.isnan(results.accuracies("max")).all()
            failed = results.of("max")
    events = []
    with run(study, tmp_path, on_event=events.append) as results:
        assert (events, results.of("max")) == ([], failed), "a failed run is left alone"
    assert ran(study, tmp_path, retry_failed=True, on_event=events.append) == expected(engine)
    [started] = [event for event in events if isinstance(event, Started)]
    assert ([*started.failed], started.pending) == (failed, tuple(record.id for record in failed))
    assert not any(isinstance(event, StepsTaken) for event in events), "they go on from their checkpoints"
    assert [*(tmp_path / "failures").iterdir()] == []


def test_a_study_that_is_continued_leaves_failed_runs_alone(characters, tmp_path, monkeypatch):
    """Though there is something to train besides."""
    study = tiny_study(characters)
    with monkeypatch.context() as patch:
        failing(patch, "reference", ValueError("no luck"))
        run(study, tmp_path, first=1).close()
    events = []
    run(study, tmp_path, first=1, on_event=events.append).close()
    assert events == [], "of its first seed nothing is left"
    events = []
    with run(study, tmp_path, on_event=events.append) as results:
        statuses = {record.id: record.status for record in results.runs}
    assert [status for run_id, status in statuses.items() if status is Status.FAILED] == [Status.FAILED]
    assert statuses[RunId("max", 0)] is Status.FAILED
    [started] = [event for event in events if isinstance(event, Started)]
    assert started.pending == (RunId("max", 1), RunId("average", 1))
    assert [record.id for record in started.failed] == [RunId("max", 0)]


def test_what_cannot_say_what_it_is_fails_its_run_alone(characters, tmp_path, monkeypatch):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("not a word")

    failing(monkeypatch, "reference", Mute())
    with run(tiny_study(characters), tmp_path) as results:
        assert {record.message for record in results.of("max")} == {"Mute: its message cannot be written"}
        assert results.done == 2


@pytest.mark.parametrize("where", ["add_epoch", "finish"])
def test_a_store_that_cannot_be_written_ends_the_study(where, characters, expected, tmp_path, monkeypatch):
    """And the study goes on from there when it can be."""
    threads = {*threading.enumerate()}
    with monkeypatch.context() as patch:
        patch.setattr(SQLiteStore, where, raising(StoreError("results.db: cannot be written (disk full)")))
        with pytest.raises(StoreError, match="disk full"):
            run(tiny_study(characters), tmp_path, workers=2)
    assert {*threading.enumerate()} <= threads
    with Results.open(tmp_path) as results:
        assert Status.FAILED not in {record.status for record in results.runs}
    assert ran(tiny_study(characters), tmp_path) == expected("reference")


def test_an_epoch_costs_the_same_whatever_was_stored_before(characters, tmp_path, monkeypatch):
    """Nothing is read from the store between the start and the last end."""
    reads, events = [], []
    read = Database.read

    def counted(database, query, *values, **options):
        reads.append(query)
        return read(database, query, *values, **options)

    def on_event(event):
        if isinstance(event, Started):
            reads.clear()
        events.append((type(event), len(reads)))

    monkeypatch.setattr(Database, "read", counted)
    run(tiny_study(characters, seeds=5), tmp_path, workers=1, on_event=on_event).close()
    kinds = [kind for kind, _ in events]
    assert (kinds.count(EpochEnded), kinds.count(RunEnded)) == (30, 10)
    assert {count for _, count in events[1:]} == {0}


def test_workers_or_an_executor(characters, tmp_path):
    with pytest.raises(UsageError, match="found both, expected one"):
        run(tiny_study(characters), tmp_path / "out", workers=2, executor=Threads(2))
    assert not (tmp_path / "out").exists()


def test_a_damaged_checkpoint_is_not_passed_over(characters, expected, tmp_path):
    study = tiny_study(characters)
    interrupted(study, tmp_path, EpochEnded)
    [damaged, *_] = (tmp_path / "weights").glob("*.part.safetensors")
    damaged.write_bytes(damaged.read_bytes()[:-40])
    kept = damaged.read_bytes()
    for _ in range(2):
        with pytest.raises(
            StoreError, match="remove it, and the run starts again from its first epoch"
        ) as caught:
            run(study, tmp_path)
        assert str(damaged) in str(caught.value)
        assert damaged.read_bytes() == kept
    damaged.unlink()
    assert ran(study, tmp_path) == expected("reference")


@pytest.mark.parametrize("stranger", [RunId("average", 0), RunId("max", 1)])
def test_a_checkpoint_of_another_run_is_refused(stranger, characters, tmp_path):
    study = tiny_study(characters)
    interrupted(study, tmp_path, EpochEnded, workers=1)
    first = path_of(tmp_path, RunId("max", 0), unfinished=True)
    path_of(tmp_path, stranger, unfinished=True).write_bytes(first.read_bytes())
    with pytest.raises(StoreError, match=r"belongs to (arm 'max'|seed 0), expected"):
        run(study, tmp_path)


def test_two_runs_at_once_are_one_too_many(characters, tmp_path):
    study = tiny_study(characters)
    with folder_lock(tmp_path), pytest.raises(StoreError, match="already at work here"):
        run(study, tmp_path)
    ran(study, tmp_path)


def test_two_processes_at_once_are_one_too_many(tmp_path):
    code = "import sys; from pathlib import Path; from assay.store.lock import folder_lock\n"
    code += "with folder_lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match="already at work here"), folder_lock(tmp_path):
            pass
        other.kill()
        other.wait()
        with folder_lock(tmp_path):
            pass


def test_one_may_read_while_another_writes(characters, expected, tmp_path):
    """Every epoch and run that was announced is there, and what is there is whole."""
    seen = []

    def read(event):
        if isinstance(event, Loading):
            return
        with Results.open(tmp_path) as results:
            statuses = {record.id: record.status for record in results.runs}
            if isinstance(event, EpochEnded):
                assert event.record in results.epochs(event.run)
            if isinstance(event, RunEnded):
                assert statuses[event.record.id] is Status.DONE
                assert results.correct(event.record.id).sum() == event.record.test.correct
            for run_id, status in statuses.items():
                assert status is not Status.DONE or len(results.epochs(run_id)) == 3
        seen.append(type(event))

    assert ran(tiny_study(characters), tmp_path, workers=2, on_event=read) == expected("reference")
    assert seen.count(EpochEnded) == 12
    assert seen.count(RunEnded) == 4
    assert seen[0] is Started


def test_a_reader_in_its_own_time_gets_in_nobodys_way(characters, expected, tmp_path):
    stop, reads, errors = threading.Event(), [], []

    def reader():
        while not stop.is_set():
            try:
                with Results.open(tmp_path) as results:
                    reads.append(sum(len(results.epochs(record.id)) for record in results.runs))
            except StoreError as error:
                errors.append(str(error))

    thread = threading.Thread(target=reader)
    thread.start()
    try:
        assert ran(tiny_study(characters), tmp_path, workers=2) == expected("reference")
    finally:
        stop.set()
        thread.join()
    assert reads == sorted(reads)
    assert all("no results here" in error for error in errors)


def test_a_folder_that_is_a_file_is_refused(characters, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(StoreError, match="is a file, expected a folder"):
        run(tiny_study(characters), tmp_path / "out")


@pytest.mark.parametrize("count", [0, -1, 10_000])
def test_a_number_of_workers_that_cannot_be_is_refused(count, characters, tmp_path):
    with pytest.raises(UsageError, match=rf"workers must be 1\.\.1024; got {count}"):
        run(tiny_study(characters), tmp_path / "out", workers=count)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_a_folder_that_cannot_be_is_refused(name, characters, tmp_path):
    with pytest.raises(StoreError, match="cannot be made"):
        run(tiny_study(characters), tmp_path / name)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path_factory):
    folder = tmp_path_factory.mktemp("closed")
    folder.chmod(0o555)
    receive, send = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=run_as_nobody, args=(str(folder), send))
    process.start()
    process.join()
    assert receive.poll()
    assert receive.recv().startswith(f"'{folder}/out': cannot be made (Permission denied")


def test_a_stranger_in_the_folder_is_refused(characters, tmp_path):
    (tmp_path / DATABASE).write_bytes(b"not a database, but long enough to be looked at: " * 40)
    with pytest.raises(StoreError, match=rf"{tmp_path}/{DATABASE}: .*not a database"):
        run(tiny_study(characters), tmp_path)


def test_integrity(plain):
    folder, _ = plain("reference")
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
