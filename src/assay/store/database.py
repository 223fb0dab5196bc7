"""A SQLite file of assay's, in WAL mode: its format, reads and errors, and transactions that are on disk.

What its tables hold is for `assay.store.sqlite`.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assay.errors import StoreError
from assay.store import digests
from assay.store.connection import connect, connect_to_read, in_memory
from assay.store.migrations import OLDEST, VERSION, migrate, schema

APPLICATION_ID = 0x41535359  # "ASSY", so that another program's database is not taken for ours


class Database:
    """The file ``path``; `create` makes a new one, `open` opens an existing one."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self._closed = False
        self._file: tuple[int, int] | None = None
        """The file that is written, by device and number; None where it is not watched."""

    @classmethod
    def create(cls, path: Path) -> "Database":
        """Make a new file, still without tables."""
        database = cls(path, connect(path, "rwc"))
        try:
            database._prepare_to_write()
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def open(cls, path: Path, *, write: bool, checked: bool) -> "Database":
        """Open an existing file and bring it to this format; `StoreError` if it is not one of ours.

        Unless ``checked``, its pages are not read through for damage: for a file that was opened before.
        """
        database = cls(path, connect(path, "rw") if write else connect_to_read(path))
        try:
            version = database._check_format(checked)
            if write:
                database._file = _file(path)
                database._prepare_to_write()
            if version < VERSION:
                database._bring_up_to_date(write)
        except BaseException:
            database.close()
            raise
        return database

    def lay_out(self) -> None:
        """Create the tables of this format; inside `transaction`."""
        for statement in schema():
            self.connection.execute(statement)
        self.connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self.connection.execute(f"PRAGMA user_version = {VERSION}")

    def read(self, query: str, *values: object, into: Callable[[sqlite3.Row], Any] = tuple) -> list[Any]:
        """Return what ``into`` makes of each row; `StoreError` for what cannot be read."""
        if self._closed:
            raise StoreError(f"{self.path}: is closed (open the folder again to read more of it)")
        try:
            return [into(row) for row in self.connection.execute(query, values)]
        except (sqlite3.Error, ValueError, TypeError, LookupError) as error:
            reason = " ".join(str(error).split())[:200]  # a schema that is no longer SQL is quoted in full
            raise StoreError(f"{self.path}: cannot be read, or damaged ({reason})") from None

    def execute(self, statement: str, *values: object) -> None:
        """Carry out a statement; inside `transaction`."""
        self.connection.execute(statement, values)

    def put(self, table: str, *rows: dict[str, Any]) -> None:
        """Write rows of the same columns, each in the place of one with its key; inside `transaction`."""
        columns, marks = _named(rows[0])
        insert = f"INSERT OR REPLACE INTO {table} ({columns}, digest) VALUES ({marks}, x'') RETURNING rowid"
        numbers = []
        for row in rows:
            [(number,)] = self.connection.execute(insert, tuple(row.values()))
            numbers.append(number)
        digests.write(self.connection, table, numbers)

    def put_in_order(self, table: str, key: str, row: dict[str, Any]) -> None:
        """Write a row as `put` does, but let one with its ``key`` keep its number, and so its order."""
        columns, marks = _named(row)
        updates = ", ".join(f"{name} = excluded.{name}" for name in row)
        [(number,)] = self.connection.execute(
            f"INSERT INTO {table} ({columns}, digest) VALUES ({marks}, x'') "
            f"ON CONFLICT ({key}) DO UPDATE SET {updates} RETURNING rowid",
            tuple(row.values()),
        )
        digests.write(self.connection, table, [number])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything or nothing; on disk when it returns, or when the one that it is part of does."""
        if self.connection.in_transaction:
            yield
            return
        if self._file not in (None, _file(self.path)):
            raise StoreError(
                f"{self.path}: was moved or removed while it was written (the same command begins anew, or "
                "continues it with --out where it lies now)"
            )
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: cannot be written ({error})") from None
        finally:
            self.connection.rollback()  # of what was not committed

    def close(self) -> None:
        """Close the file; reading afterwards raises `StoreError`."""
        self._closed = True
        self.connection.close()

    def _check_format(self, checked: bool) -> int:
        """Return the file's format; raise `StoreError` if it cannot be read."""
        found, version = (self.read(f"PRAGMA {key}")[0][0] for key in ("application_id", "user_version"))
        if found != APPLICATION_ID:
            raise StoreError(f"{self.path}: a SQLite database, but not of assay's (choose another folder)")
        if not OLDEST <= version <= VERSION:
            age = "a newer" if version > VERSION else "an older"
            raise StoreError(f"{self.path}: made by {age} assay (format {version}, this one reads {VERSION})")
        # A trigger would run with what is written, and a view in a table's place may never end.
        found = self.read("SELECT type, name FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL")
        for kind, name in found:
            raise StoreError(
                f"{self.path}: cannot be believed: has a {kind} {name!r:.80}, and assay makes none "
                "(drop it, or `assay salvage`)"
            )
        # Half a second for a million epochs.
        fault = self.read("PRAGMA quick_check(1)")[0][0] if checked else "ok"
        if fault != "ok":
            raise StoreError(f"{self.path}: damaged ({fault.splitlines()[-1]})")
        return int(version)

    def _bring_up_to_date(self, write: bool) -> None:
        """Migrate the file, or, where it is only read, a copy of it in memory."""
        try:
            if not write:
                self.connection = in_memory(self.connection)
            with self.transaction():
                migrate(self.connection)
        except (sqlite3.Error, ValueError, TypeError, AttributeError, LookupError) as error:
            raise StoreError(f"{self.path}: of an older format, and damaged ({error})") from None

    def _prepare_to_write(self) -> None:
        """Let others read during a write, and have transactions on disk when they return.

        SQLite does without its write-ahead log where a file system lacks shared memory; one that does often
        has no locks that work either, so nothing is kept there.
        """
        [(mode,)] = self.read("PRAGMA journal_mode = WAL")
        if mode != "wal":
            raise StoreError(
                f"{self.path}: SQLite cannot share memory here, and found {mode!r} instead of its "
                "write-ahead log (a network drive? choose an --out on a local disk)"
            )
        self.read("PRAGMA synchronous = FULL")


def _named(row: dict[str, Any]) -> tuple[str, str]:
    """Return the names of a row's columns, and a mark for each of its values."""
    return ", ".join(row), ", ".join("?" for _ in row)


def _file(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
