"""The table of groups, such as writers, beside a folder of pictures: rows of a file and its group."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from assay.data.readers.siblings import expect_file
from assay.errors import MOST_KNOWN, DataError, reason, suggestion

LONGEST = 1 << 16  # characters of a row
ODD = ("./", "//", "\\")
"""Where a path may be written in another way."""


def key(path: Path, root: Path) -> str:
    """Return how a table in ``root`` names a file."""
    return path.relative_to(root).as_posix()


def read_groups(root: Path, name: str, paths: Iterable[Path]) -> dict[str, str]:
    """Return the group of each picture by its `key`, as the table ``NAME.csv`` in ``root`` says."""
    table = root / f"{name}.csv"
    groups, others, known = {key(path, root): "" for path in paths}, list[str](), dict[str, str]()
    for file, group in _rows(table, name):
        if file in groups:
            groups[file] = known.setdefault(group, group)
        elif len(others) < MOST_KNOWN:
            others.append(file)
    for file, group in groups.items():
        if not group:
            raise DataError(f"{root / file}: has no group in {table.name} ({suggestion(file, others)})")
    return groups


def _rows(path: Path, name: str) -> Iterator[tuple[str, str]]:
    expect_file(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(filter(None, csv.reader(_lines(path, file))), start=1):
                words = [word.strip() for word in row]
                if len(words) != 2 or not words[1]:
                    found = f"{len(row)} columns" if len(row) != 2 else "an empty one"
                    raise DataError(f"{path}: row {number:,}: {found}, expected a file and its {name}")
                plain = not any(mark in words[0] for mark in ODD)
                yield words[0] if plain else Path(words[0]).as_posix(), words[1]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path}: cannot be read: {reason(error)} (expected rows of a file and its {name})"
        ) from None


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    while line := file.readline(LONGEST + 1):
        if len(line) > LONGEST:
            raise DataError(f"{path}: a row of more than {LONGEST:,} characters (no table?)")
        yield line
