"""The names of classes where no file gives them: of sets known by the names of their files or folders."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.data.glyphs import CLASSES as BALANCED
from assay.data.hosted import COLLECTIONS, DIGITS

LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
BYCLASS = (*DIGITS, *LETTERS, *map(str.lower, LETTERS))
Names = tuple[list[int], tuple[str, ...]]
EMNIST = {
    "balanced": tuple(BALANCED),
    "bymerge": tuple(BALANCED),
    "byclass": BYCLASS,
    "letters": LETTERS,
    "digits": DIGITS,
    "mnist": DIGITS,
}
"""EMNIST's six sets by the words that their files have, in the order of their labels."""


def names_around(path: Path, prefix: str = "") -> list[str]:
    """Return the words that may tell which set this is: of its files and of the two folders above."""
    parts = path.absolute().parts[1:]
    return [name.lower() for name in (prefix, *reversed(parts[-2:])) if name]


def is_emnist(words: Iterable[str]) -> bool:
    """Whether a file or folder is called EMNIST, whose images lie on their side."""
    return any(word.startswith("emnist") for word in words)


def known_classes(words: list[str], labels: NDArray[np.uint8]) -> Names | None:
    """Return the labels and class names of a known set; None where ``labels`` are not those of the set.

    Its last class must be there, so that part of a set has as many classes as its labels say.
    """
    found = _emnist(words, labels) if is_emnist(words) else _kin(words)
    if found is None or not np.isin(labels, found[0]).all() or labels.max() != max(found[0]):
        return None
    return found


def _emnist(words: list[str], labels: NDArray[np.uint8]) -> Names | None:
    for word in words:
        for key, names in EMNIST.items():
            if key in word.replace("emnist", ""):
                first = 1 if key == "letters" and labels.min() > 0 else 0
                return list(range(first, first + len(names))), names
    return None


def _kin(words: list[str]) -> Names | None:
    for word in words:
        for key in ("fashion", "kmnist", "mnist"):
            if key in word:
                names = COLLECTIONS["fashion-mnist" if key == "fashion" else key].classes or DIGITS
                return list(range(len(names))), names
    return None
