"""Ways to look at a picture: shades (H, W) in which ink may be the darker or the lighter side.

Mostly one is enough, lightness. Ink and paper of equal lightness differ along another colour, and where parts
are transparent, either the visible parts are a sheet with ink on it, or they are the ink.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from assay.reading.opening import Floats, Opened

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""How light each of red, green and blue is (ITU-R BT.601)."""
GREY = np.ones(3) / np.sqrt(3)
COLOURLESS = 0.97
"""A direction of colours closer to grey than this cosine is lightness."""


def views(picture: Opened) -> Iterator[Floats]:
    """Yield shades (H, W) of the picture, from 0 to 1, the likeliest first."""
    colours = picture.colours
    if picture.alpha is not None and picture.alpha.min() < 0.5 < picture.alpha.max():
        colours = _on_its_own_paper(colours, picture.alpha)
        yield 1 - picture.alpha
    yield np.asarray(colours @ LUMA, np.float32)
    direction = _main_contrast(colours)
    if direction is not None:
        yield _along(colours, direction)


def _on_its_own_paper(colours: Floats, alpha: Floats) -> Floats:
    """Fill what is transparent with the commonest visible colour: its sheet's, if there is a sheet."""
    paper = np.median(colours[alpha > 0.9], axis=0) if (alpha > 0.9).any() else np.zeros(3)
    layer = alpha[..., None]
    return np.asarray(colours * layer + paper * (1 - layer), np.float32)


def _main_contrast(colours: Floats) -> NDArray[np.float64] | None:
    """Return the colour (3,) along which near pixels differ most, as a unit vector; None where it is grey.

    Uneven light changes slowly and ink does not, so what is slow is left out.
    """
    from scipy.ndimage import uniform_filter

    red, green, blue = np.moveaxis(colours, -1, 0)
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return None
    step = max(1, max(colours.shape[:2]) // 400)
    small = colours[::step, ::step].astype(np.float64)
    slow = uniform_filter(small, (max(small.shape[:2]) // 6, max(small.shape[:2]) // 6, 0))
    differences = (small - slow).reshape(-1, 3)
    scatter, directions = np.linalg.eigh(differences.T @ differences)
    main = directions[:, -1]
    if scatter[-1] <= 0 or abs(main @ GREY) > COLOURLESS:
        return None
    return np.asarray(main if main.sum() >= 0 else -main)


def _along(colours: Floats, direction: NDArray[np.float64]) -> Floats:
    """Return the colours' places along ``direction``, from 0, in its own units."""
    shades = colours @ direction.astype(np.float32)
    return np.asarray(shades - shades.min(), np.float32)
