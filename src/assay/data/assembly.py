"""What a reader has found becomes a source: classes and groups numbered, paper turned, oddities named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data import pixels, polarity
from assay.data.address import Address
from assay.data.examples import Images, Numbers, Source, Split
from assay.errors import DataError, shown

MOST_CLASSES = 256
LONGEST_NAME = 100
NAMED = 5


@dataclass(frozen=True)
class RawPart:
    """One part of a source as it was read; ``labels`` and ``groups`` (N,) are numbers or text.

    Text may also be objects, which examples share. ``place`` names its labels in errors.
    """

    images: Images
    labels: NDArray[Any]
    place: str
    groups: NDArray[Any] | None = None


def assembled(
    parts: Mapping[str, RawPart],
    where: str,
    *,
    names: tuple[str, ...] | None = None,
    codes: list[int] | None = None,
    address: Address | None = None,
    transposed: tuple[bool, str] = (False, "as stored"),
    notes: tuple[str, ...] = (),
) -> Source:
    """Return the source that ``parts``, called train, valid and test, make up.

    ``names`` names the labels ``codes``, by default 0, 1, ...; without them text names itself and whole
    numbers name themselves. ``transposed`` says whether the images lie on their side, and by what; the
    options of ``address`` come first. Raises `DataError`, naming the place, for what does not fit together.
    """
    address = address or Address(where)
    parts = {name: _checked(part) for name, part in parts.items()}
    _expect_one_size(parts, where)
    parts, said = _turned(_whole(parts, address), address, transposed)
    classes, numbered = _numbered(parts, names, codes)
    groups = _groups(parts)
    splits = {name: Split(part.images, numbered[name], groups.get(name)) for name, part in parts.items()}
    odd = _oddities(
        classes, splits, {name: part.place for name, part in parts.items()}, named=names is not None
    )
    return Source(
        classes, splits["train"], splits.get("test"), valid=splits.get("valid"), notes=(*notes, *said, *odd)
    )


def miscounted(place: str, images: int, labels: int) -> DataError:
    """Return the error for images and labels, called ``place``, that are not as many."""
    return DataError(f"{place}: {images:,} images but {labels:,} labels (files of two sets?)")


def _checked(part: RawPart) -> RawPart:
    if len(part.images) != len(part.labels):
        raise miscounted(part.place, len(part.images), len(part.labels))
    if part.groups is not None and len(part.groups) != len(part.images):
        raise DataError(f"{part.place}: {len(part.images):,} images but {len(part.groups):,} groups")
    pixels.expect_count(part.place, len(part.images))
    return part


def _expect_one_size(parts: Mapping[str, RawPart], where: str) -> None:
    words = {"train": "training", "valid": "validation", "test": "test"}
    train = parts["train"].images.shape[1:]
    for name, part in parts.items():
        if part.images.shape[1:] != train:
            found = "x".join(map(str, part.images.shape[1:]))
            first = "x".join(map(str, train))
            raise DataError(f"{where}: training images are {first} but {words[name]} images are {found}")


def _whole(parts: dict[str, RawPart], address: Address) -> dict[str, RawPart]:
    """Put together the parts that are to be drawn anew."""
    for name in ("valid", "test"):
        if address.drawn(name) and name in parts:
            one, other = parts["train"], parts[name]
            both = None
            if one.groups is not None and other.groups is not None:
                both = np.concatenate([one.groups, other.groups])
            images = np.concatenate([one.images, other.images])
            whole = RawPart(images, np.concatenate([one.labels, other.labels]), one.place, both)
            parts = {"train": whole} | {
                key: part for key, part in parts.items() if key not in ("train", name)
            }
    return parts


def _turned(
    parts: dict[str, RawPart], address: Address, transposed: tuple[bool, str]
) -> tuple[dict[str, RawPart], list[str]]:
    """Turn images upright, and light on dark; say by what that was decided."""
    said, (sideways, why) = [], transposed
    if (asked := address.flag("transposed")) is not None:
        sideways, why = asked, "as asked"
    if sideways:
        parts = {name: replace(part, images=pixels.upright(part.images)) for name, part in parts.items()}
    if sideways or why != "as stored":
        said.append(f"transposed: {'yes' if sideways else 'no'} ({why})")
    asked = address.flag("inverted")
    light = polarity.is_light(parts["train"].images)
    if light if asked is None else asked:
        for part in parts.values():
            polarity.turn(part.images)
    if light and asked is None:
        said.append("paper: light, so light and dark were exchanged (?inverted=no leaves them)")
    elif asked is not None:
        said.append(f"paper: {'light' if light else 'dark'}, {'exchanged' if asked else 'left'} as asked")
    return parts, said


def _numbered(
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


def _groups(parts: Mapping[str, RawPart]) -> dict[str, Numbers]:
    """Return the number of every example's group, the same in all parts."""
    given = {name: part.groups for name, part in parts.items() if part.groups is not None}
    if len(given) < len(parts):
        return {}
    known = sorted({str(group) for groups in given.values() for group in groups})
    number = {group: index for index, group in enumerate(known)}
    return {
        name: np.fromiter((number[str(group)] for group in groups), np.int64, len(groups))
        for name, groups in given.items()
    }


def _oddities(
    classes: tuple[str, ...], splits: Mapping[str, Split], places: Mapping[str, str], *, named: bool
) -> list[str]:
    """Say which classes lack images, and where a label stands that is far from the others."""
    counts = {name: np.bincount(split.labels, minlength=len(classes)) for name, split in splits.items()}
    total, said = sum(counts.values()), []
    for name, split in splits.items():
        if not named and (far := _far_off(np.asarray(total), split)) is not None:
            label, index, others = far
            said.append(
                f"label {label} stands once, at index {index:,} of {places[name]}; others reach {others}"
            )
    empty = (counts["train"] == 0).nonzero()[0]
    nowhere = [classes[k] for k in empty if not np.asarray(total)[k]]
    elsewhere = [classes[k] for k in empty if np.asarray(total)[k]]
    if nowhere:
        said.append(f"classes without any image: {_some(nowhere)}")
    if elsewhere:
        said.append(f"classes without training images: {_some(elsewhere)}")
    if "test" in counts and (
        missing := [classes[k] for k in (counts["test"] == 0).nonzero()[0] if counts["train"][k]]
    ):
        said.append(f"classes without test images: {_some(missing)}")
    return said


def _far_off(total: NDArray[np.int64], split: Split) -> tuple[int, int, int] | None:
    """Return a label that occurs once, far above all others, with its index and the highest other."""
    present = total.nonzero()[0]
    if len(present) < 2:
        return None
    label, others = int(present[-1]), int(present[-2])
    if total[label] > 1 or label < 2 * (others + 1) or not (split.labels == label).any():
        return None
    return label, int(np.argmax(split.labels == label)), others


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
