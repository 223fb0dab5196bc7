"""Tell ink from paper under uneven light: paper is what remains when everything narrow and dark is closed."""

import numpy as np

from assay.reading.filters import closed
from assay.reading.opening import Floats

COARSE = 240
"""Pixels of the longer side on which paper is looked for; light has no finer detail."""
WIDEST = 0.3
"""The widest stroke that is still ink, over the picture's shorter side."""
FAINTEST = 24 / 255
"""Contrasts below this are not ink."""
NOISES = 5.0
"""Contrasts of fewer standard deviations of the noise are not ink."""


def ink(shades: Floats, widest: float) -> Floats:
    """Return ink (H, W), by how much of the paper's light each pixel lacks, from 0 to 1.

    ``shades`` are from 0, dark, to 1; strokes are at most ``widest`` pixels wide, and so are the bands at the
    border that may be taken for strokes.
    """
    paper = np.maximum(_paper(shades, widest), shades)
    lacking = (paper - shades) / np.maximum(paper, 0.2)  # in darkness a shade means more, up to a point
    return np.asarray(lacking, np.float32)


def _paper(shades: Floats, widest: float) -> Floats:
    from scipy.ndimage import gaussian_filter

    step = max(1, round(min(max(shades.shape) / COARSE, widest / 8)))
    small = _shrunk(gaussian_filter(shades, 0.5), step)
    window = max(3, round(widest / step) | 1)
    light = closed(small, window)
    if light.min() == light.max():  # as under most drawings: one pixel says all
        light = light[:1, :1]
    return _stretched(gaussian_filter(light, 1.0), shades.shape)


def _shrunk(shades: Floats, step: int) -> Floats:
    """Return means of squares of ``step`` pixels."""
    if step == 1:
        return shades
    height, width = (size // step * step or size for size in shades.shape)
    if min(height, width) < step:
        return shades[:: min(step, height), :: min(step, width)]
    blocks = shades[:height, :width].reshape(height // step, step, width // step, step)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)


def _stretched(shades: Floats, shape: tuple[int, ...]) -> Floats:
    from PIL import Image

    size = (shape[1], shape[0])
    return np.asarray(Image.fromarray(shades).resize(size, Image.Resampling.BILINEAR), np.float32)


def least_ink(found: Floats, zoom: float) -> float:
    """Return the least ink that is not noise; ``zoom`` below 1 says how far the picture was enlarged."""
    step = max(1, round(1 / zoom))
    thin = found[::step, ::step]
    steps = np.abs(np.diff(thin, axis=1)) if thin.shape[1] > 1 else np.zeros((1, 1))
    noise = float(np.median(steps)) / 0.6745 / np.sqrt(2)
    return max(FAINTEST, NOISES * float(noise))
