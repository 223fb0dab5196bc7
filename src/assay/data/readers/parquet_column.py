"""A Parquet file's column that is read: which part of it, how many values at a time, and what cannot be."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from assay.data import expansion
from assay.data.readers import parquet_layout, parquet_levels, parquet_pages
from assay.errors import DataError

AT_ONCE, BYTES_AT_ONCE = 4096, 16 << 20
"""Rows read at a time, and the bytes that they may take: any value may be as long as its page."""
LISTED_AT_ONCE = 1 << 18
"""Numbers in lists that are read at a time."""
LISTED, BYTES_A_NUMBER = 1 << 20, 32
"""Numbers in lists that a row group may have, beside one for so many bytes of the file as each takes,
unless the lists are of one length, of at most so many."""
OF_OTHERS = 4
"""The part of a file that a page of labels or groups may be: pyarrow has it there about three times."""


class ParquetColumn:
    """A column of ``file`` (pyarrow's), called ``name``; of pictures also the part that holds their bytes.

    Raises `DataError` where it holds lists, other than of images' numbers, or pages that cannot be.
    """

    def __init__(self, path: Path, file: Any, name: str, of_pictures: bool) -> None:
        self.path, self.file, self.name = path, file, name
        self.size = path.stat().st_size
        self.most = BYTES_AT_ONCE + (self.size if of_pictures else self.size // OF_OTHERS)
        schema, fields = file.schema, file.schema_arrow
        paths = [schema.column(k).path for k in range(len(schema))]
        self.lists = of_pictures and _has_lists_of_numbers(fields.field(fields.names.index(name)).type)
        self.part = name if name in paths else f"{name}.bytes" if of_pictures else ""
        if self.lists:
            repeated = (path for k, path in enumerate(paths) if schema.column(k).max_repetition_level)
            self.part = next(path for path in repeated if path.startswith(f"{name}."))
        self.index = paths.index(self.part) if self.part in paths else -1
        if self.index < 0 or (schema.column(self.index).max_repetition_level and not self.lists):
            expected = "pictures or lists of numbers" if of_pictures else "whole numbers or text"
            raise DataError(f"{path}: column {name!r} holds lists or structures, expected {expected}")
        kind = schema.column(self.index)
        self.levels, self.repeated = kind.max_definition_level, kind.max_repetition_level
        self.by_page = of_pictures and kind.physical_type == "BYTE_ARRAY" and kind.logical_type.type == "NONE"
        self.chunks = self._declared()
        self.each = sum(chunk.values for chunk in self.chunks) // max(1, file.metadata.num_rows)
        """How many numbers a list has if all have as many."""
        largest = max(1, self._largest_page())
        self.at_once = AT_ONCE
        if kind.physical_type in ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"):
            self.at_once = min(AT_ONCE, max(1, BYTES_AT_ONCE // largest))
        if self.lists:
            self.at_once = min(AT_ONCE, max(1, LISTED_AT_ONCE // max(1, self.each)))

    def _declared(self) -> list[parquet_layout.DeclaredChunk]:
        try:
            return parquet_layout.chunks(self.path, self.index)
        except (OSError, ValueError) as error:
            raise damaged(self.path, error) from None

    def _largest_page(self) -> int:
        """Return the bytes of the largest page; refuse pages that cannot be."""
        largest = 0
        try:
            with self.path.open("rb") as file:
                for chunk in self.chunks:
                    kept = values = 0
                    for page in parquet_layout.pages(file, chunk):
                        largest = max(largest, page.size)
                        self._expect_page(page, kept, chunk.values)
                        kept = page.size if page.kind == parquet_layout.DICTIONARY else kept
                        values += page.values if page.kind != parquet_layout.DICTIONARY else 0
                        self.by_page &= parquet_pages.is_readable(chunk.compression, page, self.levels)
                    self._expect_values(chunk, values)
        except (OSError, ValueError, OverflowError) as error:
            raise damaged(self.path, error) from None
        return largest

    def _expect_values(self, chunk: parquet_layout.DeclaredChunk, values: int) -> None:
        """Refuse a row group of too many numbers in lists, unless each has as many: else one may have all."""
        if not self.lists or values <= LISTED + self.size // BYTES_A_NUMBER:
            return
        short = 0 < self.each <= LISTED
        if not (short and parquet_levels.are_even(self.path, chunk, self.each, self.repeated)):
            raise DataError(
                f"{self.path}: column {self.name!r}: a row group of {values:,} numbers, not in lists of "
                "one length (write it with fewer rows in a row group, such as 1,000)"
            )

    def _expect_page(self, page: parquet_layout.DeclaredPage, kept: int, values: int) -> None:
        """Refuse a page that with the dictionary ``kept`` beside it is far larger than the file."""
        if page.size + kept > self.most:
            beside = f" beside {kept:,} of a dictionary" if kept else ""
            raise DataError(
                f"{self.path}: column {self.name!r}: a page expands {page.packed:,} bytes to {page.size:,}"
                f"{beside}, the file has {self.size:,} (damaged? or write it with fewer rows in a row group)"
            )
        if page.kind == parquet_layout.DICTIONARY and page.size > BYTES_AT_ONCE:
            expanded = values * page.size // max(1, page.values)
            if expanded > expansion.most(self.size):
                raise DataError(
                    f"{self.path}: column {self.name!r}: {values:,} rows share {page.values:,} values of "
                    f"{page.size:,} bytes in all, the file has {self.size:,} (damaged?)"
                )

    def values(self) -> Iterator[Any]:
        """Yield the values one at a time, of pictures their bytes."""
        if not self.by_page:
            for values in self.some():
                yield from (value.get("bytes") if isinstance(value, dict) else value for value in values)
                del values
            return
        try:
            for chunk in self.chunks:
                yield from parquet_pages.byte_arrays(self.path, chunk, self.levels)
        except (OSError, ValueError, MemoryError) as error:
            raise damaged(self.path, error) from None

    def some(self, taken: Callable[[Any], Any] = lambda found: found.to_pylist()) -> Iterator[Any]:
        """Yield what is ``taken`` of pyarrow's values, some at a time; by default a list of them."""
        from pyarrow import default_memory_pool

        try:
            for group in range(self.file.metadata.num_row_groups):  # else the last one's page is there too
                batches = None
                default_memory_pool().release_unused()
                batches = self.file.iter_batches(
                    self.at_once, row_groups=[group], columns=[self.part], use_threads=False
                )
                while batch := next(batches, None):
                    values = taken(batch.column(0))
                    del batch  # what is large is not to be there twice
                    if self.at_once < AT_ONCE:
                        default_memory_pool().release_unused()
                    yield values
                    del values
        except (OSError, ValueError, MemoryError, NotImplementedError) as error:  # pyarrow's own among them
            raise damaged(self.path, error) from None


def _has_lists_of_numbers(kind: Any) -> bool:
    """Whether a column's type is lists of numbers, or lists of such lists."""
    from pyarrow import types

    depth = 0
    while types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        kind, depth = kind.value_type, depth + 1
    return depth > 0 and (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def damaged(path: Path, error: Exception) -> DataError:
    """Return in one line what an error says of a file."""
    reason = " ".join(str(error).split())[:100] or type(error).__name__
    return DataError(f"{path}: no Parquet file, or damaged ({reason}; get the file again)")
