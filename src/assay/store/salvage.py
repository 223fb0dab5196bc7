"""Salvage what can still be read of a damaged store, row by row, into a new store."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from assay.errors import StoreError
from assay.store import digests
from assay.store.connection import connect_to_read
from assay.store.database import APPLICATION_ID
from assay.store.digests import TABLES
from assay.store.migrations import OLDEST, VERSION, schema

MOST_NAMED = 20
"""How many altered rows of a table are named."""
FURTHEST = 10_000
"""How many further row numbers are tried, one by one, after one that cannot be read."""


def salvage_store(source: Path, target: Path) -> dict[str, tuple[int, int]]:
    """Copy what can be read of the database ``source`` into the new ``target``, and return what was found.

    The result maps each table to the number of rows copied and the number that could not be read or stored.
    A run with a row that was altered is left out whole, and can be trained again. The copy has the format of
    its source. Raises `StoreError` if the file is not a store at all.
    """
    with (
        closing(connect_to_read(source)) as old,
        closing(sqlite3.connect(target, isolation_level=None)) as new,
    ):
        version = _lay_out(source, old, new)
        new.execute("BEGIN")
        real = _tables(old)
        found = {table: _copy(old, new, table) if table in real else (0, 0) for table in TABLES}
        if version == VERSION:
            _leave_out_altered(new, found)
        new.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        new.execute(f"PRAGMA user_version = {version}")
        new.execute("COMMIT")
    return found


def _lay_out(source: Path, old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    """Create the tables of the old store: as it declares them, or else as this version does."""
    try:
        [version] = old.execute("PRAGMA user_version").fetchone()
        tables = old.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
        statements = [text for name, text in tables if name in TABLES]
    except sqlite3.Error as error:
        raise StoreError(f"{source}: nothing can be read of it ({error})") from None
    if not statements or not OLDEST <= version <= VERSION:
        raise StoreError(f"{source}: not a store that this assay reads (format {version})")
    if version == VERSION:
        statements = schema()
    try:
        for statement in statements:
            new.execute(statement)
    except sqlite3.Error as error:
        raise StoreError(f"{source}: its tables cannot be made again ({error})") from None
    return int(version)


def _tables(connection: sqlite3.Connection) -> set[str]:
    """Return the names of the tables that are tables: a view in the place of one may never end."""
    return {name for (name,) in connection.execute("SELECT name FROM pragma_table_list WHERE type = 'table'")}


def _copy(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> tuple[int, int]:
    copied = lost = 0
    columns = [str(row[1]) for row in new.execute(f"PRAGMA table_info({table})")]
    query = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' for _ in columns)})"
    for row in _rows(old, table, columns):
        try:
            if row is None:
                lost += 1
            else:
                new.execute(query, row)
                copied += 1
        except sqlite3.Error:
            lost += 1
    return copied, lost


def _leave_out_altered(new: sqlite3.Connection, found: dict[str, tuple[int, int]]) -> None:
    """Remove every run with a row that is not as it was written; count its rows as lost."""
    digests.install(new)
    of_runs = [table for table in TABLES if table != "header"]
    altered = {(key["arm"], key["seed"]) for table in of_runs for key in digests.altered(new, table)}
    for table in of_runs:
        gone = new.executemany(f"DELETE FROM {table} WHERE arm = ? AND seed = ?", [*altered]).rowcount
        copied, lost = found[table]
        found[table] = copied - max(gone, 0), lost + max(gone, 0)


def altered_rows(path: Path) -> list[str]:
    """Return a sentence for each row that is not as it was written, if the tables can be read at all.

    The rows of a store of an older format carry no digests.
    """
    said: list[str] = []
    with (
        suppress(StoreError, sqlite3.Error),
        closing(connect_to_read(path)) as connection,
    ):
        [version] = connection.execute("PRAGMA user_version").fetchone()
        for table in sorted(_tables(connection) & {*TABLES}) if version == VERSION else ():
            keys = [*digests.altered(connection, table)]
            said += [digests.named(table, key) for key in keys[:MOST_NAMED]]
            if len(keys) > MOST_NAMED:
                said.append(f"table {table}: so are {len(keys) - MOST_NAMED:,} more of its rows")
    return said


def _rows(old: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[tuple[object, ...] | None]:
    """Yield each row, and None for one that cannot be read; after that, rows are requested by number."""
    query = f"SELECT rowid, {', '.join(columns)} FROM {table} WHERE rowid > ? ORDER BY rowid"
    last, tries = 0, 0
    while tries < FURTHEST:
        try:
            for row in old.execute(query, (last,)):
                last, tries = row[0], 0
                yield row[1:]
        except sqlite3.Error:
            tries += 1
            last += 1
            if tries == 1:
                yield None
        else:
            return


def sound(path: Path) -> str | None:
    """Return what SQLite finds wrong with a whole database; None if nothing is."""
    try:
        with closing(connect_to_read(path)) as connection:
            [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except (StoreError, sqlite3.Error) as error:
        found = str(error)
    return None if found == "ok" else " ".join(str(found).split())[:200]
