"""Writing a report's file atomically: a reader sees either the old one or the new one, whole."""

import os
from pathlib import Path

from assay.errors import UsageError, one_line, reason
from assay.store import durable

DRAWN_FROM = "assay-results"
"""The meta element of a page with the digest of the results that it was drawn from."""
MOST_HEAD = 10_000
"""Characters at the beginning of a page among which that element is."""


def made(folder: Path | str) -> Path:
    """Return ``folder``, created if missing; `UsageError` where it cannot be."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise UsageError(f"{str(folder)!r}: cannot be made ({reason(error)}; choose another --out)") from None
    return Path(folder)


def write_whole(path: Path | str, text: str) -> Path:
    """Write ``text`` and return the path; a file that was there stays whole until the new one is.

    Raises `UsageError` where it cannot be written.
    """
    path = Path(path)
    try:
        durable.replace_flushed(path, text.encode())
    except (OSError, ValueError) as error:  # a null character in a path is a ValueError
        why = one_line(reason(error))
        raise UsageError(f"{path}: cannot be written ({why}; choose another place)") from None
    return path


def is_current(path: Path | str, digest: str) -> bool:
    """Tell whether the HTML report at ``path`` was drawn from the results with this digest."""
    if not os.path.isfile(path):  # a pipe would be waited for
        return False
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return f'<meta name="{DRAWN_FROM}" content="{digest}">' in file.read(MOST_HEAD)
    except OSError:
        return False
