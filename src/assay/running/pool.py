"""Workers of an executor, and the loop that keeps them busy."""

from collections.abc import Generator, Iterable
from typing import Protocol

from assay.running.messages import Message, Task


class WorkerPool(Protocol):
    """The workers of an executor."""

    @property
    def busy(self) -> int:
        """How many workers are at a task."""

    @property
    def free(self) -> int:
        """How many more tasks the pool takes now."""

    def submit(self, task: Task) -> None:
        """Let a free worker do ``task``."""

    def messages(self) -> Generator[Message, None, None]:
        """Yield messages, at least until a worker may be free, or the last task has ended."""

    def shutdown(self) -> None:
        """Stop every worker and wait for it."""


def keep_busy(pool: WorkerPool, tasks: Iterable[Task]) -> Generator[Message, None, None]:
    """Yield the messages of all ``tasks``, each submitted as soon as the pool is free to take it."""
    waiting, more = iter(tasks), True
    try:
        while more or pool.busy:
            while more and pool.free:
                if (task := next(waiting, None)) is None:
                    more = False
                else:
                    pool.submit(task)
            if more or pool.busy:
                yield from pool.messages()
    finally:
        pool.shutdown()
