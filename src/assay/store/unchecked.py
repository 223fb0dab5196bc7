"""What was trained although it was found wrong: a file in the results folder, ``unchecked.json``."""

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from assay.errors import StoreError, one_line
from assay.store.durable import place_beside, write_flushed

FILE = "unchecked.json"
LONGEST = 1 << 20  # bytes


@dataclass(frozen=True)
class Unchecked:
    """A user's class ``cls`` in a place of a network or recipe, and what was found ``wrong`` with it."""

    cls: str
    place: str
    wrong: str


def unchecked_in(folder: Path) -> tuple[Unchecked, ...]:
    """Return what a study was trained with unchecked; nothing where all was right.

    Raises `StoreError` if the file cannot be read, since silence would say that all was right.
    """
    path = folder / FILE
    if not path.exists():
        return ()
    try:
        if path.stat().st_size > LONGEST:
            raise ValueError(f"larger than {LONGEST:,} bytes")
        rows = json.loads(path.read_text("utf-8"))
        return tuple(Unchecked(*(one_line(str(text)) for text in row)) for row in rows)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise StoreError(f"{path}: cannot be read ({one_line(str(error))})") from None


def keep_unchecked(folder: Path, found: Iterable[Unchecked]) -> None:
    """Record what is trained unchecked, besides what was before; `StoreError` if it cannot be written."""
    before = unchecked_in(folder)
    rows = dict.fromkeys((*before, *found))
    if len(rows) == len(before):
        return
    path, text = folder / FILE, json.dumps([astuple(row) for row in rows], indent=1)
    try:
        write_flushed(path, place_beside(path), f"{text}\n".encode())
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})") from None
