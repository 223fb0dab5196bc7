"""What can still be read of a damaged store, row by row, in a store of its own."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from assay.errors import StoreError
from assay.store.migrations import OLDEST, VERSION
from assay.store.sqlite import APPLICATION_ID

TABLES = ("header", "run", "epoch", "layer", "answer", "test_opening")
FURTHEST = 10_000
"""Row numbers that are tried, one after the other, after one that cannot be read."""


def salvage_store(source: Path, target: Path) -> dict[str, tuple[int, int]]:
    """Copy what can be read of the database ``source`` into the new ``target``, and return what was found.

    That is by table how many rows were copied, and how many could not be read or stored.
    The copy has the format of its source. Raises `StoreError` where the file is no store at all.
    """
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target, isolation_level=None)) as new,
    ):
        version = _lay_out(source, old, new)
        new.execute("BEGIN")
        found = {table: _copy(old, new, table) for table in TABLES}
        new.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        new.execute(f"PRAGMA user_version = {version}")
        new.execute("COMMIT")
    return found


def _lay_out(source: Path, old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    """Make the tables of the old store: as it says itself, or as this version does."""
    try:
        [version] = old.execute("PRAGMA user_version").fetchone()
        schema = [text for (text,) in old.execute("SELECT sql FROM sqlite_master WHERE type = 'table'")]
    except sqlite3.Error as error:
        raise StoreError(f"{source}: nothing can be read of it ({error})") from None
    if not schema or not OLDEST <= version <= VERSION:
        raise StoreError(f"{source}: not a store that this assay reads (format {version})")
    if version == VERSION:
        schema = files("assay.store").joinpath("schema.sql").read_text("utf-8").split(";\n")
    for statement in schema:
        new.execute(statement)
    return int(version)


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


def _rows(old: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[tuple[object, ...] | None]:
    """Yield each row, and None for one that cannot be read; behind it, rows are asked for by number."""
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
    """Return what SQLite finds wrong with a whole database; None where nothing is."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        found = str(error)
    return None if found == "ok" else " ".join(str(found).split())[:200]
