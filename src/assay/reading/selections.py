"""Which ink may be what is written: all within the border, within ruled lines, or what fills the picture."""

from collections.abc import Iterator

import numpy as np

from assay.reading.evidence import explained, large, quiet
from assay.reading.filters import Mask
from assay.reading.ink_piece import InkPiece, weighted_median
from assay.reading.opening import Floats
from assay.reading.paper import WIDEST, ink, least_ink
from assay.reading.pieces import pieces
from assay.reading.rectangle import around
from assay.reading.ruled import ruled, without_frames, without_underlines

PENS = 3.5
"""The window in which paper is looked for once the pen is known, in widths of its strokes."""
CROP_WIDEST = 0.6
"""The widest stroke of what fills the picture, over its longer side."""
CROPPED = 0.8
"""The prior belief in a reading with ink that reaches the border, over that in one without."""
FILLED = 0.85
"""The least share of a tightly cropped picture that its ink spans, in both directions."""
HALF_DARK = 1.3
"""The most half-dark ink of a tight crop, over its dark ink; photographs have all shades."""
PALE = 0.45
"""Ink that is paler than this, over the usual darkness, was not written with the same pen."""


def selections(shades: Floats, zoom: float) -> Iterator[tuple[list[InkPiece], float]]:
    """Yield selections of pieces that may be what is written, each with its prior belief.

    First with a wide window, which no stroke fills; then, once the pen is known, with one of its size, which
    sees through finer shadows.
    """
    widest = max(WIDEST * min(shades.shape), 0.2 * max(shades.shape))
    found, least, every = _inked(shades, widest, zoom)
    yield from _selected(found, least, every)
    if every and _fills(every, found.shape):
        yield from _selected(*_inked(shades, CROP_WIDEST * max(shades.shape), zoom))
    pen = max((piece.thickest for piece in _inner(every)), default=0.0)
    narrower = max(PENS * pen, 12.0)
    if pen and narrower < 0.6 * widest:
        yield from _selected(*_inked(shades, narrower, zoom))


def _selected(found: Floats, least: float, every: list[InkPiece]) -> Iterator[tuple[list[InkPiece], float]]:
    """Yield what lies within ruled lines, within the border, and all, of the ``every`` pieces of ink."""
    written, inner = _written(every), _inner(every)
    lined = ruled(found >= least)
    unlined = np.where(lined, 0, found)
    free = _inner(pieces(found, least, ~lined)) if lined.any() else []
    if free:
        yield free, quiet(unlined, large(free))
        inner = [piece for piece in inner if not _crosses(piece, lined)]
    if inner:
        characters = large(inner)
        yield inner, explained(characters, written) * quiet(unlined, characters)
    fills = len(written) > len(inner) and _fills(written, found.shape) and not _stripes(written)
    if fills and _is_dark_or_paper(found, written):
        yield written, CROPPED


def _inked(shades: Floats, widest: float, zoom: float) -> tuple[Floats, float, list[InkPiece]]:
    """Return the ink of strokes up to ``widest``, the least that counts, and its pieces."""
    found = ink(shades, widest)
    least = least_ink(found, zoom)
    return found, least, pieces(found, least)


def _written(found: list[InkPiece]) -> list[InkPiece]:
    return without_underlines(without_frames([piece for piece in found if piece.written]))


def _inner(found: list[InkPiece]) -> list[InkPiece]:
    """Return what was written within the border, but not what is much paler than most ink, such as grain."""
    inner = [piece for piece in _written(found) if not piece.at_border]
    if not inner:
        return []
    usual = weighted_median(inner, lambda piece: piece.contrast, lambda piece: piece.area * piece.contrast)
    return [piece for piece in inner if piece.contrast >= PALE * usual]


def _crosses(piece: InkPiece, lined: Mask) -> bool:
    """Whether more than a little of a piece is a line."""
    own = piece.ink >= 0.5
    return bool((lined[piece.slices] & own).sum() > 0.03 * own.sum())


def _stripes(written: list[InkPiece]) -> bool:
    """Whether there is nothing but bars: across a picture they are a pattern, not a tight crop."""
    return len(written) > 1 and all(piece.bar for piece in written)


def _is_dark_or_paper(found: Floats, written: list[InkPiece]) -> bool:
    """Whether few of the shades of ink lie between its own and the paper's."""
    contrast = max(written, key=lambda piece: piece.area).contrast
    half, dark = (int((found >= share * contrast).sum()) for share in (0.15, 0.75))
    return half - dark <= HALF_DARK * dark


def _fills(written: list[InkPiece], shape: tuple[int, ...]) -> bool:
    """Whether ink reaches over most of the picture, as where it was cropped to what is written."""
    box = around(written)
    return box.height >= FILLED * shape[0] and box.width >= FILLED * shape[1]
