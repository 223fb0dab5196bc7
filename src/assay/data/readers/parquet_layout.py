"""What a Parquet file declares, read before any of it is unpacked: its columns, row groups and pages.

A reader takes these sizes as they are, and unpacks a page as a whole.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from assay.data.readers.compact_protocol import LIST, STRUCT, WHOLE, Compact, Damaged

MOST_COLUMNS, MOST_CHUNKS = 10_000, 200_000
"""Columns of a file, and columns of all its row groups; a reader keeps about 500 bytes for each."""
DATA, DICTIONARY, DATA_2 = 0, 2, 3
"""Kinds of pages; the second kind of data has its levels unpacked."""
HEADS = {DATA: 5, DICTIONARY: 7, DATA_2: 8}
"""Which field of a page's header says more of each kind."""
MOST_FIELDS = 11  # of what it says, and of what a footer says of a column
PLAIN, RLE = 0, 3
PACKED = ("UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW")
"""What the numbers stand for that say how a column is packed."""


@dataclass(frozen=True)
class DeclaredPage:
    """What a page's header declares: bytes of its body, unpacked and packed, where it starts, and its values.

    A data page of the second kind has ``levels`` bytes of levels before what is packed.
    """

    kind: int
    size: int
    packed: int
    start: int
    values: int = 0
    encoding: int = PLAIN
    level_encoding: int = RLE
    levels: int = 0
    is_packed: bool = True


@dataclass(frozen=True, slots=True)
class DeclaredChunk:
    """What a footer declares of a row group's column: how it is packed, its values, its pages' place."""

    compression: str
    values: int
    start: int
    size: int


def expect_few_columns(path: Path) -> None:
    """Raise `Damaged` where a file declares more columns or row groups than are read."""
    with path.open("rb") as file:
        compact, columns = _footer(file), 0
        for number, kind in compact.fields():
            if number == 2 and kind == LIST:
                columns, inner = compact.listed()
                if columns > MOST_COLUMNS:
                    raise Damaged(f"it declares {columns:,} columns, expected at most {MOST_COLUMNS:,}")
                for _ in range(columns):
                    compact.skip(inner)
            elif number == 4 and kind == LIST:
                groups, _ = compact.listed()
                if groups * columns > MOST_CHUNKS:
                    raise Damaged(f"it declares {groups:,} row groups of {columns:,} columns")
                return
            else:
                compact.skip(kind)


def chunks(path: Path, index: int) -> list[DeclaredChunk]:
    """Return what a file declares of the column ``index`` in each row group.

    pyarrow would tell it too, but ends the whole process where it is not as pyarrow expects.
    """
    with path.open("rb") as file:
        compact = _footer(file)
        for number, kind in compact.fields():
            if number == 4 and kind == LIST:
                groups, _ = compact.listed()
                return [_chunk(compact, index) for _ in range(groups)]
            compact.skip(kind)
    raise Damaged("a footer without row groups")


def _footer(file: BinaryIO) -> Compact:
    """Return what stands at the end of a file, to be read from its beginning."""
    file.seek(-8, os.SEEK_END)
    length, end = struct.unpack("<I4s", file.read(8))
    if end != b"PAR1":
        raise Damaged(f"it ends with {end.hex(' ')}, expected 50 41 52 31")
    file.seek(-8 - length, os.SEEK_END)
    return Compact(file)


def _chunk(compact: Compact, index: int) -> DeclaredChunk:
    """Return the column ``index`` of a row group, which is read to its end."""
    own: dict[int, int] = {}
    for number, kind in compact.fields():
        if number != 1 or kind != LIST:
            compact.skip(kind)
            continue
        columns, inner = compact.listed()
        for column in range(columns):
            if column == index and inner == STRUCT:
                own = _metadata(compact)
            else:
                compact.skip(inner)
    packing, values, size, data, dictionary = (own.get(number, 0) for number in (4, 5, 7, 9, 11))
    if not 0 <= packing < len(PACKED):
        raise Damaged(f"a column packed in the unknown way {packing}")
    return DeclaredChunk(PACKED[packing], values, min(filter(None, (data, dictionary)), default=0), size)


def _metadata(compact: Compact) -> dict[int, int]:
    """Return the whole numbers that a row group's column has in its metadata, by their fields."""
    own: dict[int, int] = {}
    for number, kind in compact.fields():
        if number == 3 and kind == STRUCT:
            own = compact.whole_numbers(MOST_FIELDS)
        else:
            compact.skip(kind)
    return own


def pages(file: BinaryIO, chunk: DeclaredChunk) -> Iterator[DeclaredPage]:
    """Yield the pages of a row group's column."""
    if not chunk.start and not chunk.values:
        return  # a row group without rows
    if not chunk.start:
        raise Damaged("values, and no page that has them")
    start, end, left = chunk.start, chunk.start + chunk.size, chunk.values + 2
    while start < end:
        if not (left := left - 1):
            raise Damaged(f"more pages than its {chunk.values:,} values")
        file.seek(start)
        page = _page(Compact(file))
        yield page
        start = page.start + page.packed


def _page(compact: Compact) -> DeclaredPage:
    own: dict[int, int] = {}  # only what is asked for: a header may have fields without end
    heads: dict[int, dict[int, int]] = {}
    for number, kind in compact.fields():
        if number in HEADS.values() and kind == STRUCT:
            heads[number] = compact.whole_numbers(MOST_FIELDS)
        elif number <= 3 and kind in WHOLE:
            own[number] = compact.whole()
        else:
            compact.skip(kind)
    kind, size, packed = (own.get(number, -1) for number in (1, 2, 3))
    head = heads.get(HEADS.get(kind, 0), {})
    if min(size, packed, *head.values(), 0) < 0:
        raise Damaged("a page without a size, or of less than nothing")
    if kind == DATA_2:
        return DeclaredPage(
            kind, size, packed, compact.file.tell(), head.get(1, 0), head.get(4, -1),
            levels=head.get(5, 0) + head.get(6, 0), is_packed=bool(head.get(7, True)),
        )  # fmt: skip
    return DeclaredPage(
        kind, size, packed, compact.file.tell(), head.get(1, 0), head.get(2, -1), head.get(3, RLE)
    )
