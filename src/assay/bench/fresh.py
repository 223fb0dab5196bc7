"""New Python processes, for measurements unaffected by what others have loaded, compiled or allocated."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from assay.errors import UnsupportedError
from assay.records.garbage import collect_seldom

P = ParamSpec("P")
T = TypeVar("T")


class Process:
    """A new process that executes one call after another."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def call(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Call ``function`` in the process and return its result; arguments, result and errors are pickled.

        Raises `UnsupportedError` if the process dies, for example for lack of memory.
        """
        try:
            return self._pool.submit(function, *arguments, **named).result()
        except BrokenProcessPool:
            raise UnsupportedError("its process was ended, perhaps for want of memory") from None


@contextmanager
def process(processors: int | None = None, environment: Mapping[str, str] | None = None) -> Iterator[Process]:
    """Open a process, and end it when the block exits.

    As in a command's process, garbage in cycles is looked for seldom, whichever method works there.

    Where the system allows it, the process is pinned to ``processors`` processors,
    so that a library that uses every processor it sees uses no more than these;
    ``environment`` adds to its environment variables.
    """
    prepare = (processors, dict(environment or {}))
    with ProcessPoolExecutor(1, get_context("spawn"), _prepare, prepare) as pool:
        yield Process(pool)


def _prepare(processors: int | None, environment: Mapping[str, str]) -> None:
    collect_seldom()
    os.environ.update(environment)
    if processors is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:processors])
