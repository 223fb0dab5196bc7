"""A new Python process for a measurement that must not see what others have loaded, compiled or allocated."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from assay.errors import UnsupportedError

P = ParamSpec("P")
T = TypeVar("T")


def fresh(
    function: Callable[P, T],
    processors: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Callable[P, T]:
    """Return ``function`` as it runs in a new process; arguments, result and errors are pickled.

    The process has ``processors`` of the machine's, where the system can hold it
    to them, so that a library that takes every processor it sees takes no more;
    ``environment`` adds to the process's variables. Raises `UnsupportedError`
    where the process dies, as it does without memory.
    """

    def call(*arguments: P.args, **named: P.kwargs) -> T:
        prepare = (processors, dict(environment or {}))
        context = get_context("spawn")
        try:
            with ProcessPoolExecutor(1, context, _prepare, prepare) as pool:
                return pool.submit(function, *arguments, **named).result()
        except BrokenProcessPool:
            raise UnsupportedError("its process was ended, perhaps for want of memory") from None

    return call


def _prepare(processors: int | None, environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    if processors is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:processors])
