"""Executors keep their contract, and a study comes out the same with each, bit for bit."""

import threading
import time
from contextlib import closing

import pytest
from executors import Pickled, Processes
from sabotage import fail_at_the_end, spoil
from tiny import outcome, tiny_study

from assay.records.runs import Status
from assay.results import Results
from assay.running.events import EpochEnded, StepsTaken
from assay.running.run import run
from assay.running.threads import Threads
from assay.running.worker import Stopped
from assay.testing import ExecutorConformance


class TestThreads(ExecutorConformance):
    make = Threads


class TestPickled(ExecutorConformance):
    make = Pickled


class TestProcesses(ExecutorConformance):
    make = Processes


@pytest.fixture(scope="module")
def expected(characters, tmp_path_factory):
    with closing(run(tiny_study(characters), tmp_path_factory.mktemp("plain"), workers=1)) as results:
        return outcome(results)


@pytest.mark.parametrize("kind", [Threads, Pickled, Processes])
def test_a_study_is_the_same_with_every_executor(kind, characters, expected, tmp_path):
    """Also one that was stopped after an epoch."""

    def stop(event):
        if isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tiny_study(characters), tmp_path, executor=kind(2), on_event=stop)
    with closing(run(tiny_study(characters), tmp_path, executor=kind(2))) as results:
        assert outcome(results) == expected


def test_an_interrupt_in_a_worker_is_one_of_the_study(characters, tmp_path, monkeypatch):
    threads = threading.active_count()
    with monkeypatch.context() as patch:
        spoil(patch, "reference", lambda session: fail_at_the_end(session, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            run(tiny_study(characters), tmp_path, workers=2)
    assert threading.active_count() == threads
    with closing(Results.open(tmp_path)) as results:
        assert Status.FAILED not in {record.status for record in results.runs}


def test_a_slow_driver_holds_workers_up(characters, tmp_path, monkeypatch):
    """So that states do not pile up: two messages of a worker wait, of one epoch, and one more is to come."""
    begun, seen = [], []

    def change(session):
        def train_epoch(images, labels, epoch, on_steps):
            begun.append(epoch)
            trained(images, labels, epoch, on_steps)

        trained = session.train_epoch
        session.train_epoch = train_epoch

    def on_event(event):
        if isinstance(event, StepsTaken) and not seen:
            time.sleep(0.5)  # enough to train to the end
            seen.append([*begun])

    spoil(monkeypatch, "reference", change)
    study = tiny_study(characters, training={"epochs": 9})
    run(study, tmp_path, workers=1, on_event=on_event).close()
    assert seen == [[1, 2]]


def test_a_layer_cannot_catch_what_stops_it():
    assert not issubclass(Stopped, Exception)
