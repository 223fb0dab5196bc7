"""A task on its way: how far its runs have come, so that another worker can go on where one was lost."""

from dataclasses import dataclass, replace

from assay.records.runs import RunId
from assay.running.messages import EpochTrained, Failed, Finished, Message, Task
from assay.training.train import Progress

MOST = 3
"""Attempts without an epoch between them after which a run has failed: no worker survives it."""


@dataclass(frozen=True)
class Attempt:
    """A task that a worker is trying; ``number`` counts from 1, and anew from each epoch that is brought.

    Only the messages of a task's latest attempt are passed on: a worker that was taken for lost and comes
    back finds nobody listening, so no epoch is counted twice.
    """

    task: Task
    number: int = 1

    def whole(self, message: Message) -> Message:
        """Return ``message`` with the records of earlier epochs, which `only_new` left out on the node."""
        if not isinstance(message, EpochTrained):
            return message
        before = dict(self._items())
        progress = map(_joined, (before[row.id] for row in message.rows), message.progress)
        return replace(message, progress=tuple(progress))

    def after(self, message: Message) -> "Attempt":
        """Return the attempt with what a whole ``message`` says left out of the task that remains."""
        match message:
            case EpochTrained():
                brought = {row.id: now for row, now in zip(message.rows, message.progress, strict=True)}
                return Attempt(self._with(brought))
            case Finished():
                return replace(self, task=self._without(message.row.id))
            case Failed():
                return replace(self, task=self._without(message.run))
        return self

    @property
    def over(self) -> bool:
        """Whether all runs of the task have ended."""
        return not self.task.seeds

    @property
    def hopeless(self) -> bool:
        """Whether it makes no sense to try again."""
        return self.number >= MOST

    def again(self) -> "Attempt":
        """Return the next attempt at what remains."""
        return replace(self, number=self.number + 1)

    def given_up(self, why: str) -> list[Failed]:
        """Return that every run that remains has failed, since its worker was lost."""
        line = f"its worker was lost {self.number} times without an epoch in between ({why})"
        return [Failed(run, line, f"Traceback (from the cluster):\n{line}\n") for run in self.task.runs]

    def _with(self, brought: dict[RunId, Progress]) -> Task:
        progress = [brought.get(run, before) for run, before in self._items()]
        return replace(self.task, progress=tuple(progress))

    def _without(self, ended: RunId) -> Task:
        left = [(run.seed, progress) for run, progress in self._items() if run != ended]
        return replace(
            self.task, seeds=tuple(seed for seed, _ in left), progress=tuple(progress for _, progress in left)
        )

    def _items(self) -> list[tuple[RunId, Progress | None]]:
        return [*zip(self.task.runs, self.task.progress, strict=True)]


def only_new(message: Message) -> Message:
    """Return a message with the records of its own epoch alone: the driver has those before it."""
    if not isinstance(message, EpochTrained):
        return message
    return replace(message, progress=tuple(map(_latest, message.progress)))


def _latest(progress: Progress) -> Progress:
    record = progress.history[-1]
    return replace(progress, history=[record], layers=[*progress.examined(record.epoch)])


def _joined(before: Progress | None, latest: Progress) -> Progress:
    if before is None:
        return latest
    return replace(
        latest, history=[*before.history, *latest.history], layers=[*before.layers, *latest.layers]
    )
