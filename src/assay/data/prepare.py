"""Prepare a picture of one character as NIST prepared EMNIST's.

Cohen et al. (2017, section 2): the 128x128 binary image is blurred (Gaussian,
sigma 1), cropped to the ink, centred in a square keeping the aspect ratio,
padded by 2 pixels and reduced to 28x28 by bicubic interpolation.

NIST's writers used pens; strokes thinner than a pen's, such as those drawn with
a mouse on a large canvas, are first widened to the thinnest pen stroke.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assay.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

Floats = NDArray[np.float32]

SIZE, PADDING = 28, 2
NIST_CHARACTER = (
    80  # longer side of a typical character in NIST's 128x128 scans: of 60, 80 and 100 the best fit
)
FINE = 4  # pixels per pixel of NIST's scans, while strokes are measured and widened
PEN = 6.0  # in pixels of NIST's scans: 99 of 100 EMNIST characters have wider strokes
SIGMA = 1.0
FAINTEST = 24  # grey levels between paper and ink below which a picture counts as blank
MOST_PIXELS = 100_000_000


def prepare(image: "Image.Image | Path | str") -> NDArray[np.uint8]:
    """Return the character of ``image`` as (28, 28), light on black, upright.

    ``image`` is a Pillow image or the path of a PNG, JPEG or other picture of
    one character, dark on light or light on dark, of any size; transparent
    parts count as paper. Raises `DataError` for a file that is not a picture,
    and for a picture without a character.
    """
    name, grey = _grey(image)
    ink = _cropped(_ink(name, grey))
    return _reduced(_blurred(_at_nist_scale(ink)))


def _grey(image: "Image.Image | Path | str") -> tuple[str, Floats]:
    """Return the picture's name and its grey levels (H, W), with transparency over white or black paper."""
    from PIL import Image

    if not isinstance(image, Image.Image):
        return str(image), _opened(Path(image))
    return "image", _flattened(image)


def _opened(path: Path) -> Floats:
    from PIL import Image, ImageOps

    try:
        if not path.is_file():
            raise DataError(f"{path}: is not a file (name a PNG or JPEG picture of one character)")
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                raise DataError(f"{path}: {image.width}x{image.height} pixels, more than {MOST_PIXELS:,}")
            return _flattened(ImageOps.exif_transpose(image))
    except DataError:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds of error for a damaged file
        raise DataError(f"{path}: cannot be read as a picture ({error}); expected PNG or JPEG") from error


def _flattened(image: "Image.Image") -> Floats:
    """Return grey levels 0..255, with transparent parts in the shade least like the visible parts."""
    if image.mode.startswith("I"):  # 16 bits per pixel
        return np.asarray(np.asarray(image, dtype=np.float32) / 257).clip(0, 255)
    layers = np.asarray(image.convert("RGBA").convert("LA"), dtype=np.float32)
    grey, alpha = layers[..., 0], layers[..., 1] / 255
    visible = np.average(grey, weights=alpha) if alpha.any() and alpha.min() < 1 else 0
    paper = 255 if visible < 128 else 0
    return np.asarray(grey * alpha + paper * (1 - alpha), dtype=np.float32)


def _ink(name: str, grey: Floats) -> Floats:
    """Return ink (H, W), from 0 on paper to 1 in a stroke; paper is the shade of most of the border."""
    threshold = _otsu(grey)
    bright = grey > threshold
    if bright.all() or not bright.any():
        raise DataError(f"{name}: blank picture, no character found (every pixel is {grey.flat[0]:.0f})")
    light, dark = float(grey[bright].mean()), float(grey[~bright].mean())
    if light - dark < FAINTEST:
        raise DataError(f"{name}: blank picture, no character found (grey levels {dark:.0f} to {light:.0f})")
    edge = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    paper, pen = (light, dark) if edge.mean() >= 0.5 else (dark, light)
    return np.asarray(np.clip((grey - paper) / (pen - paper), 0, 1), dtype=np.float32)


def _otsu(grey: Floats) -> int:
    """Return the threshold that maximises the variance between dark and light pixels (Otsu 1979)."""
    counts = np.bincount(np.rint(grey).astype(np.int64).ravel(), minlength=256).astype(np.float64)
    below = counts.cumsum()
    above = below[-1] - below
    sums = (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return int(np.argmax(np.nan_to_num(variance)))


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
