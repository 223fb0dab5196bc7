"""Take out specks: single pixels that nothing around them resembles (salt and pepper)."""

import numpy as np
from numpy.typing import NDArray

from assay.reading.filters import median_of_9
from assay.reading.opening import Floats

Places = NDArray[np.int64]

RARE = 0.002
"""Where a smaller share of the middle's pixels differs from the median around them, there are no specks."""
MIDDLE = 400
"""Rows and columns of the middle."""
LIKE = 0.15
"""Shades that differ by less are alike."""
ALONE = 2
"""Pixels with fewer than this many likes, for the window of 3, are specks: a line of one pixel has two."""


def without_specks(shades: Floats) -> Floats:
    """Return ``shades`` (H, W) with specks replaced by the median around them."""
    sample = shades[_middle(shades.shape[0]), _middle(shades.shape[1])]
    if np.mean(np.abs(sample - median_of_9(sample)) > LIKE) < RARE:
        return shades
    cleaned = median_of_9(shades)
    suspects = np.abs(shades - cleaned) > LIKE
    if not suspects.any():
        return shades
    rows, columns = np.nonzero(suspects)
    alone = _likes(shades, cleaned, rows, columns) < ALONE
    found = shades.copy()
    found[rows[alone], columns[alone]] = cleaned[rows[alone], columns[alone]]
    return found


def _middle(size: int) -> slice:
    start = max(0, (size - MIDDLE) // 2)
    return slice(start, start + MIDDLE)


def _likes(shades: Floats, cleaned: Floats, rows: Places, columns: Places) -> Places:
    """Return how many of the eight pixels around each differ from its median to the same side as it does."""
    padded = np.pad(shades, 1, mode="edge")
    usual = cleaned[rows, columns]
    side = np.sign(shades[rows, columns] - usual)
    near = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    alike = [side * (padded[rows + i, columns + j] - usual) > LIKE / 2 for i, j in near]
    return np.asarray(np.sum(alike, axis=0))
