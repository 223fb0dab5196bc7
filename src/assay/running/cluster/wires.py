"""Tasks under way in a cluster, and the messages that they stream back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from assay.running.cluster.connect import ray
from assay.running.cluster.members import Resource, on_node
from assay.running.cluster.on_a_node import train
from assay.running.messages import Message, SentStudy, Task

AHEAD = 4
"""Messages of one worker that may wait for the driver; then the worker pauses, so that memory is bounded."""

FAREWELL = 10.0
"""Seconds to wait for the workers that were stopped; Ray kills their processes."""


@dataclass(frozen=True)
class Closed:
    """A stream has no more messages."""


@dataclass(frozen=True)
class Lost:
    """A stream's worker is gone, and why; with ``node`` its node too. ``begun`` is whether it had begun."""

    why: str
    node: bool = False
    begun: bool = True


@dataclass(frozen=True)
class Refused:
    """A stream's task could not even be begun by its worker, and why."""

    why: str


News = Message | Closed | Lost | Refused


class Wires(Protocol):
    """How tasks are started and heard of."""

    def start(self, sent: SentStudy, data: Any, task: Task, every: float, node: str, kind: Resource) -> int:
        """Start a task on a node, and return the stream's number.

        ``data`` refers to the data set; a run's steps are told once in ``every`` seconds. The task occupies
        one of a ``kind``.
        """

    def wait(self, seconds: float) -> Sequence[tuple[int, News]]:
        """Return what has come, after ``seconds`` at the latest; a message of one stream at a time."""

    def stop(self) -> None:
        """Stop every task, and return when its worker has gone."""


class Streams:
    """The streams of this process, which Ray's streaming generators are."""

    def __init__(self) -> None:
        self.open: dict[int, Any] = {}
        self.count = 0
        self.train = ray().remote(train)  # once: Ray sends what it calls another function to every worker

    def start(self, sent: SentStudy, data: Any, task: Task, every: float, node: str, kind: Resource) -> int:
        """Start a task on a node, and return the stream's number."""
        resources = {"num_cpus": 0, "num_gpus": 1} if kind == "GPU" else {"num_cpus": 1}
        there = on_node(
            self.train, node, num_returns="streaming", _generator_backpressure_num_objects=AHEAD, **resources
        )
        self.count += 1
        self.open[self.count] = there.remote(sent, data, task, every)
        return self.count

    def wait(self, seconds: float) -> list[tuple[int, News]]:
        """Return what has come, after ``seconds`` at the latest."""
        if not self.open:
            return []
        streams = {stream: number for number, stream in self.open.items()}
        ready, rest = ray().wait([*streams], num_returns=1, timeout=seconds)
        if ready and rest:  # all that is there: to look at a hundred streams for each message takes long
            ready += ray().wait(rest, num_returns=len(rest), timeout=0)[0]
        return [(streams[stream], self._next(streams[stream])) for stream in ready]

    def _next(self, number: int) -> News:
        errors = ray().exceptions
        try:
            message: Message = ray().get(next(self.open[number]))
            return message
        except StopIteration:
            news: News = Closed()
        except errors.RayTaskError as error:
            news = Refused(line(error))
        except errors.TaskUnschedulableError as error:
            news = Lost(line(error), node=True, begun=False)
        except errors.NodeDiedError as error:
            news = Lost(line(error), node=True)
        except errors.RayError as error:
            news = Lost(line(error))
        del self.open[number]
        return news

    def stop(self) -> None:
        """Stop every task, and return when its worker has gone."""
        for stream in self.open.values():
            ray().cancel(stream, force=True)
        ends = [stream.completed() for stream in self.open.values()]
        ray().wait(ends, num_returns=len(ends), timeout=FAREWELL) if ends else None
        self.open.clear()


class Relayed:
    """Streams that end in an actor of the cluster, for a driver outside it: Ray's client cannot stream."""

    def __init__(self) -> None:
        self.actor = ray().remote(Streams).options(num_cpus=0).remote()

    def start(self, sent: SentStudy, data: Any, task: Task, every: float, node: str, kind: Resource) -> int:
        """Start a task on a node, and return the stream's number."""
        number: int = ray().get(self.actor.start.remote(sent, data, task, every, node, kind))
        return number

    def wait(self, seconds: float) -> list[tuple[int, News]]:
        """Return what has come, after ``seconds`` at the latest."""
        news: list[tuple[int, News]] = ray().get(self.actor.wait.remote(seconds))
        return news

    def stop(self) -> None:
        """Stop every task, and return when its worker has gone."""
        ray().get(self.actor.stop.remote())
        ray().kill(self.actor)


def line(error: Exception) -> str:
    """Return the last line of an error of Ray's, which says what it was."""
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
