"""What was trained although it was found wrong: a file in the results folder, ``unchecked.json``."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from assay.errors import one_line
from assay.store.notes import read_json, write_json

FILE = "unchecked.json"


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
    return read_json(folder / FILE, _rows) or ()


def keep_unchecked(folder: Path, found: Iterable[Unchecked]) -> None:
    """Record what is trained unchecked, besides what was before; `StoreError` if it cannot be written."""
    before = unchecked_in(folder)
    rows = dict.fromkeys((*before, *found))
    if len(rows) > len(before):
        write_json(folder / FILE, [astuple(row) for row in rows])


def _rows(rows: Any) -> tuple[Unchecked, ...]:
    if not isinstance(rows, list):
        raise ValueError("no list of what was found")
    return tuple(map(_row, rows))


def _row(row: Any) -> Unchecked:
    match row:
        case [str(cls), str(place), str(wrong)]:
            return Unchecked(one_line(cls), one_line(place), one_line(wrong))
    raise ValueError("expected for each class its name, its place and what is wrong")
