"""A store as it was when it was last looked at, held in memory and read again only where it has grown."""

import os
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from assay.errors import StoreError
from assay.records.runs import EpochRecord, LayerRecord, RunId, RunRecord
from assay.store.contract import Header, Store
from assay.store.sqlite import SQLiteStore
from assay.study.study import Study

Stamp = tuple[tuple[int, int, int], ...]


class Mirror(Store):
    """The store in the file ``path``, to be followed while another process writes it.

    `refresh` asks the file system whether the file has changed, and only then opens it, reads what is new and
    closes it. Between two looks no file is open and nothing is held, so the writer is never in its way.
    Layers and answers are not kept: each call reads them from the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.declared: Study | None = None
        """The study, as it was built when the file was checked."""
        self._stamp: Stamp | None = None
        self._forget()

    def refresh(self) -> frozenset[str]:
        """Read what is new; return the arms whose runs have changed. Raises `StoreError` as opening does."""
        stamp = _stamp(self.path)
        if stamp == self._stamp:
            return frozenset()
        if self._stamp is None or stamp[0][0] != self._stamp[0][0]:  # another file: trust nothing of the old
            self._forget()
        self._stamp = stamp
        try:
            return self._read()
        except StoreError:
            self._stamp = None
            raise

    @property
    def header(self) -> Header:
        """What the runs have in common."""
        if self._header is None:
            self.refresh()
        assert self._header is not None
        return self._header

    def runs(self) -> list[RunRecord]:
        """Return every run, in the order they were added."""
        return [*self._runs.values()]

    def epochs(self, run: RunId) -> list[EpochRecord]:
        """Return a run's epochs in order."""
        kept = self._epochs.get(run, {})
        return [kept[epoch] for epoch in sorted(kept)]

    def layers(self, run: RunId) -> list[LayerRecord]:
        """Return a run's layer records, read from the file."""
        with _opened(self.path) as store:
            return store.layers(run)

    def correct(self, run: RunId) -> NDArray[np.bool_]:
        """Return which test examples a finished run got right, read from the file."""
        with _opened(self.path) as store:
            return store.correct(run)

    def predicted(self, run: RunId) -> NDArray[np.int64]:
        """Return the label that a finished run gave each test example, read from the file."""
        with _opened(self.path) as store:
            return store.predicted(run)

    def test_openings(self) -> int:
        """Return how often the test set was used."""
        return self._openings

    def close(self) -> None:
        """Do nothing: no file is open."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        """Refuse to write."""
        raise StoreError(f"{self.path}: is open for reading only")

    add_run = add_epoch = drop_epochs = finish = _refuse

    def _forget(self) -> None:
        self._header: Header | None = None
        self._runs: dict[RunId, RunRecord] = {}
        self._epochs: dict[RunId, dict[int, EpochRecord]] = {}
        self._last = 0
        self._newest: list[tuple[RunId, EpochRecord]] = []
        """The epoch in the row `_last`, if there is one."""
        self._openings = 0
        self.trained = 0.0
        """Seconds that all epochs took, by the clocks of their sessions, evaluated too."""

    def _read(self) -> frozenset[str]:
        with _opened(self.path, checked=self._header is None) as store:
            if self._header is None:
                self.declared = store.check()
            grown, last = store.epochs_since(self._last)
            if self._header is not None and self._is_another(store, grown):
                self._forget()
                return self._read()
            header, runs, openings = store.header, store.runs(), store.test_openings()
        changed = {run.arm for run in runs if self._runs.get(run.id) != run}
        for run, record in grown:
            kept = self._epochs.setdefault(run, {})
            if (before := kept.get(record.epoch)) != record:
                self.trained += _seconds(record) - (_seconds(before) if before else 0.0)
                kept[record.epoch] = record
                changed.add(run.arm)
        self._header, self._last, self._openings = header, last, openings
        self._newest = grown[-1:] or self._newest
        self._runs = {run.id: run for run in runs}
        return frozenset(changed)

    def _is_another(self, store: SQLiteStore, grown: list[tuple[RunId, EpochRecord]]) -> bool:
        """Whether the file was made anew, if with the same number, or lost epochs: of a run begun anew."""
        known = sum(map(len, self._epochs.values()))
        moved = bool(self._newest) and grown[:1] != self._newest
        return store.header != self._header or moved or store.epoch_count() < known


def _opened(path: Path, *, checked: bool = False) -> SQLiteStore:
    return SQLiteStore.open(path, checked=checked)


def _seconds(record: EpochRecord) -> float:
    return record.seconds + (record.evaluation_seconds or 0.0)


def _stamp(path: Path) -> Stamp:
    """Return what changes with the file or its journal."""
    found = []
    for part in (path, path.with_name(f"{path.name}-wal")):
        try:
            status = os.stat(part)
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)
