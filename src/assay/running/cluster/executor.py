"""The executor whose workers are tasks in a Ray cluster, on any number of machines."""

from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import uuid4

from assay.engines import may_use_gpu
from assay.errors import UnsupportedError
from assay.running.cluster.attempts import Attempt
from assay.running.cluster.connect import join, leave, ray
from assay.running.cluster.nodes import Node, Nodes, remote_on
from assay.running.cluster.remote import Charge, train
from assay.running.executor import Executor
from assay.running.messages import Context, Message, Task

A_MOMENT = 0.5
"""Seconds to wait for a message before looking at the nodes again."""

ALONE = 300.0
"""Seconds without any node that could train after which the study stops; it can be continued."""

AHEAD = 4
"""Messages of one worker that may wait for the driver; then the worker pauses, so that memory is bounded."""


class Ray(Executor):
    """Trains a study in the Ray cluster at ``address``, "HOST:PORT", by default in one that it starts here.

    The driver remains the only one that writes the results folder. The data set is put into the object store
    once; the workers of a node share it. A task asks for one processor, or for one GPU if its engine computes
    on one. Every epoch comes back with all that is needed to continue, so that a lost node costs the epochs
    it was at: what is left is trained on another from there, and becomes the same bit for bit. A node with
    other versions of assay, Python, NumPy, SciPy or Numba is refused.

    ``slots`` limits how many tasks are trained at once, by default as many as the nodes have processors.
    Raises `UnsupportedError` if Ray is not installed and `UsageError` if there is no cluster at ``address``.
    """

    def __init__(self, address: str | None = None, slots: int | None = None) -> None:
        ray()
        self.address = address
        self.slots = slots
        self.nodes: Nodes | None = None

    @property
    def at_once(self) -> int:  # type: ignore[override]
        """How many tasks are trained at once: ``slots``, or as many as the cluster has processors now."""
        if self.slots is not None:
            return self.slots
        join(self.address, self.slots, 0)
        return max(1, self.nodes.slots if self.nodes else int(ray().cluster_resources().get("CPU", 1)))

    def run(self, context: Context, tasks: Iterable[Task]) -> Generator[Message, None, None]:
        """Train every task; yield messages as they come, until the last run has ended."""
        join(self.address, self.slots, _bytes(context))
        engines = sorted({cohort.engine.name for cohort in context.plan.cohorts})
        self.nodes = Nodes(engines, gpus=any(map(may_use_gpu, engines)), most=self.slots)
        self.nodes.await_first()
        crew, waiting = _Crew(context, self.nodes), iter(tasks)
        try:
            while True:
                while (node := crew.free()) is not None and (task := next(waiting, None)) is not None:
                    crew.give(Attempt(task), node)
                if not crew.busy:
                    return
                yield from crew.hear()
        finally:
            crew.dismiss()

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        leave()


@dataclass(frozen=True)
class _Place:
    """Where an attempt is being made; ``stream`` yields its messages."""

    attempt: Attempt
    node: Node
    stream: Any


class _Crew:
    """The attempts under way, and those that wait for another node."""

    def __init__(self, context: Context, nodes: Nodes) -> None:
        plan = context.plan
        engines = {cohort.arm.name: cohort.engine.name for cohort in plan.cohorts}
        self.charge = Charge(plan.study.to_tables(), engines, uuid4().hex)
        self.data = ray().put(context.data)
        self.nodes = nodes
        self.places: list[_Place] = []
        self.lost: list[Attempt] = []
        self.heard = monotonic()

    @property
    def busy(self) -> int:
        return len(self.places) + len(self.lost)

    def free(self) -> Node | None:
        """Return a node for the next task; those whose worker was lost go first."""
        while (node := self._room()) is not None and self.lost:
            self.give(self.lost.pop(0), node)
        return node

    def _room(self) -> Node | None:
        return self.nodes.free(Counter(place.node.id for place in self.places))

    def give(self, attempt: Attempt, node: Node) -> None:
        resources = {"num_cpus": 0, "num_gpus": 1} if self.nodes.gpus else {"num_cpus": 1}
        there = remote_on(
            train, node.id, num_returns="streaming", _generator_backpressure_num_objects=AHEAD, **resources
        )
        self.places.append(_Place(attempt, node, there.remote(self.charge, self.data, attempt.task)))

    def hear(self) -> Generator[Message, None, None]:
        """Yield the messages that are there; look at the nodes now and then."""
        self.nodes.look()
        self._expect_nodes()
        streams = [place.stream for place in self.places]
        if not streams:
            self.nodes.look(wait=A_MOMENT)
            return
        ready, _ = ray().wait(streams, num_returns=1, timeout=A_MOMENT)
        for place in [place for place in self.places if place.stream in ready]:
            yield from self._next(place)

    def _next(self, place: _Place) -> Generator[Message, None, None]:
        errors = ray().exceptions
        try:
            message: Message = ray().get(next(place.stream))
        except StopIteration:
            self.places.remove(place)
            yield from self._lose(place.attempt, "it ended early") if not place.attempt.over else ()
        except errors.RayTaskError as error:
            self.places.remove(place)
            yield from place.attempt.given_up(_line(error))
        except errors.RayError as error:
            self.places.remove(place)
            yield from self._lose(place.attempt, _line(error))
        else:
            self.places[self.places.index(place)] = _Place(
                place.attempt.after(message), place.node, place.stream
            )
            yield message

    def _lose(self, attempt: Attempt, why: str) -> list[Message]:
        """Note that an attempt's worker is gone; try again elsewhere, or give up."""
        self.nodes.looked = 0.0
        if attempt.hopeless:
            return [*attempt.given_up(why)]
        self.lost.append(attempt.again())
        return []

    def _expect_nodes(self) -> None:
        if self.nodes.known:
            self.heard = monotonic()
        elif monotonic() - self.heard > ALONE:
            raise UnsupportedError(
                f"--on ray: no node was left for {ALONE:.0f} s (the same command continues the study)"
            )

    def dismiss(self) -> None:
        """Stop every attempt, and wait until its worker has gone."""
        streams = [place.stream for place in self.places]
        for stream in streams:
            ray().cancel(stream, force=True)
        for stream in streams:
            _drain(stream)
        self.places.clear()


def _drain(stream: Any) -> None:
    """Take what is left of a stream, up to the error with which it ends."""
    try:
        for reference in stream:
            ray().get(reference)
    except ray().exceptions.RayError:
        return


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _bytes(context: Context) -> int:
    parts = (context.data.train, context.data.valid, context.data.test)
    return sum(part.images.nbytes + part.labels.nbytes for part in parts)
