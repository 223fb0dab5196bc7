"""Workers of an executor, and the loop that keeps them busy."""

from collections.abc import Generator, Iterable
from itertools import islice
from typing import Protocol

from assay.running.messages import Message, Task


class Crew(Protocol):
    """Workers that do tasks."""

    @property
    def busy(self) -> int:
        """How many workers are at a task."""

    def give(self, task: Task) -> None:
        """Let a free worker do ``task``."""

    def hear(self) -> Generator[Message, None, None]:
        """Yield messages until a worker is free, and count it as such."""

    def dismiss(self) -> None:
        """Stop every worker and wait for it."""


def keep_busy(crew: Crew, size: int, tasks: Iterable[Task]) -> Generator[Message, None, None]:
    """Yield the messages of all ``tasks``, each done as soon as one of ``size`` workers is free."""
    waiting = iter(tasks)
    try:
        while True:
            for task in islice(waiting, size - crew.busy):
                crew.give(task)
            if not crew.busy:
                return
            yield from crew.hear()
    finally:
        crew.dismiss()
