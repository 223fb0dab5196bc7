"""A folder of IDX files with MNIST's or EMNIST's file names.

``train-images-idx3-ubyte`` or ``emnist-balanced-train-images-idx3-ubyte``,
with its labels, the same for ``test`` (or ``t10k``), each optionally with
``.gz``; and ``emnist-balanced-mapping.txt`` if present.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.data.examples import AT_ONCE, Source, Split
from assay.data.idx import read_images, read_labels
from assay.errors import DataError, shown, suggestion

NAME = re.compile(r"(?P<prefix>.*?)(?P<part>train|test|t10k)-(?P<kind>images|labels)[-.]idx[13]-ubyte(\.gz)?")
OPTIONS = ("transposed", "prefix")
LARGEST_MAPPING = 1 << 16  # bytes
Files = dict[tuple[str, str], Path]  # (train or test, images or labels) -> file


def open_folder(text: str, classes: tuple[str, ...] | None = None) -> Source:
    """Open ``DIR``, or ``DIR?transposed=no&prefix=emnist-balanced``.

    ``prefix`` chooses among several sets in one folder. Files whose names
    start with ``emnist`` hold each image transposed, as NIST's do, and are
    turned upright; ``transposed=yes`` or ``no`` overrides that. The classes are
    named by a mapping file, or else by ``classes``, or by the labels themselves.
    Raises `DataError`.
    """
    folder, options = _parsed(text)
    prefix, files = _chosen(folder, options.get("prefix"))
    transposed = _flag(text, options.get("transposed", "yes" if prefix.startswith("emnist") else "no"))
    mapping = folder / f"{prefix}mapping.txt"
    train, test = (_read(files, part, transposed) for part in ("train", "test"))
    codes, names = read_mapping(mapping) if mapping.exists() else _unmapped(classes, train, test)
    if train.images.shape[1:] != test.images.shape[1:]:
        sizes = ["x".join(map(str, split.images.shape[1:])) for split in (train, test)]
        raise DataError(f"{folder}: training images are {sizes[0]} but test images are {sizes[1]}")
    pool = _renumbered(train, codes, files["train", "labels"])
    return Source(names, pool, _renumbered(test, codes, files["test", "labels"]))


def expect_readable(folder: Path) -> None:
    """Read every IDX file in ``folder``; `DataError` for one that is damaged, or if there are none."""
    found = [(path, match) for path in sorted(folder.iterdir()) if (match := NAME.fullmatch(path.name))]
    if not found:
        raise DataError(f"{folder}: no IDX files here")
    for path, match in found:
        (read_images if match["kind"] == "images" else read_labels)(path)


def read_mapping(path: Path) -> tuple[list[int], tuple[str, ...]]:
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


def _parsed(text: str) -> tuple[Path, dict[str, str]]:
    folder, mark, query = text.rpartition("?")
    if not mark or "=" not in query:
        return Path(text).expanduser(), {}
    options = dict(option.partition("=")[::2] for option in query.split("&"))
    for key in options:
        if key not in OPTIONS:
            raise DataError(f"idx:{text}: unknown option {key!r} ({suggestion(key, OPTIONS)})")
    return Path(folder).expanduser(), options


def _flag(text: str, value: str) -> bool:
    if value not in ("yes", "no"):
        raise DataError(f"idx:{text}: transposed must be yes or no; got {value!r}")
    return value == "yes"


def _chosen(folder: Path, prefix: str | None) -> tuple[str, Files]:
    """Return the prefix and the four files of the only set in ``folder``, or of the one asked for."""
    sets = _sets(folder)
    known = sorted(sets)
    if prefix is not None:
        wanted = prefix if prefix in sets else f"{prefix}-"
        if wanted not in sets:
            raise DataError(f"{folder}: no files start with {prefix!r} ({suggestion(prefix, known)})")
        known = [wanted]
    if not known:
        raise DataError(
            f"{folder}: no IDX files (expected names like train-images-idx3-ubyte or ...-ubyte.gz)"
        )
    if len(known) > 1:
        names = ", ".join(name.rstrip("-") or "(none)" for name in known)
        raise DataError(
            f"{folder}: holds {len(known)} sets; choose one by adding ?prefix=NAME (known: {names})"
        )
    files = sets[known[0]]
    for part in ("train", "test"):
        for kind, digit in (("images", 3), ("labels", 1)):
            if (part, kind) not in files:
                raise DataError(
                    f"{folder}: lacks {known[0]}{part}-{kind}-idx{digit}-ubyte (or the same with .gz)"
                )
    return known[0], files


def _sets(folder: Path) -> dict[str, Files]:
    try:
        paths = sorted(folder.iterdir(), reverse=True)  # so that a plain file is taken before its .gz
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{folder}: cannot be read: {reason} (name a folder of IDX files)") from error
    sets: dict[str, Files] = {}
    for path in paths:
        if found := NAME.fullmatch(path.name):
            part = "train" if found["part"] == "train" else "test"
            sets.setdefault(found["prefix"], {})[part, found["kind"]] = path
    return sets


def _read(files: Files, part: str, transposed: bool) -> Split:
    images, labels = read_images(files[part, "images"]), read_labels(files[part, "labels"])
    if len(images) != len(labels):
        raise DataError(
            f"{files[part, 'labels']}: {len(images):,} images but {len(labels):,} labels (files of two sets?)"
        )
    return Split(_upright(images) if transposed else images, labels.astype(np.int64))


def _upright(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Transpose every image in place, a batch at a time: a large set would not fit in memory twice."""
    count, height, width = images.shape
    rows = images.reshape(count, -1)
    for start in range(0, count, AT_ONCE):
        part = images[start : start + AT_ONCE].swapaxes(1, 2)
        rows[start : start + AT_ONCE] = part.reshape(len(part), -1)
    return rows.reshape(count, width, height)


def _unmapped(classes: tuple[str, ...] | None, *splits: Split) -> tuple[list[int], tuple[str, ...]]:
    if classes is None:
        largest = max(int(split.labels.max()) for split in splits)
        classes = tuple(str(label) for label in range(largest + 1))
    return list(range(len(classes))), classes


def _renumbered(split: Split, codes: list[int], path: Path) -> Split:
    """Renumber the classes 0..K-1 in the order of ``codes``; refuse any other label."""
    number: NDArray[np.int64] = np.full(256, -1, dtype=np.int64)
    number[codes] = np.arange(len(codes))
    labels = number[split.labels]
    if (labels < 0).any():
        index = int(np.argmax(labels < 0))
        raise DataError(
            f"{path}: label {split.labels[index]} at index {index:,} is outside {min(codes)}..{max(codes)}"
        )
    return Split(split.images, labels)
