"""The address of a data set that lies in files: ``KIND:PATH?option=value&option=value``."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from assay.errors import DataError, shown, suggestion

KINDS = ("idx", "images", "npz", "csv", "mat", "parquet")
COMMON = ("inverted", "transposed", "test", "valid")
"""Options that every kind takes."""
DRAWN = "drawn"


@dataclass(frozen=True)
class Address:
    """Where a data set lies and how it is to be read; ``groups`` is what the study divides it by."""

    text: str
    path: Path = Path()
    options: dict[str, str] = field(default_factory=dict)
    groups: str | None = None

    @classmethod
    def parse(cls, text: str, known: Iterable[str] = (), groups: str | None = None) -> "Address":
        """Read an address whose kind takes the options ``known`` besides those of every kind."""
        place, mark, query = text.partition(":")[2].rpartition("?")
        if not mark or "=" not in query:
            place, query = text.partition(":")[2], ""
        options = dict(option.partition("=")[::2] for option in query.split("&")) if query else {}
        allowed = (*COMMON, *known)
        for key in options:
            if key not in allowed:
                raise DataError(f"{text}: unknown option {key!r} ({suggestion(key, allowed)})")
        if not place:
            raise DataError(f"{text}: names no file or folder (expected {text.partition(':')[0]}:PATH)")
        return cls(text, expanded(place), options, groups)

    def flag(self, key: str) -> bool | None:
        """Return an option that is yes or no; None where it is not given."""
        value = self.options.get(key)
        if value not in (None, "yes", "no"):
            raise DataError(f"{self.text}: {key} must be yes or no; got {value!r}")
        return None if value is None else value == "yes"

    def beside(self, key: str) -> Path | None:
        """Return the file that an option names, relative to the folder of the address's own."""
        value = self.options.get(key)
        if value in (None, DRAWN):
            return None
        return self.path.parent / expanded(str(value))

    def drawn(self, part: str) -> bool:
        """Whether the images of ``part`` are to be drawn from all, whatever the source has."""
        return self.options.get(part) == DRAWN

    def whole_numbers(self, key: str, counts: tuple[int, ...], most: int = 4096) -> tuple[int, ...] | None:
        """Return an option such as ``32`` or ``32x32x3`` as numbers above 0, as many as ``counts`` allows."""
        value = self.options.get(key)
        if value is None:
            return None
        words = value.lower().split("x")
        good = all(word.isdecimal() and len(word) < 6 and 1 <= int(word) <= most for word in words)
        if not good or len(words) not in counts:
            example = " or ".join("x".join(["32"] * count) for count in counts)
            raise DataError(f"{self.text}: {key} must be like {example}, up to {most:,}; got {shown(value)}")
        return tuple(int(word) for word in words)


def expanded(path: str) -> Path:
    """Return a path with its ``~`` replaced; unchanged where the home is not known."""
    return Path(os.path.expanduser(path))


def absolute(source: str) -> str:
    """Return ``source`` with an absolute path, so that it means the same wherever a program is started."""
    return relative_to(Path.cwd(), source)


def relative_to(folder: Path, source: str) -> str:
    """Return ``source`` with a relative path taken from ``folder``, such as that of a study file."""
    kind, mark, place = source.partition(":")
    if not mark or kind not in KINDS or not place or place.startswith("~") or os.path.isabs(place):
        return source
    path, mark, query = place.partition("?")
    return f"{kind}:{os.path.normpath(folder / path)}{mark}{query}"
