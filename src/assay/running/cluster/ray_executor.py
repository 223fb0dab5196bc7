"""The executor whose workers are tasks in a Ray cluster, on any number of machines."""

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from time import monotonic

from assay.errors import UnsupportedError
from assay.records.machine import processors
from assay.records.runs import RunId
from assay.running.cluster.attempts import Attempt
from assay.running.cluster.connect import expect_cluster, is_client, join, leave, ray
from assay.running.cluster.members import Member, Members, Resource, needed
from assay.running.cluster.wires import Closed, Lost, News, Refused, Relayed, Streams, Wires
from assay.running.executor import Executor
from assay.running.messages import Context, Message, SentStudy, Task
from assay.running.pool import keep_busy
from assay.store.machines import WorkingMachine

A_MOMENT = 0.5
"""Seconds to wait for a message before looking at the nodes again."""

STEPS_TOLD = 20
"""Messages about steps per second of all workers together, once a run is to tell less than one."""

ALONE = 300.0
"""Seconds without any node that could train after which the study stops; it can be continued."""


class Ray(Executor):
    """Trains a study in the Ray cluster at ``address``, "HOST:PORT", by default in one that it starts here.

    The driver remains the only one that writes the results folder. The data set is put into the object store
    once; the workers of a node share it. A task asks for one processor, or for one GPU if its arm's engine
    computes on one. Every epoch comes back with all that is needed to continue, so that a lost node costs the
    epochs it was at: what is left is trained on another from there, and becomes the same bit for bit. A node
    with other versions of assay, Python, NumPy, SciPy or Numba is refused.

    ``slots`` limits how many tasks are trained at once, by default as many as the nodes have processors.
    Raises `UnsupportedError` if Ray is not installed and `UsageError` if nobody answers at ``address``.
    """

    elsewhere = True

    def __init__(self, address: str | None = None, slots: int | None = None) -> None:
        ray()
        if address is not None:
            expect_cluster(address)
        self.address = address
        self.slots = slots
        self.nodes: Members | None = None
        self.pool: _Pool | None = None

    @property
    def at_once(self) -> int:  # type: ignore[override]
        """How many tasks are trained at once: ``slots``, or as many as the cluster has processors now."""
        if self.slots is not None or self.address is None:
            return self.slots or processors()
        join(self.address, self.slots, 0)
        return max(1, self.nodes.slots if self.nodes else int(ray().cluster_resources().get("CPU", 1)))

    def run(self, context: Context, tasks: Iterable[Task]) -> Generator[Message, None, None]:
        """Train every task; yield messages as they come, until the last run has ended."""
        join(self.address, self.slots, _bytes(context))
        engines = sorted({cohort.engine.name for cohort in context.plan.cohorts})
        self.nodes = Members(engines, most=self.slots)
        self.nodes.await_first()
        self.pool = _Pool(context, self.nodes)
        yield from keep_busy(self.pool, tasks)

    def machines(self) -> Sequence[WorkingMachine]:
        """Return the nodes, and what runs on each."""
        return () if self.pool is None else self.pool.machines()

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        leave()


class _Pool:
    """The attempts under way, by stream and node, and those that wait for a node.

    Tasks wait whose worker was lost, and those that need what is busy, such as a GPU, where another kind has
    free slots: what comes after them may fit.
    """

    def __init__(self, context: Context, nodes: Members) -> None:
        self.sent = SentStudy.of(context.plan)
        self.data = ray().put(context.data)
        self.nodes = nodes
        self.wires: Wires = Relayed() if is_client() else Streams()
        self.trying: dict[int, tuple[Attempt, Member]] = {}
        self.waiting: list[Attempt] = []
        self.heard = monotonic()

    @property
    def busy(self) -> int:
        return len(self.trying) + len(self.waiting)

    @property
    def free(self) -> int:
        """How many more tasks the nodes take, once those that wait have a node as far as there are any."""
        trying = Counter(needed(attempt.task.engine) for attempt, _ in self.trying.values())
        waiting = Counter(needed(attempt.task.engine) for attempt in self.waiting)
        free = {kind: max(self.nodes.slots_of(kind) - trying[kind], 0) for kind in self.nodes.kinds}
        idle = sum(max(count - waiting[kind], 0) for kind, count in free.items())
        placed = len(self.trying) + sum(min(count, waiting[kind]) for kind, count in free.items())
        return max(min(idle, self.nodes.slots - placed), 0)

    def submit(self, task: Task) -> None:
        self.waiting.append(Attempt(task))
        self._place()

    def _place(self) -> None:
        """Start attempts that have no node, as far as nodes are free; of each kind the first goes first."""
        waiting, self.waiting = self.waiting, []
        full: set[Resource] = set()
        for attempt in waiting:
            kind = needed(attempt.task.engine)
            node = None if kind in full else self.nodes.free(kind, self._busy())
            if node is None:
                full.add(kind)
                self.waiting.append(attempt)
                continue
            every = max(1.0, self.nodes.slots / STEPS_TOLD)
            number = self.wires.start(self.sent, self.data, attempt.task, every, node.id, kind)
            self.trying[number] = attempt, node

    def machines(self) -> list[WorkingMachine]:
        """Return the nodes, and what runs on each."""
        runs: dict[str, list[RunId]] = {}
        for attempt, node in self.trying.values():
            runs.setdefault(node.id, []).extend(attempt.task.runs)
        return [
            WorkingMachine(node.facts.host, node.facts.processor, node.slots, tuple(runs.get(node.id, ())))
            for node in self.nodes.known.values()
        ]

    def _busy(self) -> Counter[tuple[str, Resource]]:
        return Counter((node.id, needed(attempt.task.engine)) for attempt, node in self.trying.values())

    def messages(self) -> Generator[Message, None, None]:
        """Yield the messages that are there; look at the nodes now and then."""
        self.nodes.look()
        self._expect_nodes()
        self._place()
        if not self.trying:
            self.nodes.look(wait=A_MOMENT)
        for number, news in self.wires.wait(A_MOMENT):
            yield from self._take(number, news)

    def _take(self, number: int, news: News) -> Iterable[Message]:
        attempt, node = self.trying.pop(number)
        match news:
            case Refused(why):
                return attempt.given_up(why)
            case Closed() if attempt.over:
                return ()
            case Closed():
                return self._lose(attempt, Lost("it ended early"))
            case Lost():
                if news.node:
                    self.nodes.forget(node)
                return self._lose(attempt, news)
        message = attempt.whole(news)
        self.trying[number] = attempt.after(message), node
        return (message,)

    def _lose(self, attempt: Attempt, lost: Lost) -> Iterable[Message]:
        """Note that an attempt's worker is gone; try again elsewhere, or give up.

        An attempt that could not begin, since its node had gone by then, does not count.
        """
        if attempt.hopeless and lost.begun:
            return attempt.given_up(lost.why)
        self.waiting.append(attempt.again() if lost.begun else attempt)
        return ()

    def _expect_nodes(self) -> None:
        """Raise `UnsupportedError` where nothing was under way for long, and no node for what waits."""
        wanted = {needed(attempt.task.engine) for attempt in self.waiting} or self.nodes.kinds
        if self.trying or any(map(self.nodes.slots_of, wanted)):
            self.heard = monotonic()
        elif monotonic() - self.heard > ALONE:
            raise UnsupportedError(
                f"--on ray: no node was left for {ALONE:.0f} s (the same command continues the study)"
            )

    def shutdown(self) -> None:
        """Stop every attempt, and wait until its worker has gone."""
        self.wires.stop()
        self.trying.clear()


def _bytes(context: Context) -> int:
    parts = (context.data.train, context.data.valid, context.data.test)
    return sum(part.images.nbytes + part.labels.nbytes for part in parts)
