"""What a Parquet file declares, read before any of it is unpacked: its columns, row groups and pages.

A reader takes these sizes as they are, and unpacks a page as a whole. They are written in Thrift's compact
protocol: a structure is fields, each a byte with how far its number is above the last one's and its type,
and ends with a zero; whole numbers have seven bits in a byte, the lowest first.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

MOST_COLUMNS, MOST_CHUNKS = 10_000, 200_000
"""Columns of a file, and columns of all its row groups; a reader keeps about 500 bytes for each."""
TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
WHOLE = (4, 5, 6)
DEEPEST = 16
DATA, DICTIONARY, DATA_2 = 0, 2, 3
"""Kinds of pages; the second kind of data has its levels unpacked."""
HEADS = {DATA: 5, DICTIONARY: 7, DATA_2: 8}
"""Which field of a page's header says more of each kind."""
MOST_FIELDS = 8  # of what it says
PLAIN, RLE = 0, 3


class Damaged(ValueError):
    """A file declares what cannot be."""


class Compact:
    """Values in the compact protocol, read one after the other from a file."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def byte(self) -> int:
        """Return the next byte."""
        if not (found := self.file.read(1)):
            raise Damaged("it ends in the middle of a header or page")
        return found[0]

    def little(self, width: int) -> int:
        """Return a whole number of ``width`` bytes, the lowest first."""
        if len(found := self.file.read(width)) < width:
            raise Damaged("it ends in the middle of a page")
        return int.from_bytes(found, "little")

    def natural(self) -> int:
        """Return a whole number that is not below 0."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Damaged("a number of more than 64 bits")

    def whole(self) -> int:
        """Return a whole number of any sign."""
        value = self.natural()
        return (value >> 1) ^ -(value & 1)

    def fields(self) -> Iterator[tuple[int, int]]:
        """Yield the number and the type of a structure's fields; whoever asks reads or skips each value."""
        number = 0
        while head := self.byte():
            number = number + (head >> 4) if head >> 4 else self.whole()
            yield number, head & 15

    def listed(self) -> tuple[int, int]:
        """Return how many values a list has, and their type."""
        head = self.byte()
        return self.natural() if head >> 4 == 15 else head >> 4, head & 15

    def skip(self, kind: int, depth: int = 0) -> None:
        """Pass over a value."""
        if depth > DEEPEST:
            raise Damaged("structures nested without end")
        if kind == BYTE:
            self.byte()
        elif kind in WHOLE:
            self.natural()
        elif kind == DOUBLE:
            self.file.seek(8, os.SEEK_CUR)
        elif kind == BINARY:
            self.file.seek(min(self.natural(), 1 << 40), os.SEEK_CUR)
        elif kind in (LIST, SET):
            count, inner = self.listed()
            for _ in range(count):
                self.skip(BYTE if inner in (TRUE, FALSE) else inner, depth + 1)
        elif kind == STRUCT:
            for _, inner in self.fields():
                self.skip(inner, depth + 1)
        elif kind not in (TRUE, FALSE):  # these are their type alone
            raise Damaged(f"a value of the unknown type {kind}")


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


def expect_few_columns(path: Path) -> None:
    """Raise `Damaged` where a file declares more columns or row groups than are read."""
    with path.open("rb") as file:
        file.seek(-8, os.SEEK_END)
        length, end = struct.unpack("<I4s", file.read(8))
        if end != b"PAR1":
            raise Damaged(f"it ends with {end.hex(' ')}, expected 50 41 52 31")
        file.seek(-8 - length, os.SEEK_END)
        compact, columns = Compact(file), 0
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


def pages(file: BinaryIO, chunk: Any) -> Iterator[DeclaredPage]:
    """Yield the pages of a row group's column, whose place ``chunk`` (of pyarrow's metadata) tells."""
    places = [place for place in (chunk.dictionary_page_offset, chunk.data_page_offset) if place]
    if not places and not chunk.num_values:
        return  # a row group without rows
    if not places:
        raise Damaged("values, and no page that has them")
    start = min(places)
    end, left = start + chunk.total_compressed_size, chunk.num_values + 2
    while start < end:
        if not (left := left - 1):
            raise Damaged(f"more pages than its {chunk.num_values:,} values")
        file.seek(start)
        page = _page(Compact(file))
        yield page
        start = page.start + page.packed


def _page(compact: Compact) -> DeclaredPage:
    own: dict[int, int] = {}  # only what is asked for: a header may have fields without end
    heads: dict[int, dict[int, int]] = {}
    for number, kind in compact.fields():
        if number in HEADS.values() and kind == STRUCT:
            heads[number] = _whole_numbers(compact)
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


def _whole_numbers(compact: Compact) -> dict[int, int]:
    """Return the whole numbers and truths of a structure by the numbers of their fields."""
    found: dict[int, int] = {}
    for number, kind in compact.fields():
        if number <= MOST_FIELDS and kind in WHOLE:
            found[number] = compact.whole()
        elif number <= MOST_FIELDS and kind in (TRUE, FALSE):
            found[number] = kind == TRUE
        else:
            compact.skip(kind)
    return found
