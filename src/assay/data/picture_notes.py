"""What stands in picture files beside the pixels, bounded: notes of cameras and programs, tags, text.

Pillow makes an object of 40 bytes of every number in a tag, and of some tags before it is asked for any.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from PIL import Image

MOST_TEXT, MOST_EXIF, MOST_NUMBERS = 4 << 20, 1 << 20, 1_000_000
"""Bytes of text in a PNG, unpacked; of a camera's notes; numbers in the tags of a TIFF."""
WIDTHS = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
"""Bytes of each number by the type of its tag; other types stay bytes."""
LEADS_ON = (0x8769, 0x8825, 0xA005)
"""Tags that say where another directory of tags lies: a camera's, a place's and other programs'."""
MOST_ENTRIES, MOST_DIRECTORIES = 65_535, 8
NO_LENGTH = {*range(0xD0, 0xDA), 0xC8, *range(0xF0, 0xFE)}
"""JPEG's markers that nothing belongs to."""
TIFFS = [order + mark for order in (b"II", b"MM") for mark in (b"*\0", b"\0*", b"+\0", b"\0+")]
SCAN, NOTES, EXIF = 0xDA, 0xE1, b"Exif\0\0"


def oversized(source: Path | bytes) -> str | None:
    """Return what is too large beside the pixels of a file, before Pillow opens it; None where nothing is."""
    with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        start = file.read(4)
        if start[:2] == b"\xff\xd8":
            return _expect_exif(_jpeg_notes(file))
        found = _tiff_numbers(file) if start in TIFFS else 0
        if found > MOST_NUMBERS:
            return f"its tags have {found:,} numbers, expected at most {MOST_NUMBERS:,} (save it as PNG)"
    return None


def oversized_exif(image: "Image.Image") -> str | None:
    """Return the same of a picture that Pillow has opened, of which it has not yet read a camera's notes."""
    return _expect_exif(len(image.info.get("exif") or b""))


@contextmanager
def lenient() -> Iterator[None]:
    """Let Pillow say nothing of sizes and odd notes, and keep little of what is written in a PNG."""
    from PIL import PngImagePlugin

    before = PngImagePlugin.MAX_TEXT_MEMORY
    PngImagePlugin.MAX_TEXT_MEMORY = min(before, MOST_TEXT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        PngImagePlugin.MAX_TEXT_MEMORY = before


def _expect_exif(found: int) -> str | None:
    if found <= MOST_EXIF:
        return None
    return f"its camera's notes (EXIF) have {found:,} bytes, expected at most {MOST_EXIF:,} (save it without)"


def _jpeg_notes(file: BinaryIO) -> int:
    """Return the bytes of a camera's notes in a JPEG, which may lie in many pieces before the scan."""
    total = 0
    file.seek(2)
    while byte := file.read(1):
        if byte != b"\xff":
            continue
        while (code := file.read(1)) == b"\xff":
            pass
        if not code or code[0] == SCAN:
            break
        if code == b"\0" or code[0] in NO_LENGTH:
            continue
        length = max(2, int.from_bytes(file.read(2), "big")) - 2
        start = file.tell()
        if code[0] == NOTES and file.read(len(EXIF)) == EXIF:
            total += length
        file.seek(start + length)
    return total


def _tiff_numbers(file: BinaryIO) -> int:
    """Return how many numbers the tags of a TIFF's first picture have, of those that lie in the file."""
    end, total = file.seek(0, os.SEEK_END), 0
    file.seek(0)
    start = file.read(16).ljust(16, b"\0")
    order, large = "<" if start[:2] == b"II" else ">", b"+" in start[2:4]
    count, entry = (
        (Struct(f"{order}Q"), Struct(f"{order}HHQQ"))
        if large
        else (Struct(f"{order}H"), Struct(f"{order}HHLL"))
    )
    places = [*Struct(f"{order}Q" if large else f"{order}L").unpack_from(start, 8 if large else 4)]
    for place in places:
        file.seek(min(place, end))
        (entries,) = count.unpack(file.read(count.size).ljust(count.size, b"\0"))
        if entries > MOST_ENTRIES:
            return int(entries)
        content = file.read(entries * entry.size)
        for tag, kind, numbers, value in entry.iter_unpack(
            content[: len(content) // entry.size * entry.size]
        ):
            if kind in WIDTHS and numbers * WIDTHS[kind] <= end:
                total += numbers
            if tag in LEADS_ON and len(places) < MOST_DIRECTORIES:
                places.append(value)
    return total
