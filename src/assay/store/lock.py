"""One writer at a time in a results folder."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from assay.errors import StoreError

A_LOOK = 0.1  # seconds, and far more than `is_held` takes, which must not keep a run from starting


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this caller; the operating system lets go of it if the process dies.

    The lock is an exclusive transaction on a SQLite file of its own, which
    works alike on every system that SQLite runs on. Raises `StoreError` if
    the folder is held already, or cannot be written.
    """
    path = folder / "lock"
    try:
        connection = sqlite3.connect(path, timeout=A_LOOK, isolation_level=None)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be opened ({error}; choose another --out)") from None
    with closing(connection):
        _take(connection, path)
        yield


def is_held(folder: Path) -> bool:
    """Tell whether a living process holds ``folder``, without taking it; False where none ever did."""
    path = folder / "lock"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as lock:
            lock.execute("SELECT * FROM sqlite_master").fetchall()
    except sqlite3.Error as error:
        return "locked" in str(error)
    return False


def _take(connection: sqlite3.Connection, path: Path) -> None:
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise StoreError(
                f"{path.parent}: a run is already at work here (wait for it, or stop it)"
            ) from None
        raise StoreError(f"{path}: cannot be written ({error}; choose another --out)") from None
