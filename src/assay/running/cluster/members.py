"""The nodes of a cluster: which may train, and how many tasks each has room for."""

from collections import Counter
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from assay.errors import UnsupportedError
from assay.running.cluster.connect import ray
from assay.running.cluster.on_a_node import probe
from assay.running.cluster.software import Facts, differences, facts

EVERY = 2.0
"""Seconds between two looks at which nodes there are."""

FIRST = 60.0
"""Seconds within which the first node has to answer: it imports assay from its disk."""


@dataclass(frozen=True)
class Member:
    """A node that may train: its name in the cluster, and how many tasks it takes at once."""

    id: str
    facts: Facts
    slots: int


@dataclass
class Members:
    """The nodes of the cluster that this process has joined, for a study that uses ``engines``.

    A node is asked once what it has. One with other versions than the driver's is refused; ``refused`` says
    what differs. ``most`` limits the slots of all nodes together.
    """

    engines: list[str]
    gpus: bool = False
    most: int | None = None
    known: dict[str, Member] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    asked: dict[str, tuple[Any, int]] = field(default_factory=dict)
    looked: float = 0.0

    def __post_init__(self) -> None:
        self.ours = facts(self.engines)

    @property
    def slots(self) -> int:
        """How many tasks all nodes take at once."""
        found = sum(node.slots for node in self.known.values())
        return found if self.most is None else min(found, self.most)

    def await_first(self) -> None:
        """Wait until every node that is there now has answered.

        Raises `UnsupportedError` if none may train, with what differs.
        """
        until = monotonic() + FIRST
        while monotonic() < until:
            self.look(wait=0.5)
            if not self.asked and (self.known or self.refused):
                break
        if not self.known:
            why = "; ".join(f"{host}: {what}" for host, what in self.refused.items()) or self._nobody()
            raise UnsupportedError(f"--on ray: no node can train this study ({why})")

    def look(self, wait: float = 0.0) -> None:
        """Learn which nodes have come and gone, and hear what new ones have."""
        library = ray()
        if wait or monotonic() - self.looked >= EVERY:
            self.looked = monotonic()
            there = [node for node in library.nodes() if node["Alive"]]
            alive = {node["NodeID"]: self._slots(node["Resources"]) for node in there}
            for gone in self.known.keys() - alive.keys():
                del self.known[gone]
            for new in alive.keys() - self.known.keys() - self.refused.keys() - self.asked.keys():
                if alive[new]:
                    self.asked[new] = self._ask(new), alive[new]
            self.asked = {node: answer for node, answer in self.asked.items() if node in alive}
        if self.asked:
            ready, _ = library.wait([answer for answer, _ in self.asked.values()], timeout=wait)
            for node in [node for node, (answer, _) in self.asked.items() if answer in ready]:
                self._hear(node, *self.asked.pop(node))

    def forget(self, node: Member) -> None:
        """Take a node for gone; the cluster notices that seconds later. If it is not, it is asked again."""
        self.known.pop(node.id, None)

    def free(self, busy: Counter[str]) -> Member | None:
        """Return the node with the most free slots, given how many tasks each is ``busy`` with; or None."""
        if busy.total() >= self.slots:
            return None
        by_room = {node.slots - busy[node.id]: node for node in self.known.values()}
        room = max(by_room, default=0)
        return by_room[room] if room > 0 else None

    def _nobody(self) -> str:
        there = [node for node in ray().nodes() if node["Alive"]]
        with_gpu = [node for node in there if self._slots(node["Resources"])]
        return "no node has a GPU" if self.gpus and not with_gpu else "no node answers"

    def _slots(self, resources: dict[str, float]) -> int:
        return int(resources.get("GPU" if self.gpus else "CPU", 0))

    def _ask(self, node: str) -> Any:
        return remote_on(probe, node, num_cpus=0).remote(self.engines)

    def _hear(self, node: str, answer: Any, slots: int) -> None:
        library = ray()
        try:
            theirs = library.get(answer)
        except (library.exceptions.NodeDiedError, library.exceptions.TaskUnschedulableError):
            return  # it has gone
        except library.exceptions.RayError as error:
            self.refused[node] = f"assay cannot be used there ({str(error).strip().splitlines()[-1]})"
            return
        if found := differences(self.ours, theirs, self.engines):
            self.refused[node] = f"{theirs.host}: {', '.join(found)}"
        else:
            self.known[node] = Member(node, theirs, slots)


def remote_on(function: Any, node: str, **options: Any) -> Any:
    """Return ``function`` as a task for this node alone, which Ray does not try again by itself."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    there = NodeAffinitySchedulingStrategy(node, soft=False)
    return ray().remote(function).options(scheduling_strategy=there, max_retries=0, **options)
