"""Each task asks for what its arm's engine needs, and both GPUs and processors are kept busy."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import UnsupportedError
from assay.records.runs import RunId, RunRecord, Status
from assay.running.cluster import members, ray_executor
from assay.running.cluster.members import Member, Members
from assay.running.cluster.ray_executor import _Pool
from assay.running.cluster.software import Facts
from assay.running.cluster.wires import Closed, Lost
from assay.running.messages import Finished, Task
from assay.running.pool import keep_busy

ENGINES = {"CPU": "numba", "GPU": "torch:cuda"}
KINDS = {engine: kind for kind, engine in ENGINES.items()}


def facts_of(host, engines, **software):
    return Facts(host, "a processor", {"numpy": "2", **software}, frozenset(engines))


@pytest.fixture
def nodes(monkeypatch):
    """Return what makes the members of a cluster whose nodes say of themselves what is given."""
    monkeypatch.setattr(members, "facts", lambda engines: facts_of("driver", ()))

    def make(*there, engines=("numba", "torch:cuda"), most=None):
        found = Members(sorted(engines), most)
        for resources, facts in there:
            answers = {facts.host: facts}
            monkeypatch.setattr(members, "ray", lambda answers=answers: Answering(answers))
            found._hear(facts.host, facts.host, found._room(resources))
        return found

    return make


class Answering:
    """Ray, as far as it gives the answers of nodes."""

    def __init__(self, answers):
        self.get = answers.__getitem__

    class exceptions:
        NodeDiedError = TaskUnschedulableError = RayError = OSError


def test_a_node_takes_tasks_by_what_it_has(nodes):
    both = nodes(
        ({"CPU": 4.0}, facts_of("small", ["numba"])),
        ({"CPU": 2.0, "GPU": 3.0}, facts_of("large", ENGINES.values())),
    )
    assert {node.id: node.room for node in both.known.values()} == {
        "small": {"CPU": 4, "GPU": 0},
        "large": {"CPU": 2, "GPU": 3},
    }
    assert both.slots == 9
    assert both.free("GPU", Counter()).id == "large"
    assert both.free("CPU", Counter()).id == "small"
    assert both.free("GPU", Counter({("large", "GPU"): 3})) is None
    assert nodes(({"CPU": 4.0}, facts_of("small", ["numba"])), engines=["numba"]).slots == 4


def test_a_node_whose_gpu_cannot_be_used_trains_what_needs_none(nodes):
    found = nodes(({"CPU": 2.0, "GPU": 1.0}, facts_of("old", ["numba"])))
    assert found.known["old"].room == {"CPU": 2, "GPU": 0}
    assert found.refused == {"old": "old: no engine torch:cuda there"}
    found.forget(found.known["old"])
    assert not found.refused  # it is asked again


def test_a_node_with_other_versions_trains_nothing(nodes):
    found = nodes(({"CPU": 2.0, "GPU": 1.0}, facts_of("old", ENGINES.values(), numpy="1")))
    assert not found.known
    assert found.refused == {"old": "old: numpy 1 there, 2 here"}


def test_a_study_of_both_kinds_needs_nodes_of_both(nodes, monkeypatch):
    found = nodes(({"CPU": 2.0}, facts_of("small", ["numba"])))
    monkeypatch.setattr(Members, "look", lambda self, wait: None)
    monkeypatch.setattr(members, "ray", Nodes)
    with pytest.raises(UnsupportedError, match=r"no node can train this study \(small: no engine torch:cuda"):
        found.await_first()
    found.refused.clear()
    with pytest.raises(UnsupportedError, match=r"no node can train this study \(no node has a GPU\)"):
        found.await_first()


class Nodes:
    """Ray with one node that has processors alone."""

    def nodes(self):
        return [{"Alive": True, "Resources": {"CPU": 2.0}}]


class Workers:
    """Streams that end when they are told to; the order of starts is kept, and what was busy with them."""

    def __init__(self, ends):
        self.ends, self.open, self.started, self.most = [*ends], {}, [], Counter()

    def start(self, sent, data, task, every, node, kind):
        number = len(self.started)
        self.started.append((task, node, kind))
        self.open[number] = [Finished(_row(run)) for run in task.runs]
        now = Counter((node, kind) for node, kind in (self.started[number][1:] for number in self.open))
        self.most |= now
        return number

    def wait(self, seconds):
        numbers = sorted(self.open)
        number = numbers[self.ends.pop() % len(numbers)] if self.ends else numbers[0]
        if self.ends and self.ends[-1] == 0 and self.open[number]:
            del self.open[number]
            return [(number, Lost("it is gone", begun=False))]
        if self.open[number]:
            return [(number, self.open[number].pop(0))]
        del self.open[number]
        return [(number, Closed())]

    def stop(self):
        self.open.clear()


def _row(run):
    return RunRecord(run.arm, run.seed, Status.DONE, "numba", 1, 1, 0, "computed")


def member(name, **room):
    return Member(name, facts_of(name, ENGINES.values()), {"CPU": 0, "GPU": 0, **room})


def pool(there, most, ends, patch):
    patch.setattr(members, "facts", lambda engines: facts_of("driver", ()))
    patch.setattr(Members, "look", lambda self, wait=0.0: None)
    patch.setattr(ray_executor, "monotonic", lambda: 0.0)
    made = object.__new__(_Pool)
    made.sent, made.data, made.nodes = None, None, Members([*ENGINES.values()], most)
    made.nodes.known = {node.id: node for node in there}
    made.wires, made.trying, made.waiting, made.heard = Workers(ends), {}, [], 0.0
    return made


def task(number, engine):
    return Task(f"arm{number}", (0,), engine, "digest", (None,))


@settings(deadline=None, max_examples=200)
@given(
    kinds=st.lists(st.sampled_from(sorted(ENGINES)), min_size=1, max_size=12),
    most=st.sampled_from([None, 1, 2, 5]),
    ends=st.lists(st.integers(0, 9), max_size=40),
)
def test_every_task_gets_what_it_needs_and_none_is_kept_from_it(kinds, most, ends):
    """In their order among those of their kind, and never more at once than a node has."""
    there = [member("small", CPU=2), member("large", CPU=1, GPU=2)]
    tasks = [task(number, ENGINES[kind]) for number, kind in enumerate(kinds)]
    with pytest.MonkeyPatch.context() as patch:
        made = pool(there, most, ends, patch)
        ended = [message.row.id for message in keep_busy(made, tasks)]
    assert sorted(ended, key=str) == sorted((RunId(one.arm, 0) for one in tasks), key=str)
    room = {(node.id, kind): count for node in there for kind, count in node.room.items()}
    assert all(count <= room[place] for place, count in made.wires.most.items())
    assert all(kind == KINDS[one.engine] for one, _, kind in made.wires.started)
    for kind in ENGINES if not ends else ():
        first = [one.arm for one, _, of in made.wires.started if of == kind]
        assert first == [one.arm for one in tasks if KINDS[one.engine] == kind]


def test_processors_do_not_wait_behind_tasks_for_a_gpu(monkeypatch):
    """All that fits is begun before anything ends, and no more is taken than has to be."""
    there = [member("small", CPU=2), member("large", GPU=1)]
    made = pool(there, None, [], monkeypatch)
    kinds = ["GPU", "GPU", "CPU", "GPU", "CPU", "CPU", "GPU"]
    waiting = iter(task(number, ENGINES[kind]) for number, kind in enumerate(kinds))
    telling = keep_busy(made, waiting)
    next(telling)
    assert [(one.arm, node) for one, node, _ in made.wires.started] == [
        ("arm0", "large"),
        ("arm2", "small"),
        ("arm4", "small"),
    ]
    assert next(waiting).arm == "arm5"
    telling.close()
