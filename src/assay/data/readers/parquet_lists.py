"""Images in a Parquet file's column as lists of numbers, or as lists of rows, all of one shape."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data import expansion
from assay.data.examples import Images
from assay.data.pixels import as_bytes, laid_out
from assay.data.readers.parquet_column import ParquetColumn
from assay.errors import DataError
from assay.shapes import Shape


def images_in(column: ParquetColumn, count: int, shape: Shape | None) -> Images:
    """Return the images of ``count`` rows as bytes, as `laid_out` does those of a list or lists.

    Raises `DataError` for lists of different lengths, and for numbers that are no pixels.
    """
    place = f"{column.path}: column {column.name!r}"

    def blocks() -> Iterator[NDArray[Any]]:
        start = 0
        for found in column.some(lambda found: found):
            yield (block := _numbers(found, column, start))
            start += len(block)
        if start != count:
            raise DataError(f"{place}: {start:,} images in {count:,} rows (damaged?)")

    if count * column.each > expansion.most(column.size):
        held = f"{count:,} lists of {column.each:,} numbers"
        raise DataError(f"{place}: {held}, the file has {column.size:,} bytes (damaged?)")
    first = next(blocks())
    laid_out(place, np.empty((1, *first.shape[1:]), np.uint8), shape)  # before all is read
    return laid_out(place, as_bytes(place, (count, *first.shape[1:]), first.dtype, blocks), shape)


def _numbers(found: Any, column: ParquetColumn, start: int) -> NDArray[Any]:
    """Return the numbers in some rows, from row ``start``, with an axis for each level of lists."""
    shape = [len(found)]
    while found.type.num_fields:
        lengths = found.value_lengths().fill_null(0).to_numpy()
        if not lengths[0]:
            raise _unlike(column, start, "an empty list")
        if odd := int(np.argmax(lengths != lengths[0])):
            what = f"a list of {lengths[odd]:,}, others are of {lengths[0]:,}"
            raise _unlike(column, start + odd // prod(shape[1:]), what)
        shape.append(int(lengths[0]))
        found = found.flatten()
    if prod(shape[1:]) != column.each or found.null_count:
        what = f"lists of {prod(shape[1:]):,} numbers, {found.null_count:,} of them missing"
        raise _unlike(column, start, f"{what}, expected {column.each:,}")
    values: NDArray[Any] = found.to_numpy(zero_copy_only=False)
    return values.reshape(shape)


def _unlike(column: ParquetColumn, row: int, what: str) -> DataError:
    return DataError(
        f"{column.path}: row {row:,}: column {column.name!r} has {what} (images are of one size)"
    )
