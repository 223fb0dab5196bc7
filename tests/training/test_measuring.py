"""What an epoch's figures are of, what the run's last ones are of, and whose time is whose."""

import json
import socket
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import TRAIN, VALID, outcome, tiny_study

from assay.data import Dataset, Split, load
from assay.engines.base import State
from assay.engines.reference import ReferenceEngine
from assay.errors import StoreError, StudyError
from assay.records.metrics import METRICS
from assay.results import Results
from assay.running.events import EpochEnded
from assay.running.plan import make_plan
from assay.running.run import run
from assay.store import SQLiteStore
from assay.store.digests import TABLES
from assay.store.lookup import DATABASE
from assay.store.migrations import VERSION
from assay.store.weights import load_weights, path_of


def data_of(labels, valid, seed):
    def split(values):
        values = np.asarray(values, np.int64)
        return Split(np.arange(len(values), dtype=np.uint8)[:, None, None], values)

    classes = tuple("abcd")
    return Dataset("x", classes, split(labels), split([0] * valid), split([0]), False, "", seed)


labels = st.lists(st.integers(0, 3), min_size=2, max_size=200)


@given(labels, st.integers(1, 250), st.integers(0, 2**63 - 1))
def test_a_sample_is_as_large_as_validation_and_keeps_every_class_its_share(labels, valid, seed):
    data = data_of(labels, valid, seed)
    sample = data.sample
    assert len(sample) == min(valid, len(labels))
    assert len(np.unique(sample.images)) == len(sample), "no image twice"
    assert np.array_equal(sample.labels, np.array(labels)[sample.images.ravel()]), "each with its label"
    exact = np.bincount(labels, minlength=4) * len(sample) / len(labels)
    assert np.all(np.abs(np.bincount(sample.labels, minlength=4) - exact) < 1)
    again = data_of(labels, valid, seed).sample
    assert np.array_equal(again.images, sample.images)


def test_another_split_seed_draws_another_sample():
    drawn = {data_of([0] * 100, 30, seed).sample.images.tobytes() for seed in range(5)}
    assert len(drawn) == 5


def evaluated(results, record, split):
    """Return the accuracy of a run's stored weights."""
    data = load(results.study.data)
    plan = make_plan(results.study, data)
    job = plan.cohort(record.arm).job((record.seed,))
    weights, state = load_weights(path_of(results.folder, record.id)), job.start()[0].state
    best = State({name: weights[name] for name in state.parameters}, state.slots)
    (found,) = job.session([best]).evaluate(*(getattr(split(data), key) for key in ("images", "labels")))
    return found.accuracy


@pytest.fixture(scope="module")
def sampled(characters, tmp_path_factory):
    with run(tiny_study(characters), tmp_path_factory.mktemp("sampled")) as results:
        yield results


@pytest.fixture(scope="module")
def whole(characters, tmp_path_factory):
    study = tiny_study(characters, training={"measure": "all"})
    with run(study, tmp_path_factory.mktemp("whole")) as results:
        yield results


def test_a_runs_figures_are_of_all_images_and_its_epochs_of_the_sample(sampled):
    for record in sampled.runs:
        assert record.train_best == evaluated(sampled, record, lambda data: data.train)
        at_best = sampled.epochs(record.id)[record.best_epoch - 1]
        assert at_best.train_accuracy == evaluated(sampled, record, lambda data: data.sample)


def test_either_way_the_runs_come_out_alike(sampled, whole):
    """Measuring changes no weight, and the figures at the end are those of all images both times."""
    for one, other in zip(sampled.runs, whole.runs, strict=True):
        for key in ("train_best", "train_final", "valid_best", "valid_final", "test", "best_epoch"):
            assert getattr(one, key) == getattr(other, key)
        last = whole.epochs(other.id)[-1]
        assert (last.train_accuracy, last.epoch) == (other.train_final, other.epochs)


def test_killed_before_the_end_was_measured_a_run_is_measured_when_continued(characters, tmp_path, sampled):
    study = tiny_study(characters)

    def stop(event):
        if isinstance(event, EpochEnded) and event.record.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(study, tmp_path, workers=1, on_event=stop)
    with run(study, tmp_path) as results:
        assert outcome(results) == outcome(sampled)


def test_claims_on_time_are_of_training_alone(sampled):
    (record, *_) = sampled.runs
    history = sampled.epochs(record.id)
    training = np.mean([epoch.seconds for epoch in history])
    assert METRICS["seconds_per_epoch"].value(record) == pytest.approx(training)
    for epoch in history:
        assert epoch.seconds * epoch.steps_per_second == pytest.approx(-(-TRAIN // 16))
    assert record.evaluation_seconds_per_epoch > np.mean([e.evaluation_seconds for e in history])
    slower = replace(record, evaluation_seconds_per_epoch=1000.0)
    times = [name for name, metric in METRICS.items() if metric.margin == "time"]
    assert all(METRICS[name].value(slower) == METRICS[name].value(record) for name in times)


def test_every_run_names_its_processor_and_its_machine(sampled):
    assert {record.processor for record in sampled.runs} == {ReferenceEngine().processor}
    assert {record.host for record in sampled.runs} == {socket.gethostname()}


def test_how_epochs_are_measured_is_no_levels(characters):
    levels = {"measure": {"a": {"training": {"measure": "all"}}, "b": {"training": {"measure": "sample"}}}}
    with pytest.raises(StudyError, match=r"training\.measure is the same for all arms"):
        tiny_study(characters, factors=levels)


def make_old(folder):
    """Write a store of format 2: no new columns, evaluation in the seconds, no word of measuring."""
    with closing(sqlite3.connect(folder / DATABASE)) as file, file:
        file.execute("UPDATE epoch SET seconds = seconds + evaluation_seconds")
        file.execute("ALTER TABLE epoch DROP COLUMN evaluation_seconds")
        for column in (
            "train_best", "train_final", "evaluation_seconds_per_epoch", "processor", "temperature",
            "calibration_error", "host",
        ):  # fmt: skip
            file.execute(f"ALTER TABLE run DROP COLUMN {column}")
        for table in TABLES:
            file.execute(f"ALTER TABLE {table} DROP COLUMN digest")
        (text,) = file.execute("SELECT value FROM header WHERE key = 'study'").fetchone()
        study = json.loads(text)
        del study["training"]["measure"]
        file.execute("UPDATE header SET value = ? WHERE key = 'study'", (json.dumps(study),))
        file.execute("PRAGMA user_version = 2")


@pytest.fixture
def old(characters, tmp_path):
    """A folder of before, and its study's file as it was then."""
    unsaid = tiny_study(characters)
    run(tiny_study(characters, training={"measure": "all"}), tmp_path).close()
    make_old(tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as file, file:
        file.execute("UPDATE header SET value = ? WHERE key = 'digest'", (json.dumps(unsaid.digest),))
    return tmp_path, unsaid


def test_an_old_store_is_read_as_it_is_and_migrated_when_written(old, whole):
    folder, _ = old
    with closing(sqlite3.connect(folder / DATABASE)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = (folder / DATABASE).read_bytes()
    with Results.open(folder) as results:
        first = outcome(results)
        assert results.study.arms[0].settings.recipe.measure == "all"
        unknown = {"host": None, "processor": None, "temperature": None, "calibration_error": None}
        assert {key: replace(v, **unknown) if hasattr(v, "processor") else v
                for key, v in outcome(whole).items()} == first  # fmt: skip
        for record in results.runs:
            for epoch in results.epochs(record.id):
                assert epoch.seconds * epoch.steps_per_second == pytest.approx(-(-TRAIN // 16))
                assert epoch.evaluation_seconds > 0
    assert (folder / DATABASE).read_bytes() == before
    SQLiteStore.open(folder / DATABASE, write=True).close()
    with closing(sqlite3.connect(folder / DATABASE)) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (VERSION,)
    with Results.open(folder) as results:
        assert outcome(results) == first


def test_an_old_store_is_continued_with_the_same_file(old, characters, whole):
    folder, unsaid = old
    with closing(sqlite3.connect(folder / DATABASE)) as file, file:
        for table in ("run", "epoch", "layer", "answer", "test_opening"):
            file.execute(f"DELETE FROM {table} WHERE seed = 1")
    with run(unsaid, folder) as results:
        assert results.complete
        for found, expected in zip(results.runs, whole.runs, strict=True):
            kept = found.seed == 0  # its run is of the old store, which knew no temperature
            assert (found.temperature is None) == kept
            assert replace(found, processor=None, host=None) == replace(
                expected,
                processor=None,
                host=None,
                temperature=None if kept else expected.temperature,
                calibration_error=None if kept else expected.calibration_error,
                seconds_per_epoch=found.seconds_per_epoch,
                steps_per_second=found.steps_per_second,
                evaluation_seconds_per_epoch=found.evaluation_seconds_per_epoch,
            )
    run(tiny_study(characters, training={"measure": "all"}), folder).close()
    with pytest.raises(StoreError, match=r"training\.measure: 'all' there, 'sample' now"):
        run(tiny_study(characters, training={"measure": "sample"}), folder)


def test_runs_of_another_measure_are_not_taken_over(characters, tmp_path, sampled, whole):
    study = tiny_study(characters, question="Once more?")
    steps = []
    run(study, tmp_path / "a", reuse=[whole.folder], on_event=steps.append).close()
    assert any(isinstance(event, EpochEnded) for event in steps)
    steps.clear()
    run(study, tmp_path / "b", reuse=[sampled.folder], on_event=steps.append).close()
    assert not any(isinstance(event, EpochEnded) for event in steps)
    assert VALID < TRAIN
