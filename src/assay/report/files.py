"""Writing a report's file so that whoever reads it meets the old one or the new one, whole."""

import os
from pathlib import Path

from assay.errors import UsageError


def write_whole(path: Path | str, text: str) -> Path:
    """Write ``text`` and return the path; a file that was there stays whole until the new one is.

    Raises `UsageError` where it cannot be written.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"{path}: the report cannot be written ({error.strerror})") from None
    return path
