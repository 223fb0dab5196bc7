"""Work and memory, counted and not timed, so that a test says the same on every machine."""

import signal
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from cProfile import Profile

WITHOUT_END = 20.0
"""Seconds of the processor after which work is broken off: what is allowed takes less than one."""


class TooMuch(BaseException):
    """More calls than were allowed; no exception that code under test would take for its own."""


@contextmanager
def bounded(calls: int = 1_500_000, mebibytes: float = 64) -> Iterator[None]:
    """Fail where what is done within makes more function calls, or holds more memory at once.

    A million calls take about a quarter of a second. Work that goes on without end is broken off.
    """
    counted = Profile(subcalls=False)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        with _broken_off(), counted:
            yield
        held = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        made = sum(entry.callcount for entry in counted.getstats())
        if made > calls:
            raise TooMuch(f"{made:,} calls, more than {calls:,}")
    assert held < mebibytes * 2**20, f"held {held / 2**20:.0f} MiB"


@contextmanager
def _broken_off() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooMuch(f"no end after {WITHOUT_END:g} seconds")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, WITHOUT_END)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
