"""Files and folders that survive a power cut: flushed before they count, and their folder with them."""

import os
from pathlib import Path


def write_flushed(path: Path, beside: Path, payload: bytes) -> None:
    """Write ``payload`` to the file ``path``, by way of the file ``beside`` it; on disk when it returns.

    Whatever happens meanwhile, even a power cut, ``path`` is the previous file or the new one, whole.
    """
    with beside.open("wb") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    move_flushed(beside, path)


def move_flushed(source: Path, target: Path) -> None:
    """Move a file that has been flushed to ``target`` in the same folder; there for good when it returns."""
    source.replace(target)
    flush_folder(target.parent)


def make_folder(path: Path) -> None:
    """Create a folder and those above it that are missing; there for good when it returns."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder, without which a new file may be lost although its contents are flushed."""
    if os.name != "posix":
        return  # Windows cannot open folders; its rename is journalled
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
