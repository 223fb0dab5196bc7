"""The store in one SQLite file, in WAL mode."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from assay.errors import StoreError, one_line
from assay.records.runs import EpochRecord, LayerRecord, RunId, RunRecord
from assay.store import digests
from assay.store.checks import check
from assay.store.connection import connect, connect_to_read, in_memory
from assay.store.contract import Header, Store
from assay.store.lookup import DATABASE, none_at
from assay.store.migrations import OLDEST, VERSION, migrate, schema
from assay.store.row_records import (
    EPOCH_FIELDS,
    epoch_of,
    epoch_values,
    layer_of,
    layer_values,
    run_of,
    run_values,
)
from assay.study.study import Study

APPLICATION_ID = 0x41535359  # "ASSY", so that another program's database is not taken for ours
_EPOCH_COLUMNS = ", ".join(EPOCH_FIELDS)


class SQLiteStore(Store):
    """A store in the file ``path``; `create` makes a new one, `open` opens an existing one."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._header: Header | None = None
        self._closed = False
        self._file: tuple[int, int] | None = None
        """The file that is written, by device and number; None where it is not watched."""

    @classmethod
    def create(cls, path: Path, header: Header) -> "SQLiteStore":
        """Make a store in a new file."""
        store = cls(path, connect(path, "rwc"))
        try:
            store._prepare_to_write()
            with store._transaction():
                store._lay_out(header)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open(cls, path: Path, *, write: bool = False, checked: bool = True) -> "SQLiteStore":
        """Open an existing store; `StoreError` if the file is not one of ours.

        Unless ``checked``, its pages are not read through for damage: for a file that was opened before.
        """
        if not os.path.isfile(path):  # which, unlike Path.is_file, never raises
            raise StoreError(none_at(path.parent) if path.name == DATABASE else f"{path}: no results here")
        store = cls(path, connect(path, "rw") if write else connect_to_read(path))
        try:
            version = store._check_format(checked)
            if write:
                store._file = _file(path)
                store._prepare_to_write()
            if version < VERSION:
                store._bring_up_to_date(write)
        except BaseException:
            store.close()
            raise
        return store

    @property
    def header(self) -> Header:
        """What the runs have in common."""
        if self._header is None:
            rows = self._read("SELECT key, value FROM header")
            try:
                values: dict[str, Any] = {key: json.loads(value) for key, value in rows}
                self._header = Header(**{**values, "classes": (*values["classes"],)})
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise StoreError(f"{self.path}: its header is damaged ({one_line(str(error))})") from None
        return self._header

    def check(self) -> Study:
        """Return the study; `StoreError` unless the contents can be trusted, whoever wrote them."""
        return check(self.path, self._connection, self.header)

    def add_run(self, run: RunRecord) -> None:
        """Record a run or its current status."""
        with self._transaction():
            self._put_run(run)

    def add_runs(self, runs: Iterable[RunRecord]) -> None:
        """Record many runs, all or none: to flush each by itself would take minutes for thousands."""
        with self._transaction():
            for run in runs:
                self._put_run(run)

    def add_epoch(self, run: RunId, record: EpochRecord, layers: Sequence[LayerRecord] = ()) -> None:
        """Record an epoch and its layer records, all or nothing."""
        key = {"arm": run.arm, "seed": run.seed}
        with self._transaction():
            self._put("epoch", key | epoch_values(record))
            if layers:
                self._put("layer", *(key | layer_values(layer) for layer in layers))

    def drop_epochs(self, run: RunId, after: int) -> None:
        """Remove a run's epochs beyond ``after``, with their layer records, all or nothing; 0 for all."""
        with self._transaction():
            for table, last in (("epoch", after), ("layer", after or -1)):  # layers begin with epoch 0
                condition = "arm = ? AND seed = ? AND epoch > ?"
                self._connection.execute(f"DELETE FROM {table} WHERE {condition}", (run.arm, run.seed, last))

    def finish(self, run: RunRecord, predicted: NDArray[np.int64], correct: NDArray[np.bool_]) -> None:
        """Record a finished run, its answers and the opening of the test set, all or nothing."""
        key = {"arm": run.arm, "seed": run.seed}
        with self._transaction():
            answers = {"correct": np.packbits(correct).tobytes(), "predicted": _bytes(predicted)}
            self._put("answer", {**key, **answers})
            opened = {**key, "at": datetime.now(UTC).isoformat(timespec="seconds")}
            self._put("test_opening", opened)
            self._put_run(run)

    def runs(self) -> list[RunRecord]:
        """Return every run, in the order they were added."""
        return self._read("SELECT * FROM run ORDER BY rowid", into=run_of)

    def epochs(self, run: RunId) -> list[EpochRecord]:
        """Return a run's epochs in order."""
        query = f"SELECT {_EPOCH_COLUMNS} FROM epoch WHERE arm = ? AND seed = ? ORDER BY epoch"
        return self._read(query, run.arm, run.seed, into=epoch_of)

    def epochs_since(self, last: int) -> tuple[list[tuple[RunId, EpochRecord]], int]:
        """Return the epochs added since the row ``last``, that row included, and which is now the last.

        Row 0 is before all. A record that is written again becomes a new row, or the last one again; where
        epochs were dropped (`epoch_count`), new ones may take the places of the last.
        """
        query = f"SELECT {_EPOCH_COLUMNS}, arm, seed, rowid FROM epoch WHERE rowid >= ? ORDER BY rowid"
        rows = self._read(query, last, into=lambda row: (RunId(*row[-3:-1]), epoch_of(row[:-3]), row[-1]))
        return [(run, record) for run, record, _ in rows], rows[-1][2] if rows else last

    def epoch_count(self) -> int:
        """Return how many epochs all runs have together."""
        return int(self._read("SELECT count(*) FROM epoch")[0][0])

    def layers(self, run: RunId) -> list[LayerRecord]:
        """Return a run's layer records, epoch by epoch, in the network's order."""
        query = "SELECT * FROM layer WHERE arm = ? AND seed = ? ORDER BY epoch, rowid"
        return self._read(query, run.arm, run.seed, into=layer_of)

    def correct(self, run: RunId) -> NDArray[np.bool_]:
        """Return which test examples a finished run got right."""
        bits = np.frombuffer(self._answer("correct", run), np.uint8)
        return np.unpackbits(bits, count=self.header.sizes["test"]).astype(bool)

    def predicted(self, run: RunId) -> NDArray[np.int64]:
        """Return the label that a finished run gave each test example."""
        labels = np.frombuffer(self._answer("predicted", run), np.uint8).astype(np.int64)
        if labels.max() >= len(self.header.classes):
            raise StoreError(f"{self.path}: {run} answers {labels.max()}, which is no class (damaged)")
        return labels

    def test_openings(self) -> int:
        """Return how often the test set was used."""
        return int(self._read("SELECT count(*) FROM test_opening")[0][0])

    def __enter__(self) -> Self:
        """Return the store, which is closed when the block exits."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._closed = True
        self._connection.close()

    def _answer(self, column: str, run: RunId) -> bytes:
        rows = self._read(f"SELECT {column} FROM answer WHERE arm = ? AND seed = ?", run.arm, run.seed)
        if not rows:
            raise StoreError(f"{self.path}: {run} has no test answers (it is not finished)")
        return bytes(rows[0][0])

    def _check_format(self, checked: bool) -> int:
        """Return the file's format; raise `StoreError` if it cannot be read."""
        found, version = (self._read(f"PRAGMA {key}")[0][0] for key in ("application_id", "user_version"))
        if found != APPLICATION_ID:
            raise StoreError(f"{self.path}: a SQLite database, but not of assay's (choose another folder)")
        if not OLDEST <= version <= VERSION:
            age = "a newer" if version > VERSION else "an older"
            raise StoreError(f"{self.path}: made by {age} assay (format {version}, this one reads {VERSION})")
        # A trigger would run with what is written, and a view in a table's place may never end.
        found = self._read("SELECT type, name FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL")
        for kind, name in found:
            raise StoreError(
                f"{self.path}: cannot be believed: has a {kind} {name!r:.80}, and assay makes none "
                "(drop it, or `assay salvage`)"
            )
        # Half a second for a million epochs.
        fault = self._read("PRAGMA quick_check(1)")[0][0] if checked else "ok"
        if fault != "ok":
            raise StoreError(f"{self.path}: damaged ({fault.splitlines()[-1]})")
        return int(version)

    def _bring_up_to_date(self, write: bool) -> None:
        """Migrate the file, or, where it is only read, a copy of it in memory."""
        try:
            if not write:
                self._connection = in_memory(self._connection)
            with self._transaction():
                migrate(self._connection)
        except (sqlite3.Error, ValueError, TypeError, AttributeError, LookupError) as error:
            raise StoreError(f"{self.path}: of an older format, and damaged ({error})") from None

    def _prepare_to_write(self) -> None:
        """Let others read during a write, and have transactions on disk when they return.

        SQLite does without its write-ahead log where a file system lacks shared memory; one that does often
        has no locks that work either, so nothing is kept there.
        """
        [(mode,)] = self._read("PRAGMA journal_mode = WAL")
        if mode != "wal":
            raise StoreError(
                f"{self.path}: SQLite cannot share memory here, and found {mode!r} instead of its "
                "write-ahead log (a network drive? choose an --out on a local disk)"
            )
        self._read("PRAGMA synchronous = FULL")

    def _lay_out(self, header: Header) -> None:
        for statement in schema():
            self._connection.execute(statement)
        for key, value in asdict(header).items():
            self._put("header", {"key": key, "value": json.dumps(value)})
        self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def _read(self, query: str, *values: object, into: Callable[[sqlite3.Row], Any] = tuple) -> list[Any]:
        if self._closed:
            raise StoreError(f"{self.path}: is closed (open the folder again to read more of it)")
        try:
            return [into(row) for row in self._connection.execute(query, values)]
        except (sqlite3.Error, ValueError, TypeError, LookupError) as error:
            reason = " ".join(str(error).split())[:200]  # a schema that is no longer SQL is quoted in full
            raise StoreError(f"{self.path}: cannot be read, or damaged ({reason})") from None

    def _put(self, table: str, *rows: dict[str, Any]) -> None:
        columns, marks = ", ".join(rows[0]), ", ".join("?" for _ in rows[0])
        insert = f"INSERT OR REPLACE INTO {table} ({columns}, digest) VALUES ({marks}, x'') RETURNING rowid"
        numbers = []
        for row in rows:
            [(number,)] = self._connection.execute(insert, tuple(row.values()))
            numbers.append(number)
        digests.write(self._connection, table, numbers)

    def _put_run(self, run: RunRecord) -> None:
        values = run_values(run)
        updates = ", ".join(f"{key} = excluded.{key}" for key in values)
        columns, marks = ", ".join(values), ", ".join("?" for _ in values)
        [(number,)] = self._connection.execute(
            f"INSERT INTO run ({columns}, digest) VALUES ({marks}, x'') "
            f"ON CONFLICT (arm, seed) DO UPDATE SET {updates} RETURNING rowid",
            tuple(values.values()),
        )
        digests.write(self._connection, "run", [number])

    def together(self) -> AbstractContextManager[None]:
        """Return a context whose records are written in one transaction: each takes milliseconds."""
        return self._transaction()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Write everything or nothing; on disk when it returns, or when the one that it is part of does."""
        if self._connection.in_transaction:
            yield
            return
        if self._file not in (None, _file(self.path)):
            raise StoreError(
                f"{self.path}: was moved or removed while it was written (the same command begins anew, or "
                "continues it with --out where it lies now)"
            )
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: cannot be written ({error})") from None
        finally:
            self._connection.rollback()  # of what was not committed


def _file(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _bytes(predicted: NDArray[np.int64]) -> bytes:
    return predicted.astype(np.uint8).tobytes()
