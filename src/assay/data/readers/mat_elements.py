"""What a MATLAB file declares, checked before anything is read: sizes that fit, and no more than numbers.

A file of version 5 is a header of 128 bytes and elements: a type and a length (4 bytes each), then so many
bytes, padded to 8. Elements nest; some are compressed. SciPy reads them, and takes their sizes as they are.
"""

import struct
import zlib
from math import prod
from pathlib import Path

from assay.errors import DataError

HEADER = 128
MATRIX, COMPRESSED = 14, 15
WIDTHS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
"""Bytes of a value of each numeric type."""
CELL, STRUCT, OBJECT, CHAR = 1, 2, 3, 4
NUMBERS = range(6, 16)
DEEPEST = 8
RATIO, FREE, PIECE = 40, 24 << 20, 1 << 20
"""Only below 24 MiB, which are then in memory twice, may a file unpack to more than 40 times its size."""
MOST_ARRAYS = 10_000


def check(path: Path) -> None:
    """Raise `DataError` unless ``path`` is a MATLAB file of version 5 with all that it declares."""
    content = path.read_bytes()
    if content[:4] == b"\x89HDF" or b"MATLAB 7.3" in content[:HEADER]:
        raise DataError(f"{path}: a MATLAB file of version 7.3, expected version 5 (save it with -v7)")
    if len(content) < HEADER or content[124:128] not in (b"\x00\x01IM", b"\x01\x00MI"):
        found = content[:4].hex(" ") or "nothing"
        raise DataError(f"{path}: no MATLAB file of version 5 or 7: starts {found}")
    order = "<" if content[126:128] == b"IM" else ">"
    _Walk(path, order, max(FREE, RATIO * len(content))).elements(memoryview(content)[HEADER:], 0)


class _Walk:
    """Goes through the elements of a file, whose compressed ones may unpack to ``limit`` bytes in all."""

    def __init__(self, path: Path, order: str, limit: int) -> None:
        self.path, self.order, self.limit = path, order, limit
        self.unpacked, self.arrays = 0, 0

    def elements(self, data: memoryview, depth: int) -> None:
        """Check all elements that follow each other in ``data``."""
        while len(data):
            kind, body, data = self._next(data, top=depth == 0)
            if kind == COMPRESSED and depth == 0:
                self.elements(memoryview(self._unpacked(body)), depth + 1)
            elif kind == MATRIX:
                self._matrix(body, depth + 1)
            elif kind not in WIDTHS:
                raise self._wrong(f"an element of the unknown type {kind}")

    def _next(self, data: memoryview, *, top: bool = False) -> tuple[int, memoryview, memoryview]:
        """Return the type and content of the first element, and what follows it."""
        if len(data) < 8:
            raise self._wrong(f"truncated: an element's header has {len(data)} of 8 bytes")
        kind, size = struct.unpack(f"{self.order}II", data[:8])
        if kind >> 16:  # a short element: length and type in four bytes, content in four more
            kind, size = kind & 0xFFFF, kind >> 16
            if size > 4:
                raise self._wrong(f"a short element of {size} bytes, where 4 are the most")
            return kind, data[4 : 4 + size], data[8:]
        if size > len(data) - 8:
            raise self._wrong(f"truncated: an element declares {size:,} bytes, {len(data) - 8:,} follow")
        padded = size if top and kind == COMPRESSED else -(-size // 8) * 8
        return kind, data[8 : 8 + size], data[8 + padded :]

    def _unpacked(self, body: memoryview) -> bytearray:
        engine, left, data = zlib.decompressobj(), self.limit - self.unpacked, bytearray()
        try:
            for start in range(0, len(body), PIECE):
                packed: memoryview | bytes = body[start : start + PIECE]
                while piece := engine.decompress(packed, PIECE):  # more at once would be there three times
                    data += piece
                    if len(data) > left:
                        raise self._wrong(f"its compressed parts expand to more than {self.limit:,} bytes")
                    packed = engine.unconsumed_tail
        except zlib.error as error:
            raise self._wrong(f"damaged compressed part ({error})") from None
        if not engine.eof:
            raise self._wrong("a compressed part ends early")
        self.unpacked += len(data)
        return data

    def _matrix(self, data: memoryview, depth: int) -> None:
        """Check an array: its flags, dimensions and name, and its values or the arrays in it."""
        self.arrays += 1
        if self.arrays > MOST_ARRAYS:
            raise self._wrong(f"more than {MOST_ARRAYS:,} arrays")
        if not len(data):
            return
        if depth > DEEPEST:
            raise self._wrong(f"arrays in arrays deeper than {DEEPEST}")
        _, flags, data = self._next(data)
        kind = struct.unpack(f"{self.order}I", flags[:4])[0] & 0xFF if len(flags) == 8 else 0
        _, sizes, data = self._next(data)
        shape = struct.unpack(f"{self.order}{len(sizes) // 4}i", sizes[: len(sizes) // 4 * 4])
        if not 2 <= len(shape) <= 8 or min(shape) < 0:
            raise self._wrong(f"bad shape {shape[:8]}")
        _, _, data = self._next(data)  # the name
        fields = 1
        if kind == STRUCT:
            _, length, data = self._next(data)
            _, names, data = self._next(data)
            width = struct.unpack(f"{self.order}i", length)[0] if len(length) == 4 else 0
            if not 1 <= width <= 64:
                raise self._wrong(f"names of fields of {width} bytes")
            fields = len(names) // width
        if kind in (CELL, STRUCT):
            self._expect(prod(shape) * fields, len(data) // 8, "arrays in it", shape)
            self.elements(data, depth)
        elif kind in NUMBERS or kind == CHAR:
            self._values(data, shape)
        else:
            raise self._wrong(f"an array of class {kind}, expected numbers, text, cells or structures")

    def _values(self, data: memoryview, shape: tuple[int, ...]) -> None:
        while len(data):  # the real part, and perhaps an imaginary one
            kind, values, data = self._next(data)
            if kind not in WIDTHS:
                raise self._wrong(f"values of the unknown type {kind}")
            self._expect(prod(shape), len(values) // WIDTHS[kind], "values", shape)

    def _expect(self, wanted: int, there: int, what: str, shape: tuple[int, ...]) -> None:
        if wanted > there:
            sizes = "x".join(map(str, shape))
            raise self._wrong(f"an array of {sizes} declares {wanted:,} {what}, there are at most {there:,}")

    def _wrong(self, what: str) -> DataError:
        return DataError(f"{self.path}: {what} (damaged? get the file again)")
