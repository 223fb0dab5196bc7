"""The other end of `assay.running.processes`: what a worker's process does.

It is given two file descriptors: a socket, over which it takes the context and then tasks and sends messages,
and a file, in which it leaves why it died, where it still can.
"""

import ctypes
import faulthandler
import os
import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from assay.records.garbage import collect_seldom

DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG: a signal that the kernel sends when the parent has ended


@dataclass(frozen=True)
class Free:
    """The worker has finished a task; ``interrupted`` if `work` let a KeyboardInterrupt through."""

    interrupted: bool = False


def serve(pipe: "Connection[Any, Any]") -> None:
    """Do the tasks that come through ``pipe``, until None comes, on a device by this process's place."""
    sys.path[:] = pipe.recv()  # first, for what follows may be of any module that the parent knows
    from threadpoolctl import threadpool_limits

    from assay.running.worker import work

    sent, data, place = pipe.recv()
    received = sent.received(data)
    with threadpool_limits(limits=1):
        while (task := pipe.recv()) is not None:
            context = received.context(task.arm)
            engine = context.plan.cohort(task.arm).engine
            try:
                with engine.on_device(place % engine.devices):
                    work(context, task, pipe.send)
            except KeyboardInterrupt:
                pipe.send(Free(interrupted=True))
            else:
                pipe.send(Free())


def main(socket: int, grave: int, parent: int) -> None:
    """Serve; an error that is not a run's own is written to the file ``grave``."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent hears them too, and says what is to be done
        signal.signal(number, signal.SIG_IGN)
    _die_with(parent)
    collect_seldom()
    with open(grave, "w", encoding="utf-8", errors="backslashreplace") as file:
        faulthandler.enable(file)
        try:
            with suppress(EOFError, ConnectionError), Connection(socket) as pipe:  # the parent has gone
                serve(pipe)
        except BaseException:
            traceback.print_exc(file=file)
            file.flush()
            os._exit(1)


def _die_with(parent: int) -> None:
    """Let the kernel end this process when its parent ends, where it can; else the next message does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
