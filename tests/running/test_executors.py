"""Executors keep their contract, and a study comes out the same with each, bit for bit."""

import threading
import time
from contextlib import suppress
from dataclasses import replace

import pytest
from executors import Pickled
from patience import eventually
from sabotage import fail_at_the_end, spoil
from tiny import outcome, tiny_study

from assay.errors import StoreError
from assay.records.runs import Status
from assay.results import Results
from assay.running.events import EpochEnded, StepsTaken
from assay.running.messages import EpochTrained, Failed
from assay.running.processes import Processes
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


class Greedy(Threads):
    """Takes all tasks at once."""

    def run(self, context, tasks):
        return super().run(context, [*tasks])


class Quiet(Threads):
    """Says nothing of runs that failed."""

    def run(self, context, tasks):
        return (message for message in super().run(context, tasks) if not isinstance(message, Failed))


class Anew(Threads):
    """Begins every run from its first epoch."""

    def run(self, context, tasks):
        return super().run(context, (replace(task, progress=(None,)) for task in tasks))


class Twice(Threads):
    """Trains every task again."""

    def run(self, context, tasks):
        return super().run(context, (task for task in tasks for _ in range(2)))


class Swallowing(Threads):
    """Takes an error for the end."""

    def run(self, context, tasks):
        with suppress(StoreError):
            yield from super().run(context, tasks)


class Overwriting(Threads):
    """Changes what it has yielded."""

    def run(self, context, tasks):
        for message in super().run(context, tasks):
            yield message
            if isinstance(message, EpochTrained):
                message.progress[0].history.clear()


BROKEN = {
    Greedy: "test_a_task_is_taken_when_a_worker_is_free",
    Quiet: "test_an_error_costs_its_run_alone",
    Anew: "test_a_run_is_continued_bit_for_bit",
    Twice: "test_every_run_ends_once",
    Swallowing: "test_what_making_a_task_raises_is_raised",
    Overwriting: "test_messages_are_plain_data_and_stay_as_they_are",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_executor_fails(kind):
    conformance = ExecutorConformance()
    conformance.make = kind
    with pytest.raises(AssertionError):
        getattr(conformance, BROKEN[kind])()


@pytest.fixture(scope="module")
def expected(characters, tmp_path_factory):
    with run(tiny_study(characters), tmp_path_factory.mktemp("plain"), workers=1) as results:
        return outcome(results)


@pytest.mark.parametrize("kind", [Threads, Pickled, Processes])
def test_a_study_is_the_same_with_every_executor(kind, characters, expected, tmp_path):
    """Also one that was stopped after an epoch."""

    def stop(event):
        if isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tiny_study(characters), tmp_path, executor=kind(2), on_event=stop)
    with run(tiny_study(characters), tmp_path, executor=kind(2)) as results:
        assert outcome(results) == expected


def test_an_interrupt_in_a_worker_is_one_of_the_study(characters, tmp_path, monkeypatch):
    threads = {*threading.enumerate()}
    with monkeypatch.context() as patch:
        spoil(patch, "reference", lambda session: fail_at_the_end(session, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            run(tiny_study(characters), tmp_path, workers=2)
    assert {*threading.enumerate()} <= threads
    with Results.open(tmp_path) as results:
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
            assert eventually(lambda: len(begun) >= 2)
            time.sleep(0.5)  # enough to train to the end
            seen.append([*begun])

    spoil(monkeypatch, "reference", change)
    study = tiny_study(characters, training={"epochs": 9})
    run(study, tmp_path, workers=1, on_event=on_event).close()
    assert seen == [[1, 2]]


def test_a_layer_cannot_catch_what_stops_it():
    assert not issubclass(Stopped, Exception)
