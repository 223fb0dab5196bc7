"""IDX files, the format of MNIST and EMNIST, optionally gzipped.

A file is a magic number (two zero bytes, a type code, the number of
dimensions), each dimension as a big-endian 32-bit integer, and the data. The
header is checked against the file's contents before any memory is allocated.
"""

import gzip
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from assay.data import expansion
from assay.errors import DataError, reason

Bytes = NDArray[np.uint8]

TYPES = {0x08: "uint8", 0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
UNSIGNED_BYTE = 0x08
COLOUR = b"\0\0\x08\x04"
"""How images with channels begin."""
PIECE = 1 << 20  # bytes unpacked at a time, so that the result is in memory only once
LARGEST_SIDE = 1 << 16
MOST_EXAMPLES = 3_000_000
"""Labels take eight times their size in memory; EMNIST has 814,255."""
LOOKALIKES = {
    b"PK": "a zip archive",
    b"\x1f\x8b": "gzip inside gzip",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8": "a JPEG image",
    b"\x93NUMPY": "a NumPy array",
    b"version https://git-lfs": "a Git LFS pointer; fetch the file itself",
    b"<": "an HTML page",
}


def read_images(path: Path) -> Bytes:
    """Return the images of the IDX file at ``path`` as they are stored, as a writable array.

    They are (N, H, W), or (N, H, W, C) where the file has four dimensions.
    """
    return _read(path, dimensions=3)


def read_labels(path: Path) -> Bytes:
    """Return the labels (N,) of the IDX file at ``path``."""
    return _read(path, dimensions=1)


def count_images(path: Path) -> int:
    """Return how many images the IDX file at ``path`` declares."""
    with _opened(path) as (content, _):
        return _header(path, content, 3)[0][0]


def write_idx(path: Path, array: Bytes) -> None:
    """Write ``array`` (uint8) as an IDX file, compressed where the name ends in ``.gz``.

    Images are (N, H, W), or (N, H, W, 3) in colour; labels are (N,).
    """
    header = struct.pack(f">HBB{array.ndim}I", 0, UNSIGNED_BYTE, array.ndim, *array.shape)
    rows = np.ascontiguousarray(array, dtype=np.uint8).data
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(header + rows, mtime=0))
        return
    with path.open("wb") as file:
        file.write(header)
        file.write(rows)


class _Gzip:
    """What a gzip file of ``size`` bytes unpacks to, read forwards, little at once whatever it expands to."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self.path, self.file, self.size = path, file, size
        self.rewind()

    def rewind(self, start: int = 0) -> None:
        """Go back to the unpacked byte ``start``, one near the beginning."""
        self.file.seek(0)
        self.engine = zlib.decompressobj(wbits=31)
        self.read(start)

    def read(self, most: int) -> bytes:
        """Return ``most`` bytes; fewer where the stream, or the file, ends."""
        found = b""
        try:
            while len(found) < most and not self.engine.eof:
                part = self.engine.decompress(self.engine.unconsumed_tail, most - len(found))
                if not part:
                    if not (piece := self.file.read(PIECE)):
                        break
                    part = self.engine.decompress(piece, most - len(found))
                found += part
        except zlib.error as error:
            damaged = f"damaged gzip stream ({error})"
            what = "gzip checksum does not match" if "incorrect" in str(error) else damaged
            raise DataError(f"{self.path}: {what} (get the file again)") from error
        return found

    def fill(self, data: bytearray | None, expected: int) -> None:
        """Read the other ``expected`` bytes, into ``data`` where there is one; refuse fewer, and more."""
        done = 0
        while done <= expected and (part := self.read(min(expected + 1 - done, PIECE))):
            if data is not None:
                data[done : done + len(part)] = part
            done += len(part)
        if done > expected:
            raise DataError(f"{self.path}: expands beyond the {expected:,} data bytes that its header allows")
        if not self.engine.eof:
            raise DataError(f"{self.path}: gzip stream ends early (download incomplete? get the file again)")
        if extra := len(self.engine.unused_data) + self.size - self.file.tell():
            raise DataError(
                f"{self.path}: {extra:,} unexpected bytes after the end of the gzip stream "
                "(get the file again)"
            )
        if done < expected:
            raise _truncated(self.path, expected, done)


@contextmanager
def _opened(path: Path) -> Iterator[tuple["BufferedReader | _Gzip", int]]:
    """Open a file to read what is in it, unpacked; yield its size too."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"{path}: is not a regular file (name a file of IDX data)")
        with path.open("rb") as file:
            packed = file.peek(2)[:2] == b"\x1f\x8b"
            yield _Gzip(path, file, found.st_size) if packed else file, found.st_size
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {reason(error)}") from error


def _read(path: Path, dimensions: int) -> Bytes:
    with _opened(path) as (content, size):
        shape, length = _header(path, content, dimensions)
        expected = prod(shape)
        if isinstance(content, _Gzip):
            _expect_ratio(path, length + expected, size)
        else:
            _expect_length(path, expected, size - length)
        if shape[0] > MOST_EXAMPLES:
            raise DataError(f"{path}: declares {shape[0]:,} examples, limit {MOST_EXAMPLES:,} (damaged?)")
        if isinstance(content, _Gzip):
            if expected > size + expansion.FREE:  # read through first: what is damaged is to take little
                content.fill(None, expected)
                content.rewind(length)
            content.fill(data := bytearray(expected), expected)
        elif (done := content.readinto(data := bytearray(expected))) < expected:
            raise _truncated(path, expected, done)
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _header(path: Path, content: "BufferedReader | _Gzip", dimensions: int) -> tuple[tuple[int, ...], int]:
    """Return what the header declares, and its length."""
    start = content.read(4)
    if dimensions == 3 and start == COLOUR:
        dimensions = 4
    start += content.read(4 * dimensions)
    return _shape(path, start, dimensions), 4 + 4 * dimensions


def _shape(path: Path, start: bytes, dimensions: int) -> tuple[int, ...]:
    """Read and check the header: magic number, then sizes."""
    _expect_magic(path, start, dimensions)
    if len(start) < 4 + 4 * dimensions:
        raise DataError(f"{path}: truncated: the header has {len(start)} of {4 + 4 * dimensions} bytes")
    shape: tuple[int, ...] = struct.unpack(f">{dimensions}I", start[4:])
    image = "x".join(map(str, shape[1:]))
    if max(shape[1:], default=1) >= LARGEST_SIDE:
        swapped = struct.unpack(f"<{dimensions}I", start[4:])
        hint = ": byte order looks reversed" if max(swapped[1:]) < LARGEST_SIDE else ""
        raise DataError(f"{path}: image size {image}{hint} (expected sides below {LARGEST_SIDE:,})")
    if shape[0] == 0:
        raise DataError(f"{path}: contains no examples")
    if 0 in shape:
        raise DataError(f"{path}: holds images of {image} pixels")
    return shape


def _expect_magic(path: Path, start: bytes, dimensions: int) -> None:
    if not start:
        raise DataError(f"{path}: is empty (0 bytes); expected an IDX header of at least 8 bytes")
    for prefix, what in LOOKALIKES.items():
        if start.startswith(prefix[: len(start)]) and len(start) >= min(4, len(prefix)):
            raise DataError(f"{path}: not an IDX file: starts {start[:4].hex(' ')} (this looks like {what})")
    if len(start) < 4:
        raise DataError(f"{path}: too short for an IDX magic number ({len(start)} of 4 bytes)")
    zeros, code, count = struct.unpack(">HBB", start[:4])
    if start[2:4] == b"\0\0" and start[1] in TYPES:
        raise DataError(f"{path}: not an IDX file: starts {start[:4].hex(' ')}: byte order looks reversed")
    if zeros:
        raise DataError(f"{path}: not an IDX file: starts {start[:4].hex(' ')}, expected 00 00 08")
    if code not in TYPES:
        known = " ".join(f"{c:02x}" for c in TYPES)
        raise DataError(f"{path}: unknown IDX type 0x{code:02x}; known: {known}")
    if code != UNSIGNED_BYTE:
        raise DataError(f"{path}: holds {TYPES[code]} values; expected unsigned bytes (type 08)")
    if count != dimensions:
        _refuse_dimensions(path, count, dimensions)


def _refuse_dimensions(path: Path, found: int, expected: int) -> None:
    named = {1: "labels", 3: "images"}
    what = f" ({named[found]}?)" if found in named else ""
    plural = "" if found == 1 else "s"
    raise DataError(
        f"{path}: declares {found} dimension{plural}{what}, but {named[expected]} were expected ({expected})"
    )


def _expect_ratio(path: Path, expected: int, packed: int) -> None:
    if expected > expansion.most(packed):
        raise DataError(
            f"{path}: header declares {expected:,} bytes but the gzip file has {packed:,} (damaged?)"
        )


def _expect_length(path: Path, expected: int, found: int) -> None:
    if found < expected:
        raise _truncated(path, expected, found)
    if extra := found - expected:
        raise DataError(f"{path}: {extra:,} unexpected byte{'s' * (extra > 1)} after the data")


def _truncated(path: Path, expected: int, found: int) -> DataError:
    return DataError(f"{path}: truncated: header promises {expected:,} data bytes, found {found:,}")
