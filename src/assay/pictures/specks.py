"""Take out specks: single pixels, and small clusters, that nothing around them resembles (salt and pepper)."""

import numpy as np

from assay.pictures.opening import Floats

RINGS = ((1, 3), (1, 3), (2, 5))
"""How near a pixel's likes are looked for, and the median's window that replaces it, pass by pass."""
LIKE = 0.15
"""Shades that differ by less are alike."""
ALONE = 2
"""Pixels with fewer than this many likes, for the window of 3, are specks: a line of one pixel has two."""


def without_specks(shades: Floats) -> Floats:
    """Return ``shades`` (H, W) with specks replaced by the median around them."""
    from scipy.ndimage import median_filter

    cleaned = median_filter(shades, 3)
    suspects = np.abs(shades - cleaned) > LIKE
    if not suspects.any():
        return shades
    rows, columns = np.nonzero(suspects)
    alone = _likes(shades, rows, columns) < ALONE
    found = shades.copy()
    found[rows[alone], columns[alone]] = cleaned[rows[alone], columns[alone]]
    return found


def _likes(shades: Floats, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    padded = np.pad(shades, 1, constant_values=-9)
    own = shades[rows, columns]
    near = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    return np.sum([np.abs(padded[rows + i, columns + j] - own) < LIKE for i, j in near], axis=0)
