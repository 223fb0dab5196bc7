"""Connections to SQLite files: within limits, waiting for no pipe, and where nobody may write."""

import os
import shutil
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

from assay.errors import StoreError
from assay.store import digests
from assay.store.durable import anchored, is_writable

BUSY_SECONDS = 60.0
TAKES_TURNS = 3  # sqlite3.threadsafety of a library whose connections threads may share
LARGEST = 8 << 20
"""Bytes of a row; the answers on the most examples that there may be take half of them."""
LOGS = ("-wal", "-journal")
"""How the names of SQLite's files end that hold a part of the database beside them."""
BESIDE = (*LOGS, "-shm")
"""How the names of all files end that SQLite keeps beside a database; "-shm" only indexes a log."""
LONGEST_PATH = 511  # characters that every build of SQLite opens


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open a database in one of SQLite's modes, such as "ro"; `StoreError` if that cannot be done."""
    expect_files(path)
    try:
        connection = sqlite3.connect(
            f"{anchored(path).as_uri()}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None,
            check_same_thread=_one_thread(mode),
        )  # fmt: skip
    except sqlite3.Error as error:
        size = len(str(anchored(path)))
        why = f"its path of {size:,} characters may be too long" if size > LONGEST_PATH else error
        raise StoreError(f"{path}: cannot be opened ({why})") from None
    connection.row_factory = sqlite3.Row
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
    digests.install(connection)
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Connect to read. SQLite needs a file shared with a writer; if it cannot create one, there is none.

    In that case, a journal left by a killed writer is read too, in a copy of both.
    """
    journal = path.with_name(f"{path.name}-wal")
    if path.with_name(f"{path.name}-shm").exists() or is_writable(path.parent):
        return connect(path, "ro")
    if not journal.exists() or not journal.stat().st_size:
        return connect(path, "ro&immutable=1")
    try:
        with TemporaryDirectory(prefix="assay-") as place:
            for part in (path, journal):
                shutil.copyfile(part, Path(place) / part.name)
            return in_memory(connect(Path(place) / path.name, "rw"))
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: cannot be read with its journal ({error})") from None


def in_memory(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return a connection to a copy of a database in memory; that to the database is closed."""
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=_one_thread("ro"))
    copy.row_factory = sqlite3.Row
    digests.install(copy)
    connection.backup(copy)
    connection.close()
    return copy


def _one_thread(mode: str) -> bool:
    """Whether a connection is for the thread that opened it: for writing, or where SQLite takes no turns.

    Results may be opened in one thread and read in another, as by ``asyncio.to_thread``.
    """
    return not mode.startswith("ro") or sqlite3.threadsafety < TAKES_TURNS


def expect_files(path: Path) -> None:
    """Raise `StoreError` where something else lies in the place of a file that SQLite keeps beside a store.

    It would wait for a pipe without end.
    """
    for end in BESIDE:
        place = f"{path}{end}"
        if os.path.lexists(place) and not os.path.isfile(place):
            raise StoreError(f"{place}: not a file, in the place of one of SQLite's (remove it)")
