"""A digest in each row, which shows whether the row was altered, by a flipped bit or by hand.

It is not a signature: anyone who knows this file can write a row with the digest that belongs to it.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from assay.errors import one_line

TABLES = ("header", "run", "epoch", "layer", "answer", "test_opening")
"""All tables of a store."""
SIZE = 8  # bytes
KEYS = ("arm", "seed", "epoch", "layer", "key")
"""The columns that say which row is meant."""


def row_digest(*values: object) -> bytes:
    """Return the digest of a row's values, in the order of its columns, without the NULLs at its end.

    So a format that adds columns leaves the digests of earlier rows as they are.
    """
    last = len(values)
    while last and values[last - 1] is None:
        last -= 1
    return blake2b(ascii(values[:last]).encode("ascii"), digest_size=SIZE).digest()


def install(connection: sqlite3.Connection) -> None:
    """Let SQL on this connection compute digests."""
    connection.create_function("row_digest", -1, row_digest, deterministic=True)


def write(connection: sqlite3.Connection, table: str, rows: Iterable[int] | None = None) -> None:
    """Write the digests of the rows with these numbers, or of every row.

    They are of the values as SQLite has stored them, which may differ from those given: -0.0 becomes 0.0.
    """
    update = f"UPDATE {table} SET digest = {_computed(connection, table)}"
    if rows is None:
        connection.execute(update)
    else:
        connection.executemany(f"{update} WHERE rowid = ?", ((row,) for row in rows))


def altered(connection: sqlite3.Connection, table: str) -> Iterator[dict[str, object]]:
    """Yield the key of each row of a table that is not as it was written."""
    keys = [key for key in KEYS if key in _columns(connection, table)]
    query = f"SELECT {', '.join(keys)} FROM {table} WHERE digest <> {_computed(connection, table)}"
    for row in connection.execute(query):
        yield dict(zip(keys, row, strict=True))


def named(table: str, key: dict[str, object]) -> str:
    """Say that the row with a key has been altered."""
    arm, *others = key.values()
    words = [str(arm), *(f"{name} {value}" for name, value in zip([*key][1:], others, strict=True))]
    return one_line(f"{', '.join(words)}: its row in table {table} is not as it was written")


def _computed(connection: sqlite3.Connection, table: str) -> str:
    return f"row_digest({', '.join(_columns(connection, table))})"


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    query = "SELECT name FROM pragma_table_info(?) WHERE name <> 'digest' ORDER BY cid"
    return [str(name) for (name,) in connection.execute(query, (table,))]
