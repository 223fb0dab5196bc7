"""The mark of a folder of IDX files that assay wrote: which way its images read."""

import tomllib
from pathlib import Path

MARK = "assay.toml"
LARGEST = 1 << 16  # bytes


def marked(folder: Path) -> bool | None:
    """Return whether a folder's mark calls its images upright; None where it has no such mark."""
    path = folder / MARK
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        upright = tomllib.loads(path.read_text("utf-8")).get("upright")
    except (OSError, ValueError, RecursionError):
        return None
    return upright if isinstance(upright, bool) else None
