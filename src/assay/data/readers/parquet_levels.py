"""Whether the lists in a Parquet file's column are of one length, found before any of them is read.

pyarrow reads a list as a whole, and any one of a row group may have all of its numbers. Where a list starts,
its repetition level is 0; these levels stand before a page's values.
"""

from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.readers.compact_protocol import Compact
from assay.data.readers.parquet_layout import DATA, DATA_2, RLE, DeclaredChunk, DeclaredPage, pages
from assay.data.readers.parquet_pages import STREAMED, Unpacking

MOST_RUNS = 1 << 22
"""Runs of levels that are read; even lists have a few each."""


def are_even(path: Path, chunk: DeclaredChunk, each: int, deepest: int) -> bool:
    """Whether each list of a row group's column is of ``each`` numbers, in lists up to ``deepest`` in others.

    A list that is empty or missing takes the place of one number. It is False too for lists of one, and where
    levels are packed in a way that is not read here. Raises `Damaged`, or pyarrow's errors.
    """
    if each < 2 or chunk.compression not in ("UNCOMPRESSED", "SNAPPY", *STREAMED):
        return False
    before = starts = runs = 0
    with path.open("rb") as file:
        unpacking = Unpacking(path, file, chunk.compression)
        for page in pages(file, chunk):
            if page.kind not in (DATA, DATA_2):
                continue
            if page.kind == DATA and page.level_encoding != RLE:
                return False
            for start, level_0 in _zeros(_levels(file, unpacking, page), page.values, deepest.bit_length()):
                if np.any((before + start + level_0) % each) or (runs := runs + 1) > MOST_RUNS:
                    return False
                starts += len(level_0)
            before += page.values
    return before == chunk.values == starts * each


def _levels(file: BufferedReader, unpacking: Unpacking, page: DeclaredPage) -> Compact:
    """Return the levels of a page, which in the first kind of data follow their length."""
    if page.kind == DATA_2:
        file.seek(page.start)
        return Compact(file)
    content = Compact(unpacking.all_of(page))
    content.little(4)
    return content


def _zeros(compact: Compact, values: int, width: int) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield for each run where it begins, and at which of its places the level is 0, up to two of a long one.

    A run is of one level, or of groups of eight that are packed in ``width`` bits each.
    """
    begin = 0
    while begin < values:
        head = compact.natural()
        if head & 1:
            count = min(8 * (head >> 1), values - begin)
            packed = np.frombuffer(compact.file.read(-(-count * width // 8)), np.uint8)
            bits = np.unpackbits(packed, bitorder="little")
            whole = bits[: len(bits) // width * width].reshape(-1, width)
            yield begin, np.flatnonzero(whole[:count].max(axis=1) == 0)
            compact.file.seek((head >> 1) * width - len(packed), 1)
        else:
            count = min(head >> 1, values - begin)
            level = compact.little((width + 7) // 8)
            yield begin, np.arange(0 if level else min(count, 2))
        begin += max(count, 1)
