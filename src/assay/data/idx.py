"""IDX files, the format of MNIST and EMNIST, optionally gzipped.

A file is a magic number (two zero bytes, a type code, the number of
dimensions), each dimension as a big-endian 32-bit integer, and the data. The
header is checked against the file's contents before any memory is allocated.
"""

import gzip
import stat
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.errors import DataError

Bytes = NDArray[np.uint8]

TYPES = {0x08: "uint8", 0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
UNSIGNED_BYTE = 0x08
GZIP_RATIO, GZIP_FREE = 200, 48 << 20  # only below 48 MiB may a file unpack to more than 200 times its size
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
    """Return the images (N, H, W) of the IDX file at ``path`` as they are stored, as a writable array."""
    return _read(path, dimensions=3)


def read_labels(path: Path) -> Bytes:
    """Return the labels (N,) of the IDX file at ``path``."""
    return _read(path, dimensions=1)


def write_idx(path: Path, array: Bytes) -> None:
    """Write ``array`` (uint8) as an IDX file, compressed where the name ends in ``.gz``."""
    header = struct.pack(f">HBB{array.ndim}I", 0, UNSIGNED_BYTE, array.ndim, *array.shape)
    data = header + np.ascontiguousarray(array, dtype=np.uint8).tobytes()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def _read(path: Path, dimensions: int) -> Bytes:
    packed = _contents(path)
    compressed = packed[:2] == b"\x1f\x8b"
    length = 4 + 4 * dimensions
    start = _unzipped(path, packed, length) if compressed else packed[:length]
    shape = _shape(path, start, dimensions)
    expected = length + prod(shape)
    if compressed:
        _expect_ratio(path, expected, len(packed))
        data = _unzipped(path, packed, expected + 1, whole=True)
    else:
        data = packed
    _expect_length(path, expected - length, len(data) - length, compressed)
    if shape[0] > MOST_EXAMPLES:
        raise DataError(f"{path}: declares {shape[0]:,} examples, limit {MOST_EXAMPLES:,} (damaged?)")
    return np.frombuffer(data, dtype=np.uint8, offset=length).reshape(shape)


def _contents(path: Path) -> bytearray:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"{path}: is not a regular file (name a file of IDX data)")
        data = bytearray(found.st_size)
        with path.open("rb") as file:
            del data[file.readinto(data) :]
        return data
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read: {reason}") from error


def _unzipped(path: Path, packed: bytearray, limit: int, *, whole: bool = False) -> bytearray:
    """Return at most ``limit`` unpacked bytes; with ``whole``, the stream must end cleanly within them."""
    engine, data, done, fed = zlib.decompressobj(wbits=31), bytearray(limit), 0, 0
    try:
        while fed < len(packed) and done < limit and not engine.eof:
            piece = bytes(packed[fed : fed + PIECE])
            while done < limit and not engine.eof:  # little at once, whatever the piece expands to
                most = min(limit - done, PIECE)
                part = engine.decompress(piece, most)
                data[done : done + len(part)] = part
                done, piece = done + len(part), engine.unconsumed_tail
                if not piece and len(part) < most:
                    break
            fed += PIECE
    except zlib.error as error:
        what = (
            "gzip checksum does not match" if "incorrect" in str(error) else f"damaged gzip stream ({error})"
        )
        raise DataError(f"{path}: {what} (get the file again)") from error
    del data[done:]
    if whole and done < limit and not engine.eof:
        raise DataError(f"{path}: gzip stream ends early (download incomplete? get the file again)")
    extra = len(engine.unused_data) + max(len(packed) - fed, 0)
    if whole and engine.eof and extra:
        raise DataError(
            f"{path}: {extra:,} unexpected bytes after the end of the gzip stream (get the file again)"
        )
    return data


def _shape(path: Path, start: bytearray, dimensions: int) -> tuple[int, ...]:
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


def _expect_magic(path: Path, start: bytearray, dimensions: int) -> None:
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
    if expected > max(GZIP_FREE, GZIP_RATIO * packed):
        raise DataError(
            f"{path}: header declares {expected:,} bytes but the gzip file has {packed:,} (damaged?)"
        )


def _expect_length(path: Path, expected: int, found: int, compressed: bool) -> None:
    if found < expected:
        raise DataError(f"{path}: truncated: header promises {expected:,} data bytes, found {found:,}")
    if found > expected and compressed:
        raise DataError(f"{path}: expands beyond the {expected:,} data bytes that its header allows")
    if found > expected:
        extra = found - expected
        raise DataError(f"{path}: {extra:,} unexpected byte{'s' * (extra > 1)} after the data")
