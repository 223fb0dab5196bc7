"""The nodes of a cluster: which may train, and how many tasks of each kind each has room for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal

from assay.engines import GPU
from assay.errors import UnsupportedError
from assay.running.cluster.connect import ray
from assay.running.cluster.on_a_node import probe
from assay.running.cluster.software import Facts, differences, facts

EVERY = 2.0
"""Seconds between two looks at which nodes there are."""

FIRST = 60.0
"""Seconds within which the first node has to answer: it imports assay from its disk."""


Resource = Literal["CPU", "GPU"]
"""The kind of resource of which a task occupies one, by Ray's name."""

Room = Mapping[Resource, int]
"""How many tasks of each kind are taken at once."""


def needed(engine: str) -> Resource:
    """Return what a task of the engine with this name occupies."""
    return "GPU" if engine == GPU else "CPU"


@dataclass(frozen=True)
class Member:
    """A node that may train: its name in the cluster, and how many tasks of each kind it takes at once."""

    id: str
    facts: Facts
    room: Room

    @property
    def slots(self) -> int:
        """How many tasks it takes at once."""
        return sum(self.room.values())


@dataclass
class Members:
    """The nodes of the cluster that this process has joined, for a study that uses ``engines``.

    A node is asked once what it has. One with other versions than the driver's is refused; ``refused`` says
    what differs. One whose GPU cannot be used trains what needs none. ``most`` limits the slots of all nodes
    together.
    """

    engines: list[str]
    most: int | None = None
    known: dict[str, Member] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """Why a node trains nothing, or nothing on a GPU."""
    asked: dict[str, tuple[Any, Room]] = field(default_factory=dict)
    looked: float = 0.0

    def __post_init__(self) -> None:
        self.ours = facts(self.engines)
        self.kinds = sorted({*map(needed, self.engines)})

    @property
    def slots(self) -> int:
        """How many tasks all nodes take at once."""
        found = sum(node.slots for node in self.known.values())
        return found if self.most is None else min(found, self.most)

    def slots_of(self, kind: Resource) -> int:
        """How many tasks of a kind all nodes take at once."""
        return sum(node.room[kind] for node in self.known.values())

    def await_first(self) -> None:
        """Wait until every node that is there now has answered.

        Raises `UnsupportedError` if none may train the runs of an engine, with what differs.
        """
        until = monotonic() + FIRST
        while monotonic() < until:
            self.look(wait=0.5)
            if not self.asked and (self.known or self.refused):
                break
        for kind in self.kinds:
            if not self.slots_of(kind):
                why = "; ".join(self.refused.values()) or self._nobody(kind)
                raise UnsupportedError(f"--on ray: no node can train this study ({why})")

    def look(self, wait: float = 0.0) -> None:
        """Learn which nodes have come and gone, and hear what new ones have."""
        library = ray()
        if wait or monotonic() - self.looked >= EVERY:
            self.looked = monotonic()
            there = [node for node in library.nodes() if node["Alive"]]
            alive = {node["NodeID"]: self._room(node["Resources"]) for node in there}
            for gone in self.known.keys() - alive.keys():
                del self.known[gone]
            for new in alive.keys() - self.known.keys() - self.refused.keys() - self.asked.keys():
                if any(alive[new].values()):
                    self.asked[new] = self._ask(new), alive[new]
            self.asked = {node: answer for node, answer in self.asked.items() if node in alive}
        if self.asked:
            ready, _ = library.wait([answer for answer, _ in self.asked.values()], timeout=wait)
            for node in [node for node, (answer, _) in self.asked.items() if answer in ready]:
                self._hear(node, *self.asked.pop(node))

    def forget(self, node: Member) -> None:
        """Take a node for gone; the cluster notices that seconds later. If it is not, it is asked again."""
        self.known.pop(node.id, None)
        self.refused.pop(node.id, None)

    def free(self, kind: Resource, busy: Counter[tuple[str, Resource]]) -> Member | None:
        """Return the node with the most free slots of a kind, or None.

        ``busy`` is how many tasks of each kind each node is at.
        """
        if busy.total() >= self.slots:
            return None
        by_room = {node.room[kind] - busy[node.id, kind]: node for node in self.known.values()}
        room = max(by_room, default=0)
        return by_room[room] if room > 0 else None

    def _nobody(self, kind: Resource) -> str:
        there = [node for node in ray().nodes() if node["Alive"]]
        has = any(self._room(node["Resources"])[kind] for node in there)
        return "no node answers" if has else f"no node has a {kind}"

    def _room(self, resources: dict[str, float]) -> Room:
        return {kind: int(resources.get(kind, 0)) for kind in self.kinds}

    def _ask(self, node: str) -> Any:
        return on_node(ray().remote(probe), node, num_cpus=0).remote(self.engines)

    def _hear(self, node: str, answer: Any, room: Room) -> None:
        library = ray()
        try:
            theirs = library.get(answer)
        except (library.exceptions.NodeDiedError, library.exceptions.TaskUnschedulableError):
            return  # it has gone
        except library.exceptions.RayError as error:
            why = str(error).strip().splitlines()[-1]
            self.refused[node] = f"node {node[:8]}: assay cannot be used there ({why})"
            return
        lacking = [engine for engine in self.engines if engine not in theirs.engines]
        other = differences(self.ours, theirs)
        if found := [*other, *(f"no engine {engine} there" for engine in lacking)]:
            self.refused[node] = f"{theirs.host}: {', '.join(found)}"
        without = {*map(needed, lacking)}
        room = {kind: 0 if other or kind in without else slots for kind, slots in room.items()}
        if any(room.values()):
            self.known[node] = Member(node, theirs, room)


def on_node(task: Any, node: str, **options: Any) -> Any:
    """Return a remote function as a task for this node alone, which Ray does not try again by itself."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    there = NodeAffinitySchedulingStrategy(node, soft=False)
    return task.options(scheduling_strategy=there, max_retries=0, **options)
