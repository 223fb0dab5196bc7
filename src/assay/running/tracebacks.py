"""The tracebacks of runs that failed: text files in a results folder, ``failures/ARM-SEED.txt``."""

from contextlib import suppress
from pathlib import Path

from assay.errors import StoreError
from assay.records.runs import RunId
from assay.store.notes import LONGEST, read_note, write_note

FAILURES = "failures"
"""The folder in a results folder that holds them."""


def traceback_path(folder: Path, run: RunId) -> Path:
    """Return where a failed run's traceback is kept."""
    return folder / FAILURES / f"{run.arm}-{run.seed}.txt"


def keep_traceback(folder: Path, run: RunId, text: str) -> None:
    """Write a failed run's traceback, replacing an earlier one; `StoreError` if it cannot be written."""
    text = text.encode("utf-8", "backslashreplace").decode()
    write_note(traceback_path(folder, run), text[-LONGEST // 4 :])  # whose last lines say most


def forget_traceback(folder: Path, run: RunId) -> None:
    """Remove the traceback of a run that has since been trained to its end."""
    with suppress(OSError):
        traceback_path(folder, run).unlink()


def traceback_of(folder: Path, run: RunId) -> str | None:
    """Return a failed run's traceback; None if none was kept, as in older versions of assay."""
    try:
        return read_note(traceback_path(folder, run))
    except StoreError:
        return None
