"""Files and folders that survive a power cut: flushed before they count, and their folder with them."""

import os
from contextlib import suppress
from pathlib import Path

from assay.records.holds import is_alive


def anchored(path: Path) -> Path:
    """Return a path that means the same after the process has changed its current folder.

    A relative one is returned as it is where the current folder has been removed.
    """
    try:
        return path.absolute()
    except FileNotFoundError:
        return path


def is_writable(folder: Path) -> bool:
    """Whether files can be made in a folder, as far as can be told without making one."""
    return os.access(folder, os.W_OK)


def place_beside(path: Path) -> Path:
    """Return where this process writes what becomes ``path``, by the name of ``.NAME.PID``.

    What processes that no longer exist have left under such names is removed, as far as it can be.
    """
    prefix = f".{path.name}."
    with suppress(OSError):
        for found in path.parent.iterdir():
            pid = found.name.removeprefix(prefix)
            if found.name.startswith(prefix) and pid.isdecimal() and pid.isascii() and not is_alive(int(pid)):
                with suppress(OSError):
                    found.unlink()
    return path.with_name(f"{prefix}{os.getpid()}")


def write_flushed(path: Path, beside: Path, payload: bytes) -> None:
    """Write ``payload`` to the file ``path``, by way of the file ``beside`` it; on disk when it returns.

    Whatever happens meanwhile, even a power cut, ``path`` is the previous file or the new one, whole.
    """
    with beside.open("wb") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    move_flushed(beside, path)


def replace_flushed(path: Path, payload: bytes) -> None:
    """Write ``payload`` to the file ``path`` as `write_flushed` does; nothing is left beside it."""
    beside = place_beside(path)
    try:
        write_flushed(path, beside, payload)
    finally:
        with suppress(OSError):  # where nothing can be written nothing can be removed either
            beside.unlink(missing_ok=True)


def move_flushed(source: Path, target: Path) -> None:
    """Move a file that has been flushed to ``target`` in the same folder; there for good when it returns."""
    source.replace(target)
    flush_folder(target.parent)


def name_flushed(source: Path, target: Path) -> None:
    """Give a flushed file the name ``target`` in the same folder, unless another process was first."""
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not target.exists():
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
