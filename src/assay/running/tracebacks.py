"""The tracebacks of runs that failed: text files in a results folder, ``failures/ARM-SEED.txt``."""

from pathlib import Path

from assay.errors import StoreError
from assay.records.runs import RunId


def traceback_path(folder: Path, run: RunId) -> Path:
    """Return where a failed run's traceback is kept."""
    return folder / "failures" / f"{run.arm}-{run.seed}.txt"


def keep_traceback(folder: Path, run: RunId, text: str) -> None:
    """Write a failed run's traceback, in place of an earlier one; `StoreError` where that cannot be."""
    path = traceback_path(folder, run)
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8", errors="backslashreplace")
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error})") from None


def forget_traceback(folder: Path, run: RunId) -> None:
    """Remove the traceback of a run that has been trained to its end after all."""
    traceback_path(folder, run).unlink(missing_ok=True)


def traceback_of(folder: Path, run: RunId) -> str | None:
    """Return a failed run's traceback; None where none was kept, as older versions of assay did not."""
    try:
        return traceback_path(folder, run).read_text("utf-8")
    except (OSError, ValueError):
        return None
