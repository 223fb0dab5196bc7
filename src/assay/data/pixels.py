"""Numbers of any kind as pixels: bytes, one image after the other, in memory once."""

from collections.abc import Callable, Iterator
from math import isqrt, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.examples import AT_ONCE, Images
from assay.errors import DataError
from assay.records.free_memory import available
from assay.shapes import text as as_text

Blocks = Callable[[], Iterator[NDArray[Any]]]
"""Gives all rows of an array, some at a time, anew each time that it is called."""
LARGEST_SIDE = 1024
MOST_EXAMPLES = 3_000_000
CHANNELS = (1, 3)


def allocated(where: str, shape: tuple[int, ...]) -> Images:
    """Return room for images; `DataError` where this machine's memory is too small for them."""
    if prod(shape) > (there := available()):
        raise DataError(
            f"{where}: {as_text(shape)} pixels take {prod(shape) // 2**20:,} MiB, this machine has "
            f"{there // 2**20:,} (smaller images: ?size=32)"
        )
    return np.empty(shape, np.uint8)


def expect_count(where: str, count: int) -> None:
    """Refuse no examples, and more than any set of small images has."""
    if count == 0:
        raise DataError(f"{where}: contains no examples")
    if count > MOST_EXAMPLES:
        raise DataError(f"{where}: declares {count:,} examples, limit {MOST_EXAMPLES:,} (damaged?)")


def as_bytes(where: str, shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Blocks) -> Images:
    """Return numbers as bytes (N, ...): those from 0 to 255 as they are, shares from 0 to 1 times 255."""
    expect_count(where, shape[0])
    if dtype.kind not in "buif":
        raise DataError(f"{where}: holds {dtype} values, expected numbers from 0 to 255 or from 0 to 1")
    factor = 255 if _highest(where, blocks()) <= 1 else 1
    result, start = allocated(where, shape), 0
    for block in blocks():
        if len(block) > len(result) - start:
            raise DataError(f"{where}: more than the {len(result):,} images that were promised")
        part = (
            block if block.dtype == np.uint8 and factor == 1 else np.rint(block.astype(np.float64) * factor)
        )
        result[start : start + len(block)] = part
        start += len(block)
    return result


def _highest(where: str, blocks: Iterator[NDArray[Any]]) -> float:
    """Return the highest value; refuse any that is not a pixel, naming the image."""
    highest, start = 0.0, 0
    for block in blocks:
        rows = block.reshape(len(block), -1)
        with np.errstate(invalid="ignore"):
            wrong = ~((rows >= 0) & (rows <= 255)) if rows.dtype != np.uint8 else np.zeros(0, bool)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            kind = "not finite" if not np.isfinite(rows[row, column]) else "outside 0 to 255"
            raise DataError(
                f"{where}: image {start + row:,} has the value {rows[row, column]:g} at position {column:,}, "
                f"{kind} (expected 0 to 255, or shares from 0 to 1)"
            )
        highest, start = max(highest, float(rows.max(initial=0))), start + len(block)
    return highest


def laid_out(where: str, images: Images, shape: tuple[int, ...] | None = None) -> Images:
    """Return ``images`` as (N, H, W) or (N, H, W, 3).

    Rows (N, D) are square images, or have the ``shape`` given; three channels may come first or last.
    """
    if images.ndim == 2:
        shape = shape or _square(where, images.shape[1])
        if prod(shape) != images.shape[1]:
            raise DataError(
                f"{where}: {images.shape[1]:,} values an image, shape={as_text(shape)} takes {prod(shape):,}"
            )
        images = images.reshape(len(images), *shape)
    elif shape is not None and shape != images.shape[1:]:
        raise DataError(f"{where}: images are {as_text(images.shape[1:])}, shape says {as_text(shape)}")
    if images.ndim == 4 and images.shape[3] not in CHANNELS and images.shape[1] in CHANNELS:
        images = permuted(images, (0, 2, 3, 1))
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim not in (3, 4) or images.shape[3:] not in ((), (3,)):
        raise DataError(
            f"{where}: shape {images.shape}, expected (N, H, W), or (N, H, W, C) with 1 or 3 channels"
        )
    if min(images.shape[1:3]) < 1 or max(images.shape[1:3]) > LARGEST_SIDE:
        sides = as_text(images.shape[1:3])
        raise DataError(f"{where}: images of {sides} pixels (expected sides from 1 to {LARGEST_SIDE:,})")
    return images


def _square(where: str, values: int) -> tuple[int, ...]:
    side = isqrt(values)
    if values < 1 or side * side != values:
        raise DataError(
            f"{where}: {values:,} values an image are no square (say how they lie: ?shape=28x28 or 3x32x32)"
        )
    return (side, side)


def permuted(images: Images, axes: tuple[int, ...]) -> Images:
    """Permute every image's axes in place, a batch at a time: a large set would not fit in memory twice."""
    count, sizes = len(images), tuple(images.shape[axis] for axis in axes[1:])
    rows = images.reshape(count, -1)
    for start in range(0, count, AT_ONCE):
        part = images[start : start + AT_ONCE].transpose(axes)
        rows[start : start + AT_ONCE] = part.reshape(len(part), -1)
    return rows.reshape(count, *sizes)


def upright(images: Images) -> Images:
    """Transpose every image in place."""
    return permuted(images, (0, 2, 1, *range(3, images.ndim)))
