"""The rows of a ``.csv`` or ``.csv.gz`` file as text, a few at a time, within bounds."""

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import cast

from assay.data import expansion
from assay.data.pixels import MOST_EXAMPLES
from assay.errors import DataError, reason

LONGEST = 1 << 20  # bytes of a row
AT_ONCE, BYTES_AT_ONCE = 500, 4 << 20  # rows parsed at a time, or of how many characters; numbers take more
MOST_LINES = 2 * MOST_EXAMPLES  # empty ones among them

Row = tuple[int, str]
"""The number of a row in its file, from 1, and its text."""


def rows_of(path: Path) -> Iterator[Row]:
    """Yield the rows of a file, gzipped or not, that are not empty; `DataError` if it is not a table."""
    read, size = 0, path.stat().st_size
    packed, most = False, expansion.most(size)
    try:
        with path.open("rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            file = BufferedReader(cast(RawIOBase, gzip.GzipFile(fileobj=raw))) if packed else raw
            number = 0
            while line := file.readline(LONGEST + 1):
                number, read = number + 1, read + len(line)
                if len(line) > LONGEST:
                    raise DataError(f"{path}: row {number:,}: longer than {LONGEST:,} bytes (no table?)")
                if packed and read > most:
                    raise DataError(
                        f"{path}: expands to more than {expansion.RATIO} times its {size:,} bytes"
                    )
                if number > MOST_LINES:
                    raise DataError(f"{path}: more than {MOST_LINES:,} lines, most of them empty")
                if line.isspace():
                    continue
                if text := line.decode("utf-8-sig" if number == 1 else "utf-8").strip():
                    yield number, text
    except UnicodeDecodeError:
        raise DataError(f"{path}: row {number:,}: not text (expected a table with commas)") from None
    except (zlib.error, EOFError, OSError) as error:
        why = reason(error) or type(error).__name__
        what = "damaged gzip stream" if packed else "cannot be read"
        raise DataError(f"{path}: {what}: {why} (get the file again)") from error


def in_blocks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Yield the rows in blocks, each as large as is quick and takes little memory."""
    block: list[Row] = []
    size = 0
    for row in rows:
        block.append(row)
        size += len(row[1])
        if len(block) == AT_ONCE or size > BYTES_AT_ONCE:
            yield block
            block, size = [], 0
    if block:
        yield block
