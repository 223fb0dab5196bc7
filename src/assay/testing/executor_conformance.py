"""The tests that every executor passes, to be run on one's own.

With pytest, a subclass is all there is to write::

    class TestThreads(ExecutorConformance):
        make = Threads
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from assay.data import load
from assay.engines.base import State
from assay.errors import StoreError
from assay.records.runs import RunId
from assay.running.events import Compiling, StepsTaken
from assay.running.executor import Executor
from assay.running.messages import Begun, Context, EpochTrained, Failed, Finished, Message, Task
from assay.running.plan import make_plan
from assay.running.worker import work
from assay.study.study import Study
from assay.testing.conformance import expect
from assay.training.train import Progress

EPOCHS = 2
ARMS = ("one", "two")
TIMES = {"seconds", "steps_per_second", "evaluation_seconds"}
TIMES |= {"seconds_per_epoch", "evaluation_seconds_per_epoch"}
"""Fields that differ between two runs of the same."""


class ExecutorConformance:
    """Tests of the contract of `assay.running.executor.Executor`; a subclass gives a way to make one.

    They train two small networks on a hundred drawn characters, with the reference engine.
    """

    make: Callable[[int], Executor]
    """Returns an executor that trains this many tasks at once; a function has to be a staticmethod."""

    def test_every_run_ends_once(self) -> None:
        """Each run is begun, trained epoch by epoch and ended, in this order."""
        tasks = _tasks(range(2))
        for at_once in (1, 3):
            told = self._told(at_once, tasks)
            for run, messages in told.items():
                begun, *middle, last = (type(message) for message in messages if not _is_steps(message))
                expect(begun is Begun, f"{run}: begins with {begun.__name__}, expected Begun")
                expect(middle == [EpochTrained] * EPOCHS, f"{run}: {middle}, expected {EPOCHS} EpochTrained")
                expect(last is Finished, f"{run}: ends with {last.__name__}, expected Finished")
                epochs = [_epoch(message) for message in messages if isinstance(message, EpochTrained)]
                expect(epochs == [*range(1, EPOCHS + 1)], f"{run}: epochs come as {epochs}")
                expect(any(map(_is_steps, messages)), f"{run}: its steps are not reported")
            runs = {run for task in tasks for run in task.runs}
            expect(told.keys() == runs, f"ran {sorted(map(str, told))}")

    def test_it_brings_what_a_worker_brings(self) -> None:
        """The messages of a run are those of `work`, bit for bit; times apart."""
        tasks = _tasks(range(2))
        told = self._told(2, tasks)
        for task in tasks:
            for run, expected in _by_run(_alone(task)).items():
                expect(plain(told[run]) == plain(expected), f"{run}: comes out as something else")

    def test_a_run_is_continued_bit_for_bit(self) -> None:
        """From any epoch on, it comes to the end that it would have come to."""
        [task] = _tasks([0], ARMS[:1])
        messages = _alone(task)
        for middle in (message for message in messages if isinstance(message, EpochTrained)):
            rest = self._told(1, [replace(task, progress=middle.progress)])[task.runs[0]]
            trained = sum(isinstance(message, EpochTrained) for message in rest)
            expect(trained == EPOCHS - _epoch(middle), f"{trained} epochs after {_epoch(middle)}")
            expect(plain(rest[-1]) == plain(messages[-1]), f"another end from epoch {_epoch(middle)} on")

    def test_a_task_is_taken_when_a_worker_is_free(self) -> None:
        """And by the thread that iterates."""
        taken: list[int] = []
        ended = 0
        for message in self._run(2, _counted(_tasks(range(2)), taken)):
            ended += isinstance(message, Finished)
            expect(len(taken) <= 2 + ended, f"{len(taken)} taken, {ended} ended, 2 at once")
        expect({*taken} == {threading.get_ident()}, "a task was taken by another thread")

    def test_an_error_costs_its_run_alone(self) -> None:
        """A run that cannot be trained is told as failed, with a traceback; the others go on."""
        good, strange, spoilt, more = _tasks(range(2))
        strange = replace(strange, data="another data set")
        spoilt = replace(spoilt, progress=(Progress(State({}, {})),))
        told = self._told(2, [good, strange, spoilt, more])
        for task in (good, more):
            expect(isinstance(told[task.runs[0]][-1], Finished), f"{task.runs[0]} did not go on")
        for task in (strange, spoilt):
            *_, last = told.get(task.runs[0], [None])
            expect(isinstance(last, Failed), f"{task.runs[0]}: {last}, expected Failed")
            if isinstance(last, Failed):
                expect(len(last.message.splitlines()) == 1, f"{last.message!r} is not one line")
                expect(last.traceback.startswith("Traceback"), f"{last.traceback!r} is no traceback")

    def test_what_making_a_task_raises_is_raised(self) -> None:
        """The error ends the study."""

        def tasks() -> Iterator[Task]:
            yield _tasks([0])[0]
            raise StoreError("a damaged checkpoint")

        try:
            for _ in self._run(1, tasks()):
                pass
        except StoreError:
            return
        expect(False, "what was raised by the tasks was lost")

    def test_closing_it_ends_the_work(self) -> None:
        """After an epoch, before the first step and in the middle; afterwards it can be run again."""
        for kind, at_once in ((EpochTrained, 1), (Begun, 1), (StepsTaken, 2)):
            executor = self.make(at_once)
            taken: list[int] = []
            with closing(executor.run(_context(), _counted(_tasks(range(9)), taken))) as messages:
                next(message for message in messages if isinstance(message, kind))
            expect(len(taken) < 18, "all was trained, though it was closed")
            expect(next(messages, None) is None, "a message came after it was closed")
        told = [*executor.run(_context(), _tasks([0], ARMS[:1]))]
        expect(sum(isinstance(message, Finished) for message in told) == 1, "it cannot be run again")

    def test_nothing_to_do(self) -> None:
        """Without tasks there are no messages."""
        expect([*self._run(2, [])] == [], "there were messages")

    def test_messages_are_plain_data_and_stay_as_they_are(self) -> None:
        """Dataclasses, numbers, text and arrays, which what is trained later does not change."""
        kept = [(message, plain(message)) for message in self._run(2, _tasks(range(2)))]
        for message, before in kept:
            expect(plain(message) == before, f"{message} was changed after it was yielded")

    def _run(self, at_once: int, tasks: Iterable[Task]) -> Iterator[Message]:
        executor = self.make(at_once)
        expect(executor.at_once == at_once, f"at_once is {executor.at_once}, expected {at_once}")
        with closing(executor.run(_context(), tasks)) as messages:
            yield from messages

    def _told(self, at_once: int, tasks: Iterable[Task]) -> dict[RunId, list[Message]]:
        return _by_run(self._run(at_once, tasks))


def plain(value: Any) -> Any:
    """Return what a message says as text and bytes that can be compared bit for bit, times left out.

    Raises AssertionError for what is not plain data.
    """
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if field.name not in TIMES]
        return type(value).__name__, [(name, plain(getattr(value, name))) for name in names]
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return [(key, plain(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    expect(value is None or isinstance(value, str | int | float), f"{value!r} is no plain data")
    return repr(value)


@cache
def _context() -> Context:
    tables = {
        "name": "conformance",
        "question": "Does an executor keep its contract?",
        "network": {"family": "ConvBlocks", "layers": 1, "filters": 2},
        "optimizer": {"rule": "Adam", "lr": 0.01},
        "training": {"batch_size": 8, "epochs": EPOCHS},
        "data": {"source": "glyphs", "train": 100, "valid": 47, "test": 47},
        "engine": "reference",
        "factors": {"filters": {arm: {"network": {"filters": 1 + n}} for n, arm in enumerate(ARMS)}},
    }
    study = Study.from_tables(tables, "conformance")
    data = load(study.data)
    return Context(make_plan(study, data), data)


def _tasks(seeds: Iterable[int], arms: Iterable[str] = ARMS) -> list[Task]:
    digest = _context().data.digest
    return [Task(arm, (seed,), "reference", digest, (None,)) for seed in seeds for arm in arms]


def _counted(tasks: Iterable[Task], taken: list[int]) -> Iterator[Task]:
    """Yield tasks, noting by which thread each was taken."""
    for task in tasks:
        taken.append(threading.get_ident())
        yield task


def _alone(task: Task) -> list[Message]:
    """Return what a worker in this thread tells of a task."""
    messages: list[Message] = []
    work(_context(), task, messages.append)
    return messages


def _epoch(message: EpochTrained) -> int:
    return message.progress[0].history[-1].epoch


def _is_steps(message: Message) -> bool:
    return isinstance(message, StepsTaken)


def _by_run(messages: Iterable[Message]) -> dict[RunId, list[Message]]:
    found: dict[RunId, list[Message]] = {}
    for message in messages:
        for run in _runs(message):
            found.setdefault(run, []).append(message)
    return found


def _runs(message: Message) -> tuple[RunId, ...]:
    match message:
        case Begun() | EpochTrained():
            return tuple(row.id for row in message.rows)
        case Compiling():
            return ()
        case StepsTaken() | Failed():
            return (message.run,)
        case Finished():
            return (message.row.id,)
