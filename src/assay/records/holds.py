"""Folders that one process holds at a time: whether another process holds one, and which.

The lock is on the folder itself, so no file in it can be removed to get around it, and the operating
system releases it when its process dies. Windows cannot lock folders; there the lock is on a file, which
cannot be removed while a process has it open.
"""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

BOOT = Path("/proc/sys/kernel/random/boot_id")
A_WHILE = 0.01  # seconds between two attempts

if sys.platform == "win32":
    import msvcrt

    def _open(folder: Path, *, shared: bool) -> int:
        return os.open(folder / "lock", os.O_RDWR | (0 if shared else os.O_CREAT))

    def _lock(descriptor: int, *, shared: bool) -> None:
        del shared  # there is only one kind of lock
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _open(folder: Path, *, shared: bool) -> int:
        del shared
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)

    def _lock(descriptor: int, *, shared: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


@dataclass(frozen=True)
class Holder:
    """A uniquely identified process; ``started`` and ``boot`` are empty where unknown."""

    pid: int
    started: str
    """When the process started, in ticks of its machine's clock."""
    boot: str
    """The id of the machine's boot, since process ids start over with each boot."""
    host: str
    since: str
    """The time since which it holds the folder, UTC."""

    @classmethod
    def this(cls) -> "Holder":
        """Return this process as the holder of a folder from now on."""
        since = datetime.now(UTC).isoformat(" ", "seconds").removesuffix("+00:00")
        return cls(os.getpid(), _started(os.getpid()), _boot(), socket.gethostname(), f"{since} UTC")

    @property
    def gone(self) -> bool:
        """Whether the process is known to have ended; nothing is known about processes on other machines."""
        if self.host != socket.gethostname():
            return False
        return self.boot != _boot() or self.started != _started(self.pid)

    @property
    def died(self) -> bool:
        """Whether the process is known to have ended while this machine kept running."""
        return self.gone and self.boot == _boot()

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


@contextmanager
def hold(folder: Path, wait: float = 0.0, *, shared: bool = False) -> Iterator[bool]:
    """Hold ``folder`` while the block lasts and yield True; yield False if another process holds it.

    Keeps trying for ``wait`` seconds. Holders that only read, ``shared``, do not exclude each other.
    Raises `OSError` if the folder does not exist or cannot be locked.
    """
    descriptor = _open(folder, shared=shared)
    try:
        yield _taken(descriptor, wait, shared)
    finally:
        os.close(descriptor)


def _taken(descriptor: int, wait: float, shared: bool) -> bool:
    end = monotonic() + wait
    while True:
        try:
            _lock(descriptor, shared=shared)
        except (BlockingIOError, PermissionError):  # the latter on Windows
            if monotonic() >= end:
                return False
            sleep(A_WHILE)
        else:
            return True


def is_alive(pid: int) -> bool:
    """Whether this machine has a process with this id; True where nothing is known."""
    if sys.platform == "win32":  # where asking would end it
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # somebody else's
    return True


def _boot() -> str:
    try:
        return BOOT.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _started(pid: int) -> str:
    """Return when a process started; empty if there is no such process, or the system does not say."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2]
        return after_name.split()[19]
    except (OSError, IndexError):
        return ""
