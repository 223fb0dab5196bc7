"""Every error that a user can cause.

The tree::

    AssayError
    ├── UsageError        an argument or an option
    ├── StudyError        a study file: its keys, its values
    ├── DataError         a data set: files, formats, labels, downloads
    ├── ShapeError        layers that do not fit together
    ├── UnsupportedError  an engine that lacks a layer or a rule
    └── StoreError        a results folder, its database, its checkpoints

A message is one line: where, what was found against what was expected, and, in
brackets, what to do. The command line prints it after ``assay: error:`` and
ends with exit status 2.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 200
"""Maximum length of a value in a message; a longer value is shown by its two ends."""

MOST_KNOWN = 1000
"""Names among which a misspelt one is looked for: each takes 20 microseconds and more."""

NEAR = 0.65
"""The least share of letters, in order, that two names have in common where one may be meant by the other.

One letter of three may be wrong, but "fetch" is not "bench".
"""


class AssayError(Exception):
    """Base of all errors that a user can cause and fix."""


class UsageError(AssayError):
    """An argument or option has a value that cannot be used."""


class StudyError(AssayError):
    """A study file, or a study built in Python, is not valid."""


class DataError(AssayError):
    """A data set is missing, damaged or inconsistent."""


class ShapeError(AssayError):
    """A layer cannot take the shape it is given."""


class UnsupportedError(AssayError):
    """An engine lacks what a network or a recipe asks for."""


class StoreError(AssayError):
    """A results folder cannot be read or written."""


def suggestion(word: str, known: "Iterable[str]") -> str:
    """Suggest what to use instead of an unknown ``word``: the nearest known one, or all of them."""
    from itertools import islice

    known = sorted(islice(known, MOST_KNOWN))
    near = nearest(word, known)
    return f"did you mean {shown(near)}?" if near else f"known: {some(known, 100)}"


def nearest(word: str, known: "Iterable[str]") -> str | None:
    """Return the known name that an unknown ``word`` is nearest to, capitals aside; None if none is near."""
    from difflib import get_close_matches

    names = {name[:LONGEST].casefold(): name for name in known}
    near = get_close_matches(word[:LONGEST].casefold(), names, n=1, cutoff=NEAR)
    return names[near[0]] if near else None


def shown(value: object) -> str:
    """Format a value for a message: its repr, shortened if long."""
    try:
        text = repr(value)
    except ValueError:  # Python does not write integers of more than 4,300 digits
        return "a number of thousands of digits"
    except RecursionError:
        return "lists or tables nested without end"
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]}...{text[-half:]}"


def some(names: "Iterable[str]", many: int = 10) -> str:
    """Name the first of ``names``, each shortened if long, and say how many more there are, or "none"."""
    names = list(names)
    more = [f"and {len(names) - many:,} more"] if len(names) > many else []
    first = [name if len(name) <= LONGEST else shown(name) for name in names[:many]]
    return ", ".join(first + more) or "none"


def reason(error: Exception) -> str:
    """Say why a file or folder cannot be used: the system's own words, without its number and the path."""
    return str(getattr(error, "strerror", None) or error)


def one_line(text: str) -> str:
    """Return ``text`` with line ends and other control characters escaped."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def finite(value: float) -> bool:
    """Whether a number is finite, also as a float; an integer can be too large for one."""
    return abs(value) <= sys.float_info.max


def require(holds: bool, key: str, found: object, expected: str) -> None:
    """Raise `StudyError` unless the value ``found`` of the setting ``key`` holds."""
    if not holds:
        raise StudyError(f"{key} must be {expected}; got {found if isinstance(found, str) else shown(found)}")
