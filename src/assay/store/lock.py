"""One writer at a time in a results folder, and who it is."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assay.errors import StoreError
from assay.records.holds import Holder, hold
from assay.store.durable import place_beside
from assay.store.notes import is_word, read_json

NOTE = "running.json"
"""Says who is at work in a folder. Only informative: this file is not the lock, and may be removed."""
A_LOOK = 0.1  # seconds; far longer than `is_held` takes, which must not keep a run from starting


@contextmanager
def folder_lock(folder: Path) -> Iterator[bool]:
    """Hold ``folder`` for this caller; the operating system releases it if the process dies.

    Yields whether the process that held it before died without letting go of it; a machine that was
    switched off meanwhile does not count.

    Raises `StoreError` if the folder is already held, or cannot be written.
    """
    with ExitStack() as stack:
        try:
            taken = stack.enter_context(hold(folder, A_LOOK))
        except PermissionError:
            raise StoreError(
                f"{folder}: cannot be written (permission denied; choose another --out)"
            ) from None
        except OSError as error:
            raise StoreError(
                f"{folder}: cannot be locked ({error.strerror}; choose an --out on a disk with locks)"
            ) from None
        if not taken:
            raise StoreError(
                f"{folder}: a run is already at work here ({_who(folder)}wait for it, or stop it)"
            )
        before = _noted(folder)
        _write_note(folder)
        stack.callback(_remove_note, folder)
        yield before is not None and before.died


def is_held(folder: Path) -> bool:
    """Return whether a live process holds ``folder``, without acquiring it; False if none ever did."""
    try:
        with hold(folder, shared=True) as taken:
            return not taken
    except OSError:
        return False


def holder(folder: Path) -> Holder | None:
    """Return who is at work in ``folder`` according to its note; None if the note is missing or invalid."""
    found = _noted(folder)
    return None if found is None or found.gone else found


def _noted(folder: Path) -> Holder | None:
    """Return whom the note names, who may have ended; None if it is missing or invalid."""
    try:
        return read_json(folder / NOTE, _holder)
    except StoreError:
        return None


def _holder(values: Any) -> Holder:
    found = Holder(**values)
    words = (found.started, found.boot, found.host, found.since)
    if type(found.pid) is not int or not all(map(is_word, words)):
        raise ValueError("expected a process")
    return found


def _who(folder: Path) -> str:
    found = holder(folder)
    return f"{found}; " if found else ""


def _write_note(folder: Path) -> None:
    path = folder / NOTE
    beside = place_beside(path)
    try:
        beside.write_text(json.dumps(asdict(Holder.this())), "utf-8")
        with suppress(IsADirectoryError, PermissionError):  # a folder in its place: then no holder is named
            beside.replace(path)
        beside.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror}; choose another --out)") from None


def _remove_note(folder: Path) -> None:
    with suppress(OSError):
        (folder / NOTE).unlink()
