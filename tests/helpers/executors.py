"""An executor that shows what crosses the seam: pickled there and back."""

import pickle
from collections.abc import Generator, Iterable
from typing import Any

from assay.running.messages import Context, Message, Task
from assay.running.threads import Threads


def copied(value: Any) -> Any:
    """Return what is left of a value when it is pickled and unpickled."""
    return pickle.loads(pickle.dumps(value))


class Pickled(Threads):
    """Threads that are given copies of tasks, and whose messages are copied."""

    def run(self, context: Context, tasks: Iterable[Task]) -> Generator[Message, None, None]:
        crossing = super().run(context, map(copied, tasks))
        try:
            for message in crossing:
                yield copied(message)
        finally:
            crossing.close()
