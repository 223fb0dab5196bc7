"""What stands in for a new process where a test wants no more than its answers."""

from collections.abc import Iterator
from contextlib import contextmanager


class Here:
    """Does its calls in this process."""

    def call(self, function, *arguments):
        return function(*arguments)


@contextmanager
def here(*_: object) -> Iterator[Here]:
    yield Here()
