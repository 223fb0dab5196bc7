"""What things took on this machine, kept in the user's cache for later estimates.

A number is kept by the name of what it measures, and belongs to one type of processor, one number of
processors and the versions of assay and of what it computes with. The cache may be removed at any time.
"""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from math import isfinite
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from assay.records.machine import processor, processors, versions

KERNEL = "a kernel compiled"
"""The name by which engines keep the seconds that a kernel took to compile."""

KEPT = 20
"""How many numbers are kept, the latest of each name."""


def user_cache() -> Path:
    """Return assay's folder in the user's cache; one that nothing can be in where nobody knows their home."""
    from platformdirs import user_cache_dir

    try:
        return Path(user_cache_dir("assay", appauthor=False))
    except RuntimeError:  # HOME is not set, and the user is unknown
        return Path(os.devnull) / "assay"


def folder() -> Path:
    """Return the folder in the user's cache where measurements are kept."""
    return user_cache() / "speeds"


def observe(what: str, value: float) -> None:
    """Keep ``value`` beside the latest ones of ``what``; one that is not above 0 and finite is ignored."""
    keep_number(_path(what), value)


def observed(what: str) -> tuple[float, ...]:
    """Return the latest values of ``what``, the oldest first; none where none is known."""
    return kept_numbers(_path(what))


def keep_number(path: Path, value: float) -> None:
    """Add a number to those in a file, of which the latest `KEPT` stay."""
    if isfinite(value) and value > 0:
        write(path, [*kept_numbers(path), value][-KEPT:])


def kept_numbers(path: Path) -> tuple[float, ...]:
    """Return the numbers in a file; none where it is absent or damaged."""
    try:
        found = [float(value) for value in json.loads(path.read_text("utf-8"))]
    except (OSError, ValueError, TypeError):
        return ()
    return tuple(found) if all(isfinite(value) and value > 0 for value in found) else ()


def write(path: Path, content: Sequence[float] | dict[str, Any]) -> None:
    """Write ``content`` as JSON, atomically; a cache that cannot be written is ignored.

    Several threads may write at once, so each has a temporary file of its own; nothing is flushed, since a
    number that is lost is measured again.
    """
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            beside = Path(file.name)
        try:
            beside.write_text(json.dumps(content), "utf-8")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def _path(what: str) -> Path:
    key = repr((what, sorted(versions().items()), processor(), processors()))
    return folder() / f"{sha256(key.encode()).hexdigest()}.json"
