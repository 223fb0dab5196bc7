"""The command's process: signals, memory, and standard streams that are closed, full or lack characters."""

import errno
import io
import logging
import os
import signal
import sys
import warnings
from contextlib import suppress
from types import FrameType
from typing import TextIO

from assay.errors import UsageError
from assay.records.free_memory import UNKNOWN, address_limit

INTERRUPTED = 130
"""The exit status of a command that was stopped with Ctrl-C."""
WRONG = 2
"""The exit status of a command that ends with an error that the user can fix."""
TERMINATED = 143
"""The exit status of a command that was stopped with SIGTERM, as by ``kill`` or a machine being shut down."""
_stopped_with = [INTERRUPTED]
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EBADF, errno.EIO)
SHORTAGES = {
    errno.EMFILE: "`ulimit -n` allows too few: raise it",
    errno.ENFILE: "the machine has too many open files: end some programs",
    errno.EAGAIN: "`ulimit -u` allows too few processes and threads: raise it, or use fewer --workers",
    errno.ENOSPC: "free some of it",
    errno.EDQUOT: "free some of it",
    errno.EFBIG: "`ulimit -f` allows too few bytes a file: raise it",
    errno.EROFS: "name another folder",
    errno.EACCES: "look at its permissions, or name another folder",
    errno.EPERM: "look at its permissions, or name another folder",
    errno.EIO: "look at the disk",
}
"""What to do where the system grants no more."""
LEAST_MEMORY = 200 << 20
"""Address space that any command needs, to import NumPy."""
NO_ROOM = ("failed to map", "cannot allocate memory", "can't start new thread", "out of memory")
"""How libraries that cannot be loaded, and threads that cannot be started, say it."""
_SHOW_CURSOR = b"\x1b[?25h"


def heed_interrupts() -> None:
    """Let Ctrl-C and SIGTERM end the process silently as long as nothing has begun.

    Where one is ignored, as Ctrl-C is in a shell's background jobs, it stays ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL):
            signal.signal(number, _leave)


def begin() -> None:
    """From now on, let a first Ctrl-C or SIGTERM stop the command cleanly, and a second one at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is _leave:
            signal.signal(number, _stop)


def is_stopped() -> bool:
    """Whether a signal has stopped the command."""
    return len(_stopped_with) > 1


def stopped() -> int:
    """Return the exit status of a command that a signal has stopped."""
    return _stopped_with[-1]


def end(status: int) -> None:
    """Let Python exit normally; if the command was stopped, end the process directly.

    If Ctrl-C arrived while a class was being created, Python would die of the signal and lose the status.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if status in (INTERRUPTED, TERMINATED):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(status)


def expect_memory() -> None:
    """Raise `MemoryError` where there is not even room for the libraries that every command needs."""
    if (limit := address_limit()) < LEAST_MEMORY:
        raise MemoryError(f"ulimit -v leaves {limit >> 20:,} MiB, a command takes {LEAST_MEMORY >> 20:,}")


def expect_folder() -> None:
    """Raise `UsageError` where the current folder has been removed, from which libraries cannot be loaded."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise UsageError("the current folder has been removed (go to another: cd)") from None


def shortage(error: BaseException | None) -> str:
    """Say what the system did not grant, if an error, or one that caused it, is of that; else empty."""
    if error is None:
        return ""
    number, where = getattr(error, "errno", None), getattr(error, "filename", None)
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):
        return "there is no folder for temporary files (set TMPDIR to one that can be written)"
    if number in SHORTAGES:
        return f"{f'{where}: ' if where else ''}{os.strerror(number or 0).lower()} ({SHORTAGES[number or 0]})"
    if "can't start new thread" in str(error) and address_limit() == UNKNOWN:
        return f"can't start new thread ({SHORTAGES[errno.EAGAIN]})"
    return shortage(error.__cause__ or error.__context__)


def is_own(error: ModuleNotFoundError) -> bool:
    """Whether what is not found is a part of assay itself."""
    return (error.name or "assay").partition(".")[0] == "assay"


def lacks(error: ModuleNotFoundError) -> str:
    """Say that a library is not there, which every installation of assay has."""
    alone = " without -S" if sys.flags.no_site else ""
    name = (error.name or "").partition(".")[0]
    return f"the library {name} is not installed for {sys.executable} (start a Python that has it{alone})"


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error says, or was caused by one that says, that memory is short."""
    if error is None:
        return False
    words = str(error).lower()
    short = isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM
    loading = isinstance(error, ImportError | OSError | RuntimeError) and any(
        told in words for told in NO_ROOM
    )
    return short or loading or is_out_of_memory(error.__cause__ or error.__context__)


def _leave(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)  # an exception could get lost in the middle of an import


def _stop(number: int, _frame: FrameType | None) -> None:
    _stopped_with.append(128 + number)
    for each in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(each) is _stop:
            signal.signal(each, _stop_at_once)
    raise KeyboardInterrupt


def _stop_at_once(number: int, _frame: FrameType | None) -> None:
    """Exit without cleaning up, which a results folder survives like any other sudden end."""
    with suppress(OSError):
        if os.isatty(1):  # a live table has hidden it
            os.write(1, _SHOW_CURSOR)
        os.write(2, b"assay: stopped at once\n")
    os._exit(128 + number)


def open_streams() -> None:
    """Make the standard streams safe to write to.

    A stream that the shell has closed is redirected to the null device: otherwise the next file opened would
    take its place. A character that a terminal lacks is shown as a substitute.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(_nowhere(), mode))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")


def tame_libraries() -> None:
    """Keep libraries from what no command needs: words on folders and variables, windows, odd dates."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", "Environment variable 'NUMBA_")  # with a traceback; it leaves it out
    os.environ.pop("MPLBACKEND", None)
    if not os.environ.get("SOURCE_DATE_EPOCH", "0").isdecimal():
        del os.environ["SOURCE_DATE_EPOCH"]  # NumPy cannot be imported with one that is no number


def cannot_write(error: OSError) -> bool:
    """Whether ``error`` says that a stream accepts no more: standard output, or a file on a full disk."""
    return error.filename is None and error.errno in UNWRITABLE


def silence(stream: TextIO) -> None:
    """Discard whatever is still written to ``stream``, since it accepts no more."""
    os.dup2(_nowhere(), stream.fileno())


def _nowhere() -> int:
    """Open the null device; where there is none, a file that ends with the process."""
    try:
        return os.open(os.devnull, os.O_RDWR)
    except OSError:
        return os.memfd_create("nowhere")
