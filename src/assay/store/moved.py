"""Where a study's data was last found, if its study does not say: a line of text in the results folder."""

from pathlib import Path

from assay.errors import StoreError

PLACE = "data.txt"
LONGEST = 10_000  # bytes


def found_at(folder: Path) -> str | None:
    """Return the address at which the data was last found; None where the study's own holds."""
    path = folder / PLACE
    try:
        if path.is_file() and path.stat().st_size <= LONGEST:
            return path.read_text("utf-8").strip() or None
    except (OSError, ValueError):
        pass
    return None


def keep(folder: Path, source: str) -> None:
    """Record the address at which the data was found."""
    try:
        (folder / PLACE).write_text(f"{source}\n", "utf-8", newline="\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"{folder / PLACE}: cannot be written: {reason}") from None
