"""New stores, each made beside its place and moved there: a store is whole, or absent."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import StoreError
from assay.store.contract import Header
from assay.store.durable import move_flushed
from assay.store.remains import remains_of
from assay.store.sqlite import SQLiteStore


@contextmanager
def new_store(path: Path, header: Header) -> Iterator[SQLiteStore]:
    """Yield a new store, which is at ``path``, closed and on disk, once the block has ended without an error.

    What was left by one that did not is removed first. Raises `StoreError` where a store was before it, and
    something is left of that.
    """
    expect_no_remains(path)
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


def expect_no_remains(path: Path) -> None:
    """Raise `StoreError` where something is left of a store that was at ``path``, and is not there."""
    if left := remains_of(path):
        places = " and ".join(str(each.place) for each in left)
        raise StoreError(
            f"{path}: is missing, and {' and '.join(map(str, left))} "
            f"(put it back, move {places} elsewhere, or use another --out)"
        )
