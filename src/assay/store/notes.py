"""Small files beside a store, of text or JSON: read within one limit, and replaced as a whole."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from assay.errors import StoreError, one_line, reason
from assay.store.durable import make_folder, replace_flushed

T = TypeVar("T")

LONGEST = 1 << 20
"""Bytes that a note may have: as JSON it then takes less than 64 MB."""
LONGEST_WORD = 300


def read_note(path: Path) -> str | None:
    """Return the text of a note; None if there is no such file.

    Raises `StoreError` for anything else than a file of at most `LONGEST` bytes of UTF-8 that can be read;
    a pipe is not waited for.
    """
    try:
        return _text(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, reason(error)) from None


def read_json(path: Path, parse: Callable[[Any], T]) -> T | None:
    """Return what ``parse`` makes of a note of JSON; None if there is no such file.

    Raises `StoreError` like `read_note`, and if the note is not JSON or ``parse`` fails on its values.
    """
    if (text := read_note(path)) is None:
        return None
    try:
        return parse(json.loads(text, parse_constant=_refuse))
    except RecursionError:
        raise _unreadable(path, "nested too deeply") from None
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise _unreadable(path, error) from None


def write_note(path: Path, text: str) -> None:
    """Replace a note, or make it; on disk when it returns. Raises `StoreError` if it cannot be written."""
    try:
        make_folder(path.parent)
        replace_flushed(path, text.encode())
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be written ({one_line(reason(error))})") from None


def write_json(path: Path, value: Any) -> None:
    """Replace a note by ``value`` as JSON; raises `StoreError` like `write_note`."""
    write_note(path, f"{json.dumps(value, indent=1)}\n")


def is_word(value: object) -> bool:
    """Whether a value is text that can be printed in a line, of at most `LONGEST_WORD` characters."""
    return isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_WORD


def _text(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        found = file.read(LONGEST + 1)
    if len(found) > LONGEST:
        raise ValueError(f"larger than {LONGEST:,} bytes")
    return found.decode("utf-8")


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number")


def _unreadable(path: Path, why: object) -> StoreError:
    return StoreError(f"{path}: cannot be read ({one_line(str(why))[:200]}; remove the file)")
