"""The store in one SQLite file: which records stand in which of its tables."""

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from assay.errors import StoreError, one_line
from assay.records.runs import EpochRecord, LayerRecord, RunId, RunRecord
from assay.store.checks import check
from assay.store.contract import Header, Store
from assay.store.database import Database
from assay.store.lookup import DATABASE, none_at
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

_EPOCH_COLUMNS = ", ".join(EPOCH_FIELDS)


class SQLiteStore(Store):
    """A store in a ``database``; `create` makes a new one, `open` opens an existing one."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._header: Header | None = None

    @classmethod
    def create(cls, path: Path, header: Header) -> "SQLiteStore":
        """Make a store in a new file."""
        store = cls(Database.create(path))
        try:
            with store.database.transaction():
                store.database.lay_out()
                for key, value in asdict(header).items():
                    store.database.put("header", {"key": key, "value": json.dumps(value)})
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
        return cls(Database.open(path, write=write, checked=checked))

    @property
    def path(self) -> Path:
        """The file."""
        return self.database.path

    @property
    def header(self) -> Header:
        """What the runs have in common."""
        if self._header is None:
            rows = self.database.read("SELECT key, value FROM header")
            try:
                values: dict[str, Any] = {key: json.loads(value) for key, value in rows}
                self._header = Header(**{**values, "classes": (*values["classes"],)})
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise StoreError(f"{self.path}: its header is damaged ({one_line(str(error))})") from None
        return self._header

    def check(self) -> Study:
        """Return the study; `StoreError` unless the contents can be trusted, whoever wrote them."""
        return check(self.path, self.database.connection, self.header)

    def together(self) -> AbstractContextManager[None]:
        """Return a context whose records are written in one transaction: each takes milliseconds."""
        return self.database.transaction()

    def add_run(self, run: RunRecord) -> None:
        """Record a run or its current status."""
        with self.database.transaction():
            self._put_run(run)

    def add_runs(self, runs: Iterable[RunRecord]) -> None:
        """Record many runs, all or none: to flush each by itself would take minutes for thousands."""
        with self.database.transaction():
            for run in runs:
                self._put_run(run)

    def add_epoch(self, run: RunId, record: EpochRecord, layers: Sequence[LayerRecord] = ()) -> None:
        """Record an epoch and its layer records, all or nothing."""
        key = {"arm": run.arm, "seed": run.seed}
        with self.database.transaction():
            self.database.put("epoch", key | epoch_values(record))
            if layers:
                self.database.put("layer", *(key | layer_values(layer) for layer in layers))

    def drop_epochs(self, run: RunId, after: int) -> None:
        """Remove a run's epochs beyond ``after``, with their layer records, all or nothing; 0 for all."""
        with self.database.transaction():
            for table, last in (("epoch", after), ("layer", after or -1)):  # layers begin with epoch 0
                condition = "arm = ? AND seed = ? AND epoch > ?"
                self.database.execute(f"DELETE FROM {table} WHERE {condition}", run.arm, run.seed, last)

    def finish(self, run: RunRecord, predicted: NDArray[np.int64], correct: NDArray[np.bool_]) -> None:
        """Record a finished run, its answers and the opening of the test set, all or nothing."""
        key = {"arm": run.arm, "seed": run.seed}
        with self.database.transaction():
            answers = {"correct": np.packbits(correct).tobytes(), "predicted": _bytes(predicted)}
            self.database.put("answer", {**key, **answers})
            opened = {**key, "at": datetime.now(UTC).isoformat(timespec="seconds")}
            self.database.put("test_opening", opened)
            self._put_run(run)

    def runs(self) -> list[RunRecord]:
        """Return every run, in the order they were added."""
        return self.database.read("SELECT * FROM run ORDER BY rowid", into=run_of)

    def epochs(self, run: RunId) -> list[EpochRecord]:
        """Return a run's epochs in order."""
        query = f"SELECT {_EPOCH_COLUMNS} FROM epoch WHERE arm = ? AND seed = ? ORDER BY epoch"
        return self.database.read(query, run.arm, run.seed, into=epoch_of)

    def epochs_since(self, last: int) -> tuple[list[tuple[RunId, EpochRecord]], int]:
        """Return the epochs added since the row ``last``, that row included, and which is now the last.

        Row 0 is before all. A record that is written again becomes a new row, or the last one again; where
        epochs were dropped (`epoch_count`), new ones may take the places of the last.
        """
        query = f"SELECT {_EPOCH_COLUMNS}, arm, seed, rowid FROM epoch WHERE rowid >= ? ORDER BY rowid"
        rows = self.database.read(
            query, last, into=lambda row: (RunId(*row[-3:-1]), epoch_of(row[:-3]), row[-1])
        )
        return [(run, record) for run, record, _ in rows], rows[-1][2] if rows else last

    def epoch_count(self) -> int:
        """Return how many epochs all runs have together."""
        return int(self.database.read("SELECT count(*) FROM epoch")[0][0])

    def layers(self, run: RunId) -> list[LayerRecord]:
        """Return a run's layer records, epoch by epoch, in the network's order."""
        query = "SELECT * FROM layer WHERE arm = ? AND seed = ? ORDER BY epoch, rowid"
        return self.database.read(query, run.arm, run.seed, into=layer_of)

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
        return int(self.database.read("SELECT count(*) FROM test_opening")[0][0])

    def __enter__(self) -> Self:
        """Return the store, which is closed when the block exits."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def _answer(self, column: str, run: RunId) -> bytes:
        rows = self.database.read(
            f"SELECT {column} FROM answer WHERE arm = ? AND seed = ?", run.arm, run.seed
        )
        if not rows:
            raise StoreError(f"{self.path}: {run} has no test answers (it is not finished)")
        return bytes(rows[0][0])

    def _put_run(self, run: RunRecord) -> None:
        self.database.put_in_order("run", "arm, seed", run_values(run))


def _bytes(predicted: NDArray[np.int64]) -> bytes:
    return predicted.astype(np.uint8).tobytes()
