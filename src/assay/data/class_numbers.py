"""Labels, text or whole numbers, become the numbers of classes."""

import re
from collections.abc import Mapping

import numpy as np

from assay.data.examples import Numbers
from assay.data.raw_part import RawPart
from assay.errors import DataError, shown

MOST_CLASSES = 256
LONGEST_NAME = 100


def numbered(
    parts: Mapping[str, RawPart], names: tuple[str, ...] | None, codes: list[int] | None
) -> tuple[tuple[str, ...], dict[str, Numbers]]:
    """Return the classes, and each part's labels as numbers of them."""
    if any(part.labels.dtype.kind not in "bui" for part in parts.values()):
        return _by_name(parts, names)
    if names is None:
        largest = max(int(part.labels.max()) for part in parts.values())
        if largest >= MOST_CLASSES:
            part = next(part for part in parts.values() if int(part.labels.max()) == largest)
            raise DataError(
                f"{part.place}: label {largest:,} at index {int(part.labels.argmax()):,} is outside "
                f"0..{MOST_CLASSES - 1} (there may be {MOST_CLASSES} classes)"
            )
        names = tuple(str(label) for label in range(largest + 1))
    _expect_names(names)
    codes = list(range(len(names))) if codes is None else codes
    return names, {name: _renumbered(part, codes) for name, part in parts.items()}


def _by_name(
    parts: Mapping[str, RawPart], names: tuple[str, ...] | None
) -> tuple[tuple[str, ...], dict[str, Numbers]]:
    found = {str(label) for part in parts.values() for label in part.labels}
    if names is None and len(found) > MOST_CLASSES:
        raise _wrong_count(len(found))
    classes = tuple(sorted(sorted(found), key=_natural)) if names is None else names
    _expect_names(classes)
    number = {name: index for index, name in enumerate(classes)}
    for part in parts.values():
        for index, label in enumerate(part.labels):
            if str(label) not in number:
                raise DataError(f"{part.place}: label {shown(str(label))} at index {index:,} is no class")
    return classes, {
        name: np.fromiter((number[str(label)] for label in part.labels), np.int64, len(part.labels))
        for name, part in parts.items()
    }


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts 9 before 10, as people do."""
    words = [word for word in re.split(r"(\d{1,9})", name) if word]
    return [(0, int(word), "") if word.isdecimal() else (1, 0, word) for word in words]


def _expect_names(names: tuple[str, ...]) -> None:
    if not 1 <= len(names) <= MOST_CLASSES:
        raise _wrong_count(len(names))
    for name in names:
        if type(name) is not str or not name.isprintable() or not 1 <= len(name) <= LONGEST_NAME:
            raise DataError(f"classes: {shown(name)} is no printable name of 1 to {LONGEST_NAME} characters")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"classes: {shown(twice)} stands twice (expected a name for each)")


def _wrong_count(names: int) -> DataError:
    return DataError(f"classes: found {names:,} names, expected 1 to {MOST_CLASSES}")


def _renumbered(part: RawPart, codes: list[int]) -> Numbers:
    """Renumber the classes 0..K-1 in the order of ``codes``; refuse any other label."""
    number: Numbers = np.full(max(codes) + 1, -1, dtype=np.int64)
    number[codes] = np.arange(len(codes))
    labels = part.labels.astype(np.int64)
    known = (labels >= 0) & (labels < len(number))
    found = np.where(known, number[np.where(known, labels, 0)], -1)
    if (found < 0).any():
        index = int(np.argmax(found < 0))
        raise DataError(
            f"{part.place}: label {labels[index]} at index {index:,} is outside {min(codes)}..{max(codes)}"
        )
    return np.asarray(found, np.int64)
