"""A Parquet file's column of byte arrays, such as pictures, read a page at a time.

pyarrow keeps a page packed and unpacked, a dictionary once more, and a copy of what is read of it. Here a
page is there once, and one value.
"""

from array import array
from collections.abc import Iterator
from io import BufferedReader, BytesIO
from itertools import islice, repeat
from pathlib import Path

from assay.data.pixels import MOST_EXAMPLES
from assay.data.readers import snappy_stream
from assay.data.readers.compact_protocol import Compact, Damaged
from assay.data.readers.parquet_layout import (
    DATA,
    DATA_2,
    DICTIONARY,
    PLAIN,
    RLE,
    DeclaredChunk,
    DeclaredPage,
    pages,
)

LARGEST = 1 << 26  # bytes of one value
BOTH_FORMS = 40 << 20
"""Bytes beyond a file's size that its pages may take, packed and unpacked, for Snappy in one go."""
STREAMED = ("GZIP", "BROTLI", "ZSTD")
PADDED = 512
"""Bytes of levels more than those of a page's values: DuckDB packs 256 levels at least."""
INDICES = (2, 8)
"""The encodings of indices into a dictionary, whose page comes first."""


def is_readable(compression: str, page: DeclaredPage, levels: int) -> bool:
    """Whether a page is packed and encoded in a way that is read here, as nearly all are."""
    if compression not in ("UNCOMPRESSED", "SNAPPY", *STREAMED):
        return False
    if page.kind == DICTIONARY:
        return page.encoding in (PLAIN, INDICES[0])
    return page.kind not in (DATA, DATA_2) or (
        page.encoding in (PLAIN, *INDICES) and (not levels or page.level_encoding == RLE)
    )


def byte_arrays(path: Path, chunk: DeclaredChunk, levels: int) -> Iterator[bytes | None]:
    """Yield the values of a row group's column.

    ``levels`` is how many structures around a value, with itself, may be missing; where one is, None comes.
    Raises `Damaged`, or pyarrow's errors.
    """
    left, dictionary = chunk.values, None
    with path.open("rb") as file:
        unpacking = Unpacking(path, file, chunk.compression)
        for page in pages(file, chunk):
            if page.kind == DICTIONARY:
                dictionary = None
                dictionary = _Dictionary(unpacking.all_of(page), page.values)
                unpacking.room -= page.size
            elif page.kind in (DATA, DATA_2):
                if (left := left - page.values) < 0:
                    break
                yield from _values(unpacking, page, levels, dictionary)
    if left:
        raise Damaged(f"pages of another number of values than the {chunk.values:,} declared")


class Unpacking:
    """Unpacks what lies in a file; ``room`` is how many bytes may be there at once."""

    def __init__(self, path: Path, file: BufferedReader, compression: str) -> None:
        self.path, self.file, self.compression = path, file, compression
        self.room = path.stat().st_size + BOTH_FORMS

    def all_of(self, page: DeclaredPage) -> BytesIO:
        """Return a page, without what stands before it."""
        place, packed, size = page.start + page.levels, page.packed - page.levels, page.size - page.levels
        if min(packed, size) < 0:
            raise Damaged("a page of less than its levels")
        if size == 0:
            return BytesIO()
        self.file.seek(place)
        if self.compression == "UNCOMPRESSED" or not page.is_packed:
            content = self.file.read(min(packed, size))
        elif self.compression in STREAMED:
            content = self._streamed(place, packed, size)
        elif packed + size > self.room:
            return snappy_stream.unpacked(self.file, packed, size)
        else:
            content = self._at_once(packed, size)
        if len(content) != size:
            raise Damaged(f"a page of {len(content):,} bytes, expected {size:,}")
        return BytesIO(content)

    def _streamed(self, place: int, packed: int, size: int) -> bytes:
        from pyarrow import CompressedInputStream, OSFile

        with OSFile(str(self.path)) as file:
            part = file.get_stream(place, packed)
            return bytes(CompressedInputStream(part, self.compression.lower()).read(size))

    def _at_once(self, packed: int, size: int) -> bytes:
        from pyarrow import Codec

        content = self.file.read(packed)
        said = Compact(BytesIO(content[:10])).natural()
        if said != size:  # pyarrow would fill less than it makes
            raise Damaged(f"a page of {said:,} bytes, expected {size:,}")
        return bytes(Codec("snappy").decompress(content, size, asbytes=True))


class _Dictionary:
    """The values of a dictionary's page, each found when it is first asked for."""

    def __init__(self, page: BytesIO, count: int) -> None:
        if count > MOST_EXAMPLES:
            raise Damaged(f"a dictionary of {count:,} values, expected at most {MOST_EXAMPLES:,}")
        self.page, self.count, self.places = page, count, array("Q", [0])

    def value(self, index: int) -> bytes:
        """Return the value that stands at an index."""
        if index >= self.count:
            raise Damaged(f"value {index:,} of a dictionary of {self.count:,}")
        while len(self.places) <= index:
            self.page.seek(self.places[-1])
            self.places.append(self.places[-1] + 4 + _length(self.page))
        self.page.seek(self.places[index])
        return _value(self.page)


def _values(
    unpacking: Unpacking, page: DeclaredPage, levels: int, dictionary: _Dictionary | None
) -> Iterator[bytes | None]:
    """Yield the values of a data page."""
    content = unpacking.all_of(page)
    there = _levels(unpacking.file, page, content, levels.bit_length()) if levels else repeat(0)
    if page.encoding == PLAIN:
        found = _plain(content)
    elif dictionary is not None:
        found = _indexed(content, dictionary)
    else:
        raise Damaged("indices into a dictionary that is not there")
    for level in islice(there, page.values):
        yield next(found) if level == levels else None


def _levels(file: BufferedReader, page: DeclaredPage, content: BytesIO, width: int) -> Iterator[int]:
    """Return the levels of a page's values, which stand before these or before what is packed."""
    length = page.levels if page.kind == DATA_2 else Compact(content).little(4)
    if length > 2 * page.values + PADDED:  # so many where each is a run of its own
        raise Damaged(f"{length:,} bytes of levels for {page.values:,} values")
    if page.kind == DATA_2:
        file.seek(page.start)
    return _numbers(Compact(BytesIO((file if page.kind == DATA_2 else content).read(length))), width)


def _plain(page: BytesIO) -> Iterator[bytes]:
    while True:
        yield _value(page)


def _indexed(page: BytesIO, dictionary: _Dictionary) -> Iterator[bytes]:
    compact = Compact(page)
    yield from map(dictionary.value, _numbers(compact, compact.byte()))


def _numbers(compact: Compact, width: int) -> Iterator[int]:
    """Yield numbers of ``width`` bits without end: runs of one of them, or groups of eight packed."""
    if width > 32:
        raise Damaged(f"numbers of {width} bits, expected at most 32")
    mask = (1 << width) - 1
    while True:
        head = compact.natural()
        if not head & 1:
            yield from repeat(compact.little((width + 7) // 8), min(head >> 1, MOST_EXAMPLES))
            continue
        for _ in range(head >> 1):
            packed = compact.file.read(width)
            group = int.from_bytes(packed, "little")
            for _ in range(8 * len(packed) // width if width else 8):
                yield group & mask
                group >>= width
            if len(packed) < width:  # the last one, of which some writers keep what has values
                break


def _value(page: BytesIO) -> bytes:
    """Return what follows; of more than `LARGEST` bytes their beginning, with which they are refused."""
    length = min(_length(page), LARGEST + 1)
    if len(value := page.read(length)) < length:
        raise Damaged("a page ends before its values")
    return value


def _length(page: BytesIO) -> int:
    """Return the bytes of what follows."""
    if len(head := page.read(4)) < 4:
        raise Damaged("a page ends before its values")
    return int.from_bytes(head, "little")
