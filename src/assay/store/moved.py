"""Where a study's data was last found, if its study does not say: a line of text in the results folder."""

from pathlib import Path

from assay.errors import StoreError
from assay.store.notes import read_note, write_note

PLACE = "data.txt"


def found_at(folder: Path) -> str | None:
    """Return the address at which the data was last found; None where the study's own holds."""
    try:
        return (read_note(folder / PLACE) or "").strip() or None
    except StoreError:
        return None  # a file of somebody else's: the study's own address is tried


def keep(folder: Path, source: str) -> None:
    """Record the address at which the data was found; `StoreError` if it cannot be written."""
    write_note(folder / PLACE, f"{source}\n")
