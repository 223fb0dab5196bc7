"""Filters that give what SciPy's do, bit for bit, in a few steps over whole arrays, and so sooner."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)
Mask = NDArray[np.bool_]

QUICK = 322
"""The longest shorter side of a mask whose distances are found in 16 bits: none is longer than half of it."""
FAR = 181
"""Longer than any such distance; its square and another's still fit into 16 bits."""


def sliding(limit: np.ufunc, values: NDArray[T], size: int) -> NDArray[T]:
    """Return the ``limit``, such as `np.maximum`, of each ``size`` values (H, W) down a column: H - size + 1.

    Windows are doubled until two, overlapping, cover what is asked.
    """
    length = 1
    while 2 * length <= size:
        values = limit(values[:-length], values[length:])
        length *= 2
    rest = size - length
    found: NDArray[T] = limit(values[: len(values) - rest], values[rest:]) if rest else values
    return found


def running(limit: np.ufunc, values: NDArray[T], window: int) -> NDArray[T]:
    """Return the ``limit`` (H, W) of ``window`` values around each, an odd number, within the border."""
    half = window // 2
    return sliding(limit, np.pad(values, ((half, half), (0, 0)), mode="edge"), window)


def closed(values: NDArray[T], window: int) -> NDArray[T]:
    """Return the grey closing (H, W) by a square of ``window`` pixels, an odd number."""
    for limit in (np.maximum, np.minimum):
        values = running(limit, running(limit, values, window).T, window).T
    return values


def median_of_9(values: NDArray[T]) -> NDArray[T]:
    """Return the median (H, W) of each value and the eight around it; a border's count twice."""
    padded = np.pad(values, 1, mode="edge")
    low, middle, high = _sorted(padded[:-2], padded[1:-1], padded[2:])
    return _sorted(_sorted(*_beside(low))[2], _sorted(*_beside(middle))[1], _sorted(*_beside(high))[0])[1]


def _beside(values: NDArray[T]) -> tuple[NDArray[T], NDArray[T], NDArray[T]]:
    return values[:, :-2], values[:, 1:-1], values[:, 2:]


def _sorted(first: NDArray[T], second: NDArray[T], third: NDArray[T]) -> tuple[NDArray[T], ...]:
    low, high = np.minimum(first, second), np.maximum(first, second)
    return np.minimum(low, third), np.maximum(low, np.minimum(high, third)), np.maximum(high, third)


def near(mask: Mask, radius: float) -> Mask:
    """Return which pixels (H, W) are at most ``radius`` from one of ``mask``: a dilation by a disc."""
    across = np.arange(int(radius) + 1)
    reach, height, width = int(across[-1]), *mask.shape
    wide, found = np.pad(mask, reach), mask.copy()
    for down in range(reach + 1):
        half = int((np.sqrt(across**2 + down**2) <= radius).sum()) - 1
        row = sliding(np.logical_or, wide.T, 2 * half + 1).T[:, reach - half :][:, :width]
        found |= row[reach - down :][:height] | row[reach + down :][:height]
    return found


def depths(mask: Mask) -> NDArray[np.float64]:
    """Return how far each pixel of ``mask`` (H, W) is from the nearest one outside, (N,) in reading order.

    No pixel at the border may be in the mask.
    """
    if min(mask.shape) <= QUICK:
        return np.sqrt(_squares(mask)[mask].astype(np.float64))
    from scipy.ndimage import distance_transform_edt

    return np.asarray(distance_transform_edt(mask)[mask])


def mean_width(depths: NDArray[np.float64]) -> float:
    """Return the mean width of strokes from the ``depths`` of their pixels (N,).

    In a long stroke of width w the mean distance to the paper is w/4 + 1/2.
    """
    return 4 * float(depths.mean()) - 2


def _squares(mask: Mask) -> NDArray[np.uint16]:
    """Return the squares of the distances: along rows, in steps of 1, 2, 4, ..., then from row to row."""
    beside = np.where(mask, np.uint16(FAR), np.uint16(0))
    for step in (1, 2, 4, 8, 16, 32, 64, 128):
        np.minimum(beside[:, step:], beside[:, :-step] + step, out=beside[:, step:])
        np.minimum(beside[:, :-step], beside[:, step:] + step, out=beside[:, :-step])
    squares = beside * beside
    found = squares.copy()
    for down in range(1, len(mask)):
        if down**2 >= found.max():
            break
        there = squares + down**2
        np.minimum(found[down:], there[:-down], out=found[down:])
        np.minimum(found[:-down], there[down:], out=found[:-down])
    return found
