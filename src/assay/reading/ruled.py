"""Take out ruled lines and frames: long, straight, thin ink, upright or level within a few degrees."""

import numpy as np
from numpy.typing import NDArray

from assay.reading.opening import Floats

Mask = NDArray[np.bool_]

RUN = 0.05
"""How long a run of ink may belong to a line, over the picture's side."""
LONGEST = 0.5
"""What is longer may be a line, over the picture's side; a stroke seldom is."""
THIN = 1 / 25
"""A line's thickness is at most this share of its length; a stroke's of a usual pen seldom is."""


def ruled(mask: Mask) -> Mask:
    """Return which pixels of ``mask`` (H, W) belong to ruled lines or frames, without what crosses them."""
    return _level(mask) | _level(mask.T).T


def _level(mask: Mask) -> Mask:
    """Return level lines: of long runs that continue each other, where the ink is no thicker than the line."""
    from scipy.ndimage import find_objects, label, maximum_filter1d, minimum_filter1d

    height, width = mask.shape
    run = max(8, round(RUN * width)) | 1
    runs = maximum_filter1d(minimum_filter1d(mask.view(np.uint8), run, axis=1, mode="nearest"), run, axis=1)
    runs = runs.astype(bool) & mask
    thickness = _thickness(mask)
    linked = maximum_filter1d(runs.view(np.uint8), run, axis=1)
    linked = maximum_filter1d(linked, 3, axis=0)
    names, count = label(linked, np.ones((3, 3)))
    lines = np.zeros_like(mask)
    for name, (rows, columns) in enumerate(find_objects(names), 1):
        own = runs[rows, columns] & (names[rows, columns] == name)
        length = int(own.any(axis=0).sum())
        if length < LONGEST * width:
            continue
        thick = float(np.median(thickness[rows, columns][own]))
        if thick <= max(2.0, THIN * length):
            around = slice(max(0, rows.start - 2), min(height, rows.stop + 2))
            near = maximum_filter1d(_within(own, rows, around), 5, axis=0) > 0
            lines[around, columns] |= near & mask[around, columns] & (
                thickness[around, columns] <= 1.6 * thick + 2
            )
    return lines


def _within(own: Mask, rows: slice, around: slice) -> NDArray[np.uint8]:
    padding = (rows.start - around.start, around.stop - rows.stop)
    return np.pad(own, (padding, (0, 0))).view(np.uint8)


def _thickness(mask: Mask) -> NDArray[np.int32]:
    """Return for each pixel of ink how many rows the ink is thick there, 0 for paper."""
    height = len(mask)
    rows = np.arange(height, dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(mask, -1, rows), axis=0)
    below = np.minimum.accumulate(np.where(mask, height, rows)[::-1], axis=0)[::-1]
    return np.where(mask, below - above - 1, 0).astype(np.int32)
