"""A store that a foreign hand has changed."""

import sqlite3
from contextlib import closing
from pathlib import Path

from assay.store import digests
from assay.store.lookup import DATABASE


def change(folder: Path, *statements: tuple[object, ...], told: bool = True) -> bool:
    """Execute SQL, each statement with its values; return whether SQLite agreed to hold that.

    Unless the hand is not ``told`` of digests, it writes those of what it has changed.
    """
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        digests.install(connection)
        try:
            for statement, *values in statements:
                connection.execute(str(statement), values)
        except (sqlite3.IntegrityError, OverflowError):
            return False
        if told:
            query = "SELECT t.name FROM pragma_table_list AS t, pragma_table_info(t.name) AS c"
            for (table,) in connection.execute(f"{query} WHERE c.name = 'digest'").fetchall():
                digests.write(connection, table)
        connection.commit()
    return True
