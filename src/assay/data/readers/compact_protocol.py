"""Thrift's compact protocol, in which a Parquet file says what it holds.

A structure is fields, each a byte with how far its number is above the last one's and its type, and ends with
a zero; whole numbers have seven bits in a byte, the lowest first.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
WHOLE = (4, 5, 6)
DEEPEST = 16


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

    def whole_numbers(self, most: int) -> dict[int, int]:
        """Return a structure's whole numbers and truths by the numbers of their fields, up to ``most``."""
        found: dict[int, int] = {}
        for number, kind in self.fields():
            if number <= most and kind in WHOLE:
                found[number] = self.whole()
            elif number <= most and kind in (TRUE, FALSE):
                found[number] = kind == TRUE
            else:
                self.skip(kind)
        return found
