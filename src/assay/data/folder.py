"""A folder of IDX files with MNIST's or EMNIST's file names.

``train-images-idx3-ubyte`` or ``emnist-balanced-train-images-idx3-ubyte``,
with its labels, the same for ``test`` (or ``t10k``) and ``valid`` where they are there, each optionally with
``.gz``; and ``emnist-balanced-mapping.txt`` or ``classes.txt`` if present.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from assay.data.address import Address
from assay.data.assembly import Orientation, assembled
from assay.data.class_numbers import MOST_CLASSES
from assay.data.examples import Source
from assay.data.idx import count_images, read_images, read_labels
from assay.data.idx_layout import NAME, Files, find
from assay.data.idx_marks import marked
from assay.data.known_classes import Names, is_emnist, known_classes, names_around
from assay.data.pixels import laid_out
from assay.data.raw_part import RawPart, miscounted
from assay.data.text_lines import lines
from assay.errors import DataError, shown

OPTIONS = ("prefix",)
LARGEST_MAPPING = 1 << 16  # bytes


def open_folder(
    address: Address, *, names: tuple[str, ...] | None = None, emnist: bool | None = None
) -> Source:
    """Open ``idx:DIR``, or ``idx:DIR?transposed=no&prefix=emnist-balanced``.

    ``prefix`` chooses among several sets in one folder. Files whose names, or whose folder's name, start
    with ``emnist`` hold each image transposed, as NIST's do, and are turned upright, as where ``emnist``
    says so; ``transposed=yes`` or ``no`` overrides that. The classes are named by a mapping file, or else
    by ``names``, by the set that the names show it to be, or by the labels themselves. Raises `DataError`.
    """
    folder, prefix, files = find(address.path, address.options.get("prefix"))
    if marked(folder) is not None:  # light and dark are as they should be, too
        address = replace(address, options={"inverted": "no", **address.options})
    words = names_around(folder, prefix)
    there = [part for part in ("train", "valid", "test") if (part, "images") in files]
    parts = {part: _read(files, part, prefix, address.groups) for part in there}
    codes, classes = _classes(folder, prefix, words, parts, names)
    return assembled(
        parts,
        str(folder),
        names=classes,
        codes=codes,
        address=address,
        orientation=_orientation(folder, prefix, words, emnist),
    )


def expect_readable(folder: Path) -> None:
    """Read every IDX file in ``folder``; `DataError` for one that is damaged, or if there are none."""
    found = [(path, match) for path in sorted(folder.iterdir()) if (match := NAME.fullmatch(path.name))]
    if not found:
        raise DataError(f"{folder}: no IDX files here")
    for path, match in found:
        (read_images if match["kind"] == "images" else read_labels)(path)


def read_mapping(path: Path) -> Names:
    """Read ``label code ...`` lines: the labels, and the character of each one's first code."""
    if not path.is_file() or path.stat().st_size > LARGEST_MAPPING:
        raise DataError(f"{path}: not a mapping file: expected at most {LARGEST_MAPPING:,} bytes of text")
    try:
        rows = [
            [int(word) for word in line.split()]
            for line in path.read_text("ascii").splitlines()
            if line.strip()
        ]
        labels, names = [row[0] for row in rows], tuple(chr(row[1]) for row in rows)
    except (OSError, ValueError, IndexError, OverflowError) as error:
        raise DataError(
            f"{path}: not a mapping file: expected lines of a label and a character code"
        ) from error
    if not rows or len(set(labels)) < len(labels) or min(labels) < 0 or max(labels) > 255:
        raise DataError(f"{path}: expected each label from 0 to 255 at most once; got {len(rows)} lines")
    if not all(name.isprintable() for name in names):
        raise DataError(f"{path}: expected codes of printable characters; got {shown(''.join(names))}")
    return labels, names


def _classes(
    folder: Path, prefix: str, words: list[str], parts: dict[str, RawPart], names: tuple[str, ...] | None
) -> tuple[list[int] | None, tuple[str, ...] | None]:
    """Return the labels and names of the classes; None where the labels are to name themselves."""
    mapping, listed = folder / f"{prefix}mapping.txt", folder / f"{prefix}classes.txt"
    if mapping.exists():
        return read_mapping(mapping)
    if listed.exists():
        return None, tuple(lines(listed, MOST_CLASSES))
    if names is not None:
        return None, names
    labels = np.concatenate([part.labels for part in parts.values()])
    return known_classes(words, labels) or (None, None)


def _orientation(folder: Path, prefix: str, words: list[str], emnist: bool | None) -> Orientation:
    """Return whether the images lie on their side, and what says so."""
    if (upright := marked(folder)) is not None:
        return Orientation(not upright, "as the folder says")
    if emnist is not None:
        return Orientation(emnist, "as published")
    if is_emnist([prefix.lower()]):
        return Orientation(True, "by its name")
    if is_emnist(words):
        return Orientation(True, "by its folder's name")
    return Orientation(False, "by its name")


def _read(files: Files, part: str, prefix: str, groups: str | None) -> RawPart:
    path, place = files[part, "images"], files[part, "labels"]
    labels = read_labels(place)
    if (count := count_images(path)) != len(labels):
        raise miscounted(str(place), count, len(labels))
    images = laid_out(str(path), read_images(path))
    if groups is None:
        return RawPart(images, labels, str(place))
    named = path.parent / f"{prefix}{part}-{groups}.txt"
    if not named.is_file():
        raise DataError(f"{named}: no such file (expected a line for each image with its {groups})")
    return RawPart(images, labels, str(place), np.array(lines(named, len(images) + 1), object))
