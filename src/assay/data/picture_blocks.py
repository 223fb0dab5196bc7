"""What picture files are made of: the segments of a JPEG, the chunks of a PNG, the extensions of a GIF.

Each is yielded with the number of bytes that belong to it; the caller may read them.
"""

import os
import re
from collections.abc import Iterator
from typing import BinaryIO

NO_LENGTH = {*range(0xD0, 0xDA), 0xC8, *range(0xF0, 0xFE)}
"""JPEG's markers that nothing belongs to."""
MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
PIECE = 1 << 12  # bytes in which a marker is looked for at a time
EXTENSION, PICTURE, LAST = b"!", b",", b";"


def segments(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield the markers of a JPEG and the bytes that belong to each, at which ``file`` then is."""
    file.seek(2)
    while piece := file.read(PIECE):
        if not (found := MARKER.search(piece)):
            if piece[-1] == 0xFF and len(piece) > 1:  # a marker's beginning
                file.seek(-1, os.SEEK_CUR)
            continue
        file.seek(found.end() - len(piece), os.SEEK_CUR)
        code, length = found[1][0], 0
        if code not in NO_LENGTH:
            length = max(2, int.from_bytes(file.read(2), "big")) - 2
        start = file.tell()
        yield code, length
        file.seek(start + length)


def chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield the names of a PNG's chunks and the bytes of each."""
    place = 8
    while len(head := _at(file, place, 8)) == 8:
        length = int.from_bytes(head[:4], "big")
        yield head[4:], length
        if head[4:] == b"IEND":
            break
        place += 12 + length


def extensions(file: BinaryIO) -> Iterator[int]:
    """Yield the bytes of what stands before a GIF's first picture, in its blocks of at most 255."""
    flags = (_at(file, 10, 1) or b"\0")[0]
    place = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while (kind := _at(file, place, 1)) and kind not in (PICTURE, LAST):
        place += 1
        if kind == EXTENSION:
            place += 1
            while size := (_at(file, place, 1) or b"\0")[0]:
                yield size
                place += 1 + size
            place += 1


def _at(file: BinaryIO, place: int, many: int) -> bytes:
    file.seek(place)
    return file.read(many)
