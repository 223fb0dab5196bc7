"""What a task that is tried again still has to do, by every order of messages and losses."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import ENGINES

from assay.engines.base import State
from assay.records.runs import EpochRecord, LayerRecord, RunId, RunRecord, Status
from assay.running.cluster import ray_executor
from assay.running.cluster.attempts import MOST, Attempt, only_new
from assay.running.cluster.ray_executor import _Pool
from assay.running.cluster.wires import Closed, Lost
from assay.running.messages import Begun, EpochTrained, Failed, Finished, Task
from assay.running.pool import keep_busy
from assay.training.train import Progress

EPOCHS = 3


def record(run, epochs):
    return RunRecord(
        run.arm, run.seed, Status.RUNNING, ENGINES[0], 1, 1, 0, "computed", epochs=epochs
    )  # fmt: skip


def progress(epochs):
    found = Progress(State({}, {}))
    found.history = [EpochRecord(epoch, 1.0, 0.5, 1.0, 0.5, 1.0, 1.0) for epoch in range(1, epochs + 1)]
    found.layers = [LayerRecord(epoch, "linear", *[0.5] * 7) for epoch in range(epochs + 1)]
    return found


def epochs_of(found):
    return len(found.history) if found else 0


def told_of(task):
    """Yield what a worker tells of a task."""
    yield Begun(tuple(record(run, epochs_of(now)) for run, now in zip(task.runs, task.progress, strict=True)))
    for epoch in range(1 + min(map(epochs_of, task.progress), default=0), EPOCHS + 1):
        yield EpochTrained(
            tuple(record(run, epoch) for run in task.runs), (progress(epoch),) * len(task.seeds)
        )
    for run in task.runs:
        yield Finished(record(run, EPOCHS))


@dataclass
class Wires:
    """Streams that break where they are told to; a broken one goes on to send, to nobody."""

    breaks: list[str]
    open: dict = field(default_factory=dict)
    count: int = 0

    def start(self, sent, data, task, every, node, kind):
        self.count += 1
        self.open[self.count] = map(only_new, told_of(task))
        return self.count

    def wait(self, seconds):
        number = min(self.open)
        if self.breaks and (how := self.breaks.pop()):
            del self.open[number]
            return [(number, Lost("it is gone", node=how != "worker", begun=how != "unschedulable"))]
        message = next(self.open[number], None)
        if message is None:
            del self.open[number]
            return [(number, Closed())]
        return [(number, message)]

    def stop(self):
        self.open.clear()


class Somewhere:
    id = "a"


class OneNode:
    """With room for two tasks."""

    kinds, known, slots = ["CPU"], {"a": Somewhere()}, 2

    def slots_of(self, kind):
        return self.slots

    def look(self, wait=0.0):
        pass

    def forget(self, node):
        pass

    def free(self, kind, busy):
        return self.known["a"] if busy.total() < self.slots else None


def pool(breaks, monkeypatch):
    made = object.__new__(_Pool)
    made.sent, made.data, made.nodes = None, None, OneNode()
    made.wires, made.trying, made.waiting, made.heard = Wires(breaks), {}, [], 0.0
    monkeypatch.setattr(ray_executor, "monotonic", lambda: 0.0)
    return made


@settings(deadline=None, max_examples=500)
@given(
    tasks=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    breaks=st.lists(st.sampled_from(["", "", "worker", "node", "unschedulable"]), max_size=40),
)
def test_every_run_ends_once_and_every_epoch_comes_once(tasks, breaks):
    with pytest.MonkeyPatch.context() as patch:
        made = pool([*breaks], patch)
        waiting = [
            Task(f"arm{index}", (*range(count),), "numba", "digest", (None,) * count)
            for index, count in enumerate(tasks)
        ]
        epochs, ends = {}, {}
        for message in keep_busy(made, waiting):
            match message:
                case EpochTrained():
                    for row, told in zip(message.rows, message.progress, strict=True):
                        epochs.setdefault(row.id, []).append(row.epochs)
                        assert told == progress(row.epochs)
                case Finished():
                    ends.setdefault(message.row.id, []).append("finished")
                case Failed():
                    ends.setdefault(message.run, []).append("failed")
        runs = {RunId(f"arm{index}", seed) for index, count in enumerate(tasks) for seed in range(count)}
        assert ends.keys() == runs
        for run, how in ends.items():
            assert len(how) == 1
            came = epochs.get(run, [])
            assert came == [*range(1, len(came) + 1)]
            assert how == ["failed"] or len(came) == EPOCHS
        if not {"worker", "node"} & {*breaks}:
            assert {how[0] for how in ends.values()} == {"finished"}


def test_a_task_that_no_worker_survives_fails_and_says_how_often():
    attempt = Attempt(Task("a", (0, 1), "numba", "digest", (None, None)))
    for _ in range(MOST - 1):
        assert not attempt.hopeless
        attempt = attempt.again()
    assert attempt.hopeless
    failed = attempt.given_up("killed")
    assert [message.run.seed for message in failed] == [0, 1]
    assert failed[0].message == "its worker was lost 3 times without an epoch in between (killed)"


def test_an_epoch_makes_it_worth_trying_again():
    attempt = Attempt(Task("a", (0,), "numba", "digest", (None,))).again().again()
    after = attempt.after(EpochTrained((record(RunId("a", 0), 1),), (progress(1),)))
    assert attempt.hopeless
    assert not after.hopeless
    assert epochs_of(after.task.progress[0]) == 1


class Gone(OneNode):
    """No node at first, while nothing is under way."""

    slots, looks = 0, 0

    def look(self, wait=0.0):
        self.looks += 1
        self.slots = 2 if self.looks > 3 else 0


def test_tasks_wait_for_a_node_where_there_is_none(monkeypatch):
    made = pool([], monkeypatch)
    made.nodes, made.wires.wait = Gone(), lambda seconds: Wires.wait(made.wires, 0) if made.wires.open else []
    tasks = [Task("arm", (seed,), "numba", "digest", (None,)) for seed in range(3)]
    ended = [message.row.id.seed for message in keep_busy(made, tasks) if isinstance(message, Finished)]
    assert sorted(ended) == [0, 1, 2]
