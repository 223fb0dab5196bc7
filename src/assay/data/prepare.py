"""Prepare a picture of one character as NIST prepared EMNIST's.

Cohen et al. (2017, section 2): the 128x128 binary image is blurred (Gaussian,
sigma 1), cropped to the ink, centred in a square keeping the aspect ratio,
padded by 2 pixels and reduced to 28x28 by bicubic interpolation.
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
NIST_CHARACTER = 80  # the longer side, in pixels, that a character typically has in NIST's 128x128 scan
SIGMA = 1.0
FAINTEST = 24  # grey levels between paper and ink below which a picture counts as blank
MOST_PIXELS = 100_000_000


def prepare(image: "Image.Image | Path | str") -> NDArray[np.uint8]:
    """Return the character of ``image`` as (28, 28), light on black, upright.

    ``image`` is a Pillow image or the path of a PNG, JPEG or other picture of
    one character, dark on light or light on dark, of any size; transparent
    parts are paper. Raises `DataError` for a file that is no picture, and for
    a picture without a character.
    """
    name, grey = _grey(image)
    ink = _cropped(_ink(name, grey))
    return _reduced(_blurred(_at_nist_scale(ink)))


def _grey(image: "Image.Image | Path | str") -> tuple[str, Floats]:
    """Return the picture's name and its grey levels (H, W), transparency laid on white or black paper."""
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
    except Exception as error:  # Pillow's decoders raise many kinds for a damaged file
        raise DataError(f"{path}: cannot be read as a picture ({error}); expected PNG or JPEG") from error


def _flattened(image: "Image.Image") -> Floats:
    """Return grey levels 0..255 with transparent parts as paper: the shade least like the visible parts."""
    layers = np.asarray(image.convert("RGBA").convert("LA"), dtype=np.float32)
    grey, alpha = layers[..., 0], layers[..., 1] / 255
    visible = np.average(grey, weights=alpha) if alpha.any() and alpha.min() < 1 else 0
    paper = 255 if visible < 128 else 0
    return np.asarray(grey * alpha + paper * (1 - alpha), dtype=np.float32)


def _ink(name: str, grey: Floats) -> Floats:
    """Return ink (H, W), 0 on paper to 1 in a stroke; paper is the shade of the picture's edge."""
    low, high = float(grey.min()), float(grey.max())
    if high - low < FAINTEST:
        raise DataError(f"{name}: blank picture, no character found (grey levels {low:.0f} to {high:.0f})")
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    level = (grey - low) / (high - low)
    return 1 - level if np.median(edge) > (low + high) / 2 else level


def _cropped(ink: Floats) -> Floats:
    """Crop to the rectangle of what is at least half ink."""
    rows, columns = (np.flatnonzero((ink >= 0.5).any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _at_nist_scale(ink: Floats) -> Floats:
    return ink


def _blurred(ink: Floats) -> Floats:
    return ink


def _reduced(ink: Floats) -> NDArray[np.uint8]:
    return ink.astype(np.uint8)
