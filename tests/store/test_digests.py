"""A row that is not as it was written is noticed, and no other."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
from foreign import change
from large_store import begun, epoch_of, write_large

from assay.records.runs import LayerRecord, RunId, Status
from assay.store import SQLiteStore, digests
from assay.store.lookup import DATABASE
from assay.store.salvage import altered_rows

RUN = RunId("rate-000", 0)


@pytest.fixture
def folder(tmp_path: Path, random_epoch) -> Path:
    """A store whose values SQLite does not all keep as they were given."""
    write_large(tmp_path, 2, 2, 3)
    store = SQLiteStore.open(tmp_path / DATABASE, write=True)
    layer = LayerRecord(3, "\u00e4\U0001fae0", -0.0, inf, 1, None, np.float64(0.1), None, 5e-324)
    store.add_epoch(RUN, replace(random_epoch, train_loss=nan, seconds=1, valid_loss=-0.0), [layer])
    row = next(row for row in store.runs() if row.id == RUN)
    store.add_run(replace(row, message="\ud83e\udee0".encode("utf-16", "surrogatepass").decode("utf-16")))
    store.add_run(replace(begun("rate-001", 1), status=Status.FAILED, host="one, then other", stuck=False))
    store.close()
    return tmp_path


@pytest.fixture
def random_epoch():
    from random import Random

    return epoch_of(3, Random(0))


def cells(folder: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        return [
            (table, row[1])
            for table in digests.TABLES
            for row in connection.execute(f"PRAGMA table_info({table})").fetchall()
        ]


def test_what_a_store_has_written_is_as_it_was_written(folder):
    """Also once another process has read it, and after a migration of what had no digests."""
    assert altered_rows(folder / DATABASE) == []


def test_one_bit_of_any_cell_is_noticed(folder):
    """Exactly the row that it is of is named, and the bit that is flipped back makes it whole."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        digests.install(connection)
        connection.execute("BEGIN")
        for table, column in cells(folder):
            query = f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL LIMIT 1"
            for row, value in connection.execute(query).fetchall():
                for new, expected in ((flipped(value), 1), (value, 0)):
                    connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, row))
                    found = [key for each in digests.TABLES for key in digests.altered(connection, each)]
                    assert len(found) == expected, (table, column, value, new)
        connection.rollback()


def flipped(value: object) -> object:
    """Return a value with a bit flipped, as far as one can."""
    match value:
        case float():
            return float(np.nextafter(value, -inf if value else inf))
        case int():
            return value ^ 64  # 0 and 1 are both seeds
        case bytes():
            return value[:-1] + bytes([value[-1] ^ 1])
        case str():
            return "pending" if value in ("done", "failed") else chr(ord(value[0]) ^ 1) + value[1:]
    raise AssertionError(value)


def test_a_value_that_changes_its_place_is_noticed(folder):
    change(folder, ("UPDATE epoch SET train_loss = valid_loss, valid_loss = train_loss",), told=False)
    assert len(altered_rows(folder / DATABASE)) == 12


def test_null_is_a_value(folder):
    """One between others, though those at the end of a row are left out of its digest."""
    change(folder, ("UPDATE run SET valid_best = NULL WHERE rowid = 1",), told=False)
    change(folder, ("UPDATE run SET host = 'another' WHERE host IS NULL AND rowid = 1",), told=False)
    assert len(altered_rows(folder / DATABASE)) == 1
    change(folder, ("UPDATE run SET host = 'another' WHERE rowid = 2",), told=False)
    assert len(altered_rows(folder / DATABASE)) == 2


def test_a_value_that_takes_the_place_of_null_is_noticed(folder):
    which = "WHERE (arm, seed) = ('rate-001', 1)"
    change(folder, (f"UPDATE run SET valid_best = 0.5 {which}",))
    assert altered_rows(folder / DATABASE) == []
    change(folder, (f"UPDATE run SET valid_best = NULL, valid_final = 0.5 {which}",), told=False)
    assert len(altered_rows(folder / DATABASE)) == 1
