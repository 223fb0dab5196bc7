"""Workers of an executor, and the loop that keeps them busy."""

from collections.abc import Generator, Iterable
from typing import Protocol

from assay.running.messages import Message, Task


class Crew(Protocol):
    """Workers that do tasks."""

    @property
    def busy(self) -> int:
        """How many workers are at a task."""

    @property
    def room(self) -> int:
        """How many more tasks it takes now."""

    def give(self, task: Task) -> None:
        """Let a free worker do ``task``."""

    def hear(self) -> Generator[Message, None, None]:
        """Yield messages, at least until there may be room again, or the last task has ended."""

    def dismiss(self) -> None:
        """Stop every worker and wait for it."""


def keep_busy(crew: Crew, tasks: Iterable[Task]) -> Generator[Message, None, None]:
    """Yield the messages of all ``tasks``, each given to the crew as soon as it has room."""
    waiting, more = iter(tasks), True
    try:
        while more or crew.busy:
            while more and crew.room:
                if (task := next(waiting, None)) is None:
                    more = False
                else:
                    crew.give(task)
            if more or crew.busy:
                yield from crew.hear()
    finally:
        crew.dismiss()
