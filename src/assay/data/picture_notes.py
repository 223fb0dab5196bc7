"""Limits on what picture files hold besides pixels: metadata of cameras and programs, tags, text, scans.

Pillow makes an object of 40 bytes of every number in a tag, and of some tags before it is asked for any; it
decodes every scan of a JPEG, of which a few bytes may be one over all pixels.
"""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from struct import Struct
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from assay.data.picture_blocks import chunks, extensions, segments

if TYPE_CHECKING:
    from PIL import Image

MOST_PIXELS = 110_000_000
MOST_TEXT, MOST_EXIF, MOST_NUMBERS = 4 << 20, 1 << 20, 1_000_000
"""Bytes of text in a PNG, unpacked; of a camera's notes; numbers in tags."""
MOST_BESIDE, MOST_BLOCKS = 8 << 20, 20_000
"""Bytes of a PNG or GIF that are not pixels, and in how many blocks they may be."""
MOST_SCANS, MOST_SEGMENTS = 100, 10_000
"""Scans of a JPEG, of which progressive ones have about ten; segments of any kind."""
NUMBER = 40  # bytes that each number takes
WIDTHS = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
"""Bytes of each number by the type of its tag; other types stay bytes."""
LEADS_ON = (0x8769, 0x8825, 0xA005)
"""Tags that say where another directory of tags lies: a camera's, a place's and other programs'."""
MOST_ENTRIES, MOST_DIRECTORIES = 65_535, 8
TIFFS = [order + mark for order in (b"II", b"MM") for mark in (b"*\0", b"\0*", b"+\0", b"\0+")]
PIXELS = (b"IDAT", b"fdAT", b"fcTL")
CAMERA = "its camera's notes (EXIF)"
SCAN, END, NOTES, EXIF = 0xDA, 0xD9, 0xE1, b"Exif\0\0"


def oversized(source: Path | bytes) -> str | None:
    """Return what is too large beside the pixels of a file, before Pillow opens it; None where nothing is."""
    with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        start = file.read(4)
        if start[:2] == b"\xff\xd8":
            return _oversized_jpeg(file)
        if start == b"\x89PNG":
            return _expect_beside(length for kind, length in chunks(file) if kind not in PIXELS)
        if start == b"GIF8":
            return _expect_beside(extensions(file))
        return _expect_tags(file, "its tags") if start in TIFFS else None


def oversized_exif(image: "Image.Image") -> str | None:
    """Return the same of a picture that Pillow has opened, before it reads a camera's notes."""
    return _expect_exif(image.info.get("exif") or b"")


def lenient() -> AbstractContextManager[None]:
    """Let Pillow say nothing of sizes and odd notes, and keep little of what is written in a PNG.

    It raises `DecompressionBombError` for more than `MOST_PIXELS`: a picture that lies in another, as in an
    icon, shows its size only while it is decoded. Pillow's limits are those of all threads: they hold while
    any thread reads a picture here, and afterwards are what they were.
    """
    return _LENIENT


@contextmanager
def _limited() -> Iterator[None]:
    from PIL import Image, PngImagePlugin

    before, pixels = PngImagePlugin.MAX_TEXT_MEMORY, Image.MAX_IMAGE_PIXELS
    PngImagePlugin.MAX_TEXT_MEMORY = min(before, MOST_TEXT)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2  # it warns of more, and refuses twice as many
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        PngImagePlugin.MAX_TEXT_MEMORY, Image.MAX_IMAGE_PIXELS = before, pixels


class _Shared(AbstractContextManager[None]):
    """A context that several threads are in at once: the first one enters it, and the last one leaves it."""

    def __init__(self, context: Callable[[], AbstractContextManager[None]]) -> None:
        self._context = context
        self._lock = Lock()
        self._inside = 0
        self._entered = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._entered.enter_context(self._context())
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._entered.close()


_LENIENT = _Shared(_limited)


def _expect_beside(sizes: Iterable[int]) -> str | None:
    """Return what is too large of blocks of these ``sizes``, which a reader keeps."""
    total = 0
    for number, size in enumerate(sizes):
        if (total := total + size) > MOST_BESIDE or number == MOST_BLOCKS:
            many = f"{MOST_BESIDE:,} bytes or {MOST_BLOCKS:,} blocks"
            return f"it has more than {many} beside its pixels (save it anew)"
    return None


def _expect_exif(notes: bytes) -> str | None:
    found = len(notes)
    if found > MOST_EXIF:
        return f"{CAMERA} have {found:,} bytes, expected at most {MOST_EXIF:,} (save it without)"
    while notes.startswith(EXIF):
        notes = notes.removeprefix(EXIF)
    return _expect_tags(BytesIO(notes), CAMERA)


def _expect_tags(file: BinaryIO, what: str) -> str | None:
    if (found := _tiff_numbers(file)) <= MOST_NUMBERS:
        return None
    return f"{what} have {found:,} numbers, expected at most {MOST_NUMBERS:,} (save it as PNG, without them)"


def _oversized_jpeg(file: BinaryIO) -> str | None:
    """Return what is too large in a JPEG; a camera's notes may lie in many pieces before the first scan."""
    notes, scans = bytearray(), 0
    for number, (code, length) in enumerate(segments(file)):
        if number == MOST_SEGMENTS:
            return f"it has more than {MOST_SEGMENTS:,} segments (damaged? or save it anew)"
        if code == NOTES and not scans and len(notes) <= MOST_EXIF:
            piece = file.read(length)
            notes += piece.removeprefix(EXIF) if piece.startswith(EXIF) else b""
        scans += code == SCAN
        if scans > MOST_SCANS:
            return f"it has more than {MOST_SCANS} scans (damaged? or save it as PNG)"
        if scans and code == END:
            break
    return _expect_exif(bytes(notes))


def _tiff_numbers(file: BinaryIO) -> int:
    """Return how many numbers the tags of a TIFF's first picture have, of those that lie in the file.

    Tags may share a place: bytes and text beyond the file's size count as the numbers whose room they take.
    """
    end, total, more = file.seek(0, os.SEEK_END), 0, 0
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
            elif numbers <= end:
                more += numbers
            if tag in LEADS_ON and len(places) < MOST_DIRECTORIES:
                places.append(value)
    return total + max(0, more - end) // NUMBER
