"""Bring the ink of one character to the form of EMNIST's images, as NIST prepared them.

Cohen et al. (2017, section 2): the scan, 128x128 and binary, is blurred (Gaussian, sigma 1), cropped to the
ink, centred in a square keeping the aspect ratio, padded by 2 pixels and reduced to 28x28 by bicubic
interpolation. A picture's greys are kept, where NIST's scans have but two levels: they hold what is finer
than a pixel of such a scan.

NIST's writers used pens; strokes thinner than a pen's, such as those drawn with a mouse on a large canvas,
are first widened to the thinnest pen stroke.
"""

import numpy as np
from numpy.typing import NDArray

from assay.reading.filters import depths, mean_width, near
from assay.reading.opening import Floats

SIZE, PADDING = 28, 2  # pixels of EMNIST's images
SIGMA = 1.0  # pixels of NIST's scans, as PEN and TAIL
NIST_CHARACTER = 80  # pixels of a scan: a typical character's longer side; of 60, 80 and 100 the best fit
TAIL = 3  # so far beyond its edge blurred ink is above 1/255, and belongs to what is cropped to
PEN = 6.0  # 99 of 100 EMNIST characters have wider strokes
FINE = 4  # pixels per pixel of a scan, while strokes are measured and widened


def as_nist(ink: Floats) -> NDArray[np.uint8]:
    """Return the character in ``ink`` (H, W), 0 on paper to 1 in a stroke, as (28, 28), light on black.

    At least one pixel must have half the ink of a stroke.
    """
    from scipy.ndimage import gaussian_filter

    scan = _in_square(_with_pen(ink))
    small = np.clip(_resized(gaussian_filter(scan, SIGMA), SIZE, SIZE), 0, None)
    return np.asarray(np.rint(255 * small / small.max()), dtype=np.uint8)


def _with_pen(ink: Floats) -> Floats:
    """Return the ink as it is, or, where strokes are thinner than a pen's, with strokes of a pen's width."""
    cropped = ink[_box(ink)]
    size = _size(cropped, FINE * NIST_CHARACTER)
    character = _resized(_pooled(cropped, *size), *size) >= 0.5
    width = mean_width(depths(np.pad(character, 1)))
    return ink if width >= FINE * PEN else _widened(character, FINE * PEN - width)


def _box(ink: Floats) -> tuple[slice, slice]:
    """Return the rows and columns with at least half the ink of a stroke."""
    rows, columns = (np.flatnonzero((ink >= 0.5).any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _size(ink: Floats, longer: int) -> tuple[int, int]:
    """Return the height and width of ``ink`` when its longer side has ``longer`` pixels."""
    height, width = (max(1, round(longer * size / max(ink.shape))) for size in ink.shape)
    return height, width


def _pooled(ink: Floats, *shape: int) -> Floats:
    """Shrink to ``shape`` where larger, by max pooling of the ink, so that thin lines survive."""
    for axis, size in enumerate(shape):
        if size < ink.shape[axis]:
            starts = np.arange(size) * ink.shape[axis] // size
            ink = np.maximum.reduceat(ink, starts, axis=axis)
    return ink


def _widened(character: NDArray[np.bool_], by: float) -> Floats:
    """Widen strokes by ``by`` pixels, half on each side."""
    return np.asarray(near(np.pad(character, int(by) + 1), by / 2), np.float32)


def _in_square(ink: Floats) -> Floats:
    """Return the middle of the ink's box in the middle of a square, at the scale of NIST's scans.

    The box's longer side, with the tails that blurring gives it, fills all but the padding.
    """
    rows, columns = _box(ink)
    longer = max(rows.stop - rows.start, columns.stop - columns.start)
    share = (1 - 2 * PADDING / SIZE) / (1 + 2 * TAIL / NIST_CHARACTER)
    side = longer / share
    room = int(side) + 1
    left, top = (room + (part.start + part.stop - side) / 2 for part in (columns, rows))
    across = round(NIST_CHARACTER / share)
    return np.clip(_resized(np.pad(ink, room), across, across, (left, top, left + side, top + side)), 0, 1)


def _resized(
    image: Floats, height: int, width: int, box: tuple[float, float, float, float] | None = None
) -> Floats:
    """Resize by bicubic interpolation, averaging where it shrinks, the ``box`` (left, top, right, bottom)."""
    from PIL import Image

    small = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC, box)
    return np.asarray(small, dtype=np.float32)
