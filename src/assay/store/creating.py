"""New stores, each made beside its place and moved there: a store is whole, or absent."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import StoreError
from assay.store.contract import Header
from assay.store.durable import move_flushed
from assay.store.lookup import WEIGHTS, networks_in
from assay.store.sqlite import SQLiteStore


@contextmanager
def new_store(path: Path, header: Header) -> Iterator[SQLiteStore]:
    """Yield a new store, which is at ``path``, closed and on disk, once the block has ended without an error.

    What was left by one that did not is removed first. Raises `StoreError` where weights lie beside it, which
    belong to a store that is gone.
    """
    expect_no_weights(path)
    beside = path.with_suffix(".new")
    for leftover in path.parent.glob(f"{beside.name}*"):  # SQLite's journals too
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
    store = SQLiteStore.create(beside, header)
    try:
        yield store
    finally:
        store.close()
    move_flushed(beside, path)


def expect_no_weights(path: Path) -> None:
    """Raise `StoreError` where weights lie beside the place of a store that is not there.

    Nothing else says whose they are, and runs of a new store would be written over them.
    """
    weights = path.parent / WEIGHTS
    if found := sum(1 for _ in networks_in(path.parent)):
        raise StoreError(
            f"{path}: is missing, and {found:,} of the networks that it describes are in {weights} "
            f"(put it back, move {weights} elsewhere, or use another --out)"
        )
