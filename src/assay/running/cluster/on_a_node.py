"""What a node of the cluster does: say what it has, and train a task.

Ray imports this module by name on every node, so assay has to be installed there.
"""

from collections.abc import Generator, Iterable
from contextlib import closing
from time import monotonic

from assay.data import Dataset
from assay.records.runs import RunId
from assay.running.cluster.attempts import only_new
from assay.running.cluster.software import Facts, facts
from assay.running.events import StepsTaken
from assay.running.messages import Message, ReceivedStudy, SentStudy, Task
from assay.running.threads import Threads


def train(sent: SentStudy, data: Dataset, task: Task, every: float) -> Generator[Message, None, None]:
    """Train a task, and yield its messages; those about steps at most once in ``every`` seconds and run.

    ``data`` comes from the node's object store, whose memory all of its workers share. Of the records of a
    run's epochs, each message has those that are new; `assay.running.cluster.attempts` puts them together.
    """
    context = _received(sent, data).context(task.arm)
    with closing(Threads(1).run(context, [task])) as messages:
        for message in _thinned(messages, every):
            yield only_new(message)


def probe(engines: list[str]) -> Facts:
    """Return the facts of the node that this is called on."""
    return facts(engines)


_last: dict[str, ReceivedStudy] = {}
"""The study that this process last trained for, by its key, so that no arm is planned for each task."""


def _received(sent: SentStudy, data: Dataset) -> ReceivedStudy:
    if sent.key not in _last:
        _last.clear()
        _last[sent.key] = sent.received(data)
    return _last[sent.key]


def _thinned(messages: Iterable[Message], every: float) -> Generator[Message, None, None]:
    """Leave out messages about steps that follow another of the same epoch and run too soon."""
    last: dict[RunId, tuple[int, float]] = {}
    for message in messages:
        if isinstance(message, StepsTaken):
            epoch, when = last.get(message.run, (0, 0.0))
            if message.epoch == epoch and monotonic() - when < every:
                continue
            last[message.run] = message.epoch, monotonic()
        yield message
