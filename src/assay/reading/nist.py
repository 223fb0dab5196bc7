"""Bring the ink of one character to the form of EMNIST's images, as NIST prepared them.

Cohen et al. (2017, section 2): the 128x128 binary image is blurred (Gaussian,
sigma 1), cropped to the ink, centred in a square keeping the aspect ratio,
padded by 2 pixels and reduced to 28x28 by bicubic interpolation.

NIST's writers used pens; strokes thinner than a pen's, such as those drawn with
a mouse on a large canvas, are first widened to the thinnest pen stroke.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIZE, PADDING = 28, 2
NIST_CHARACTER = (
    80  # longer side of a typical character in NIST's 128x128 scans: of 60, 80 and 100 the best fit
)
FINE = 4  # pixels per pixel of NIST's scans, while strokes are measured and widened
PEN = 6.0  # in pixels of NIST's scans: 99 of 100 EMNIST characters have wider strokes
SIGMA = 1.0


def as_nist(ink: Floats) -> NDArray[np.uint8]:
    """Return the character in ``ink`` (H, W), 0 on paper to 1 in a stroke, as (28, 28), light on black.

    At least one pixel must have half the ink of a stroke.
    """
    return _reduced(_blurred(_at_nist_scale(_cropped(ink))))


def _cropped(ink: Floats, least: float = 0.5) -> Floats:
    """Crop to the bounding box of the pixels with at least ``least`` ink."""
    rows, columns = (np.flatnonzero((ink >= least).any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _at_nist_scale(ink: Floats) -> Floats:
    """Resize to the scale of NIST's scans and binarise, as they are, with strokes of a pen's width."""
    height, width = _size(ink, FINE * NIST_CHARACTER)
    fine = _resized(_pooled(ink, height, width), height, width) >= 0.5
    widened = _cropped(_widened(fine, FINE * PEN).astype(np.float32))
    return (_resized(widened, *_size(widened, NIST_CHARACTER)) >= 0.5).astype(np.float32)


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


def _widened(character: NDArray[np.bool_], least: float) -> NDArray[np.bool_]:
    """Widen strokes on both sides until they are ``least`` wide on average.

    In a long stroke of width w, the mean distance to the paper is w/4 + 1/2.
    """
    from scipy.ndimage import distance_transform_edt

    character = np.pad(character, round(least))
    width = 4 * distance_transform_edt(character)[character].mean() - 2
    if width >= least:
        return character
    return np.asarray(distance_transform_edt(~character) <= (least - width) / 2)


def _blurred(ink: Floats) -> Floats:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(np.pad(ink, 4), sigma=SIGMA), dtype=np.float32)


def _reduced(ink: Floats) -> NDArray[np.uint8]:
    """Centre the ink in a square, its longer side filling all but the padding, and reduce to 28x28."""
    ink = _cropped(ink, 1 / 255)
    side = round(max(ink.shape) * SIZE / (SIZE - 2 * PADDING))
    top, left = ((side - size) // 2 for size in ink.shape)
    square = np.zeros((side, side), dtype=np.float32)
    square[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    small = np.clip(_resized(square, SIZE, SIZE), 0, None)
    return np.asarray(np.rint(255 * small / small.max()), dtype=np.uint8)


def _resized(image: Floats, height: int, width: int) -> Floats:
    """Resize by bicubic interpolation, with averaging where the image shrinks."""
    from PIL import Image

    return np.asarray(
        Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32
    )
