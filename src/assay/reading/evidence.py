"""Evidence for a reading that does not depend on the recogniser: how its ink and its paper look."""

from collections.abc import Sequence

import numpy as np

from assay.reading.ink_piece import InkPiece
from assay.reading.opening import Floats
from assay.reading.order import SMALL, PieceGroup, usual_length
from assay.reading.rectangle import around

AS_DARK = 0.2
"""Paper is as dark as ink within this share of their difference; paper in a deep shadow is lighter."""
AROUND = 0.25
"""How much paper around the writing is looked at, over the longer side of its characters."""
LOUD, EDGES = 6.0, 0.08
"""How much other ink, as a mean share of the contrast, counts against a reading; edges have some."""
SAME_PEN = (0.5, 1.6)
"""The range of stroke widths, over the usual one, that the same pen may have written."""


def clear(parts: Sequence[PieceGroup], shades: Floats) -> float:
    """Return the share of what lies around and between the parts that is lighter than their ink.

    Where the gaps and loops of strokes were taken for the ink, the strokes are the paper, and so is what lies
    around them, which is as dark as the "ink".
    """
    if not parts:
        return 0.0
    whole = around(parts)
    margin = round(AROUND * max(part.longer for part in parts)) + 2
    rows = slice(max(0, whole.top - margin), whole.bottom + margin)
    columns = slice(max(0, whole.left - margin), whole.right + margin)
    pieces = [piece for part in parts for piece in part.pieces]
    written, seen = drawn(pieces, shades.shape)[rows, columns], shades[rows, columns]
    pen, rest = seen[written >= 0.75], seen[written < 0.1]
    if not pen.size or not rest.size:
        return 0.0
    dark = float(np.median(pen))
    lighter = rest[rest > dark]
    limit = dark + AS_DARK * (float(np.median(lighter)) - dark if lighter.size else 0)
    return float(np.mean(rest > limit))


def quiet(found: Floats, inner: Sequence[InkPiece]) -> float:
    """Return how clean the paper around pieces is: 1 without other ink, less on grain and clouds."""
    box, contrast = around(inner).slices, float(np.median([piece.contrast for piece in inner]))
    own = drawn(inner, found.shape, dark=True)
    loud = float(np.clip(found[box] - own[box], 0, None).mean()) / contrast
    return max(0.0, 1 - LOUD * max(0.0, loud - EDGES))


def drawn(some: Sequence[InkPiece], shape: tuple[int, ...], *, dark: bool = False) -> Floats:
    """Return the ink of pieces in a picture of ``shape``: 1 in strokes, or with ``dark`` their contrast."""
    canvas = np.zeros(shape, np.float32)
    for piece in some:
        place = canvas[piece.slices]
        np.maximum(place, piece.ink * piece.contrast if dark else piece.ink, out=place)
    return canvas


def explained(inner: Sequence[InkPiece], written: Sequence[InkPiece]) -> float:
    """Return the root of the share of ink by pens such as those of ``inner`` that does not reach the border.

    Grain, clouds and stripes go on beyond the picture, and writing does not.
    """
    pen = float(np.median([piece.stroke_width for piece in inner]))
    thinnest, thickest = (share * pen for share in SAME_PEN)
    alike = [p.area for p in written if p.at_border and thinnest <= p.stroke_width <= thickest]
    own = sum(piece.area for piece in inner)
    return float(np.sqrt(own / (own + sum(alike))))


def large(inner: Sequence[InkPiece]) -> list[InkPiece]:
    """Return the pieces that can be characters; dust is no evidence for or against a reading."""
    return [piece for piece in inner if piece.longer >= SMALL * usual_length(inner)]
