"""Work and memory, counted and not timed, so that a test says the same on every machine."""

import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooMuch(BaseException):
    """More calls than were allowed; no exception that code under test would take for its own."""


@contextmanager
def bounded(calls: int = 3_000_000, mebibytes: float = 64) -> Iterator[None]:
    """Fail where what is done within makes more function calls, or holds more memory at once.

    A million calls take about a tenth of a second. Work that goes on without end is broken off.
    """
    left = [calls]

    def count(frame: FrameType, event: str, argument: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            sys.setprofile(None)
            raise TooMuch(f"more than {calls:,} calls")

    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        sys.setprofile(count)
        try:
            yield
        finally:
            sys.setprofile(None)
        held = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert held < mebibytes * 2**20, f"held {held / 2**20:.0f} MiB"
