"""The files of a set's parts: those that are named, and those beside the training file under like names."""

import re
import stat
from pathlib import Path

from assay.data.address import Address
from assay.errors import DataError, reason

TRAIN = re.compile(r"(?<![a-z])train(?:ing)?(?![a-z])", re.IGNORECASE)
LIKE = {"valid": ("valid", "val", "validation"), "test": ("test", "t10k", "testing")}


def part_files(address: Address) -> dict[str, Path]:
    """Return the file of each part; `DataError` where one that was named is not a regular file."""
    found = {"train": address.path}
    for part, words in LIKE.items():
        named = address.beside(part)
        if named is not None:
            found[part] = named
        else:
            found.update((part, path) for path in _beside(address.path, words)[:1])
    for path in found.values():
        expect_file(path)
    return found


def expect_file(path: Path) -> None:
    """Refuse what is not there, and what is not a regular file, such as a folder or a pipe."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{path}: is not a regular file (name a file of data)")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {reason(error)}") from error


def _beside(path: Path, words: tuple[str, ...]) -> list[Path]:
    """Return the files beside the training file whose names have one of ``words`` in its place."""
    if not TRAIN.search(path.name):
        return []
    names = [
        TRAIN.sub(spelt, path.name) for word in words for spelt in (word, word.capitalize(), word.upper())
    ]
    return [beside for name in names if (beside := path.with_name(name)).is_file()]
