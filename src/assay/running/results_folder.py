"""Where a study's results go: the folder, and the store in it, created whole or opened."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.data import Dataset
from assay.errors import AssayError, StoreError, reason
from assay.records.machine import versions
from assay.store import Header, SQLiteStore, Store
from assay.store.creating import new_store
from assay.store.durable import anchored, make_folder
from assay.store.lookup import DATABASE, RUNS
from assay.store.readout import CODE
from assay.study import kept_code
from assay.study.study import Study
from assay.training.causes import chance


def default_folder(study: Study) -> Path:
    """Return the folder in which a study's results go by default."""
    return Path(RUNS) / study.name


def make_results_folder(folder: Path) -> None:
    """Create a results folder unless it exists; `StoreError` if it cannot be made."""
    if os.path.isfile(folder):
        raise StoreError(f"{folder}: is a file, expected a folder (choose another --out)")
    try:
        make_folder(folder)
    except (OSError, ValueError) as error:  # a null character in a path is a ValueError
        raise StoreError(f"{str(folder)!r}: cannot be made ({reason(error)}; choose another --out)") from None


@contextmanager
def called(folder: Path, place: Path) -> Iterator[None]:
    """Let errors name ``folder`` as its user wrote it, though all is done at its absolute path ``place``."""
    try:
        yield
    except AssayError as error:
        if anchored(folder) == place:  # the process is still in the folder that it was started in
            error.args = (str(error).replace(str(place), str(folder)),)
        raise


def open_store(folder: Path, study: Study, data: Dataset) -> Store:
    """Open the store in ``folder`` for writing, or create it; `StoreError` if its runs saw other data."""
    path = folder / DATABASE
    if not path.exists():
        return _create(path, study, data)
    store = SQLiteStore.open(path, write=True)
    if store.header.data_digest != data.digest:
        store.close()
        raise StoreError(
            f"{folder}: the data of {data.name!r} changed since the first run (use another --out)"
        )
    return store


def _create(path: Path, study: Study, data: Dataset) -> Store:
    """Create the store, with the files of the study's own code beside it."""
    sizes = {"train": len(data.train), "valid": len(data.valid), "test": len(data.test)}
    header = Header(
        study.to_tables(), study.digest, data.digest, data.classes, data.synthetic, sizes, versions(),
        chance(data.train.labels)[1],
    )  # fmt: skip
    kept_code.write(study.code, path.parent / CODE)
    with new_store(path, header):
        pass  # its runs are added later
    return SQLiteStore.open(path, write=True)
