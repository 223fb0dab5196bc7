"""What a reader has found becomes a source: images upright, light on dark, and oddities named."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assay.data import pixels, polarity
from assay.data.address import Address
from assay.data.class_numbers import numbered
from assay.data.examples import Numbers, Source, Split
from assay.data.raw_part import RawPart, miscounted
from assay.errors import DataError, some

NAMED = 5
"""Classes that are named where some lack images."""


@dataclass(frozen=True)
class Orientation:
    """Whether images lie on their side, and what says so."""

    transposed: bool
    reason: str


AS_STORED = Orientation(False, "as stored")


def assembled(
    parts: Mapping[str, RawPart],
    where: str,
    *,
    names: tuple[str, ...] | None = None,
    codes: list[int] | None = None,
    address: Address | None = None,
    orientation: Orientation = AS_STORED,
    notes: tuple[str, ...] = (),
) -> Source:
    """Return the source that ``parts``, called train, valid and test, make up.

    ``names`` names the labels ``codes``, by default 0, 1, ...; without them text names itself and whole
    numbers name themselves. The options of ``address`` come before the ``orientation``. Raises `DataError`,
    naming the place, for what does not fit together.
    """
    address = address or Address(where)
    parts = {name: _checked(part) for name, part in parts.items()}
    _expect_one_size(parts, where)
    parts, said = _turned(_whole(parts, address), address, orientation)
    classes, labels = numbered(parts, names, codes)
    groups = _groups(parts)
    splits = {name: Split(part.images, labels[name], groups.get(name)) for name, part in parts.items()}
    odd = _oddities(
        classes, splits, {name: part.place for name, part in parts.items()}, named=names is not None
    )
    return Source(
        classes, splits["train"], splits.get("test"), valid=splits.get("valid"), notes=(*notes, *said, *odd)
    )


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
    parts: dict[str, RawPart], address: Address, orientation: Orientation
) -> tuple[dict[str, RawPart], list[str]]:
    """Turn images upright, and light on dark; say by what that was decided."""
    said = []
    if (asked := address.flag("transposed")) is not None:
        orientation = Orientation(asked, "as asked")
    if orientation.transposed:
        parts = {name: replace(part, images=pixels.upright(part.images)) for name, part in parts.items()}
    if orientation != AS_STORED:
        said.append(f"transposed: {'yes' if orientation.transposed else 'no'} ({orientation.reason})")
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
        said.append(f"classes without any image: {some(nowhere, NAMED)}")
    if elsewhere:
        said.append(f"classes without training images: {some(elsewhere, NAMED)}")
    if "test" in counts and (
        missing := [classes[k] for k in (counts["test"] == 0).nonzero()[0] if counts["train"][k]]
    ):
        said.append(f"classes without test images: {some(missing, NAMED)}")
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
