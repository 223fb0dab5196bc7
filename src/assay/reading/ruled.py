"""Take out ruled lines and frames: thin, straight ink from border to border, nearly upright or level."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assay.reading.pieces import InkPiece, Mask

STEEPEST = 0.09
"""Ruled lines rise by at most so many pixels in each pixel: 5 degrees."""
THICKEST = 1 / 60
"""The thickest ruled line, over the picture's longer side."""
COVERED = 0.8
"""The least share of a ruled line, where nothing thicker hides it, along which its ink is seen."""
SEEN = 0.2
"""The least length of a ruled line that is seen, over the picture's side."""
BLOCK = 16
"""Pixels along which a line is taken for level while lines are sought: it rises by 1.4 at most."""
FRAMED = 0.85
"""A frame has ink along so much of each of its sides."""
ENCLOSED = 0.5
"""What surrounds more of a piece's ink than this, on all four sides, is drawn around it."""
FINE = 0.04
"""A frame with a thinner line than this, over its longer side, is no letter, whatever is in it."""

LYING = 0.5
"""An underline is lower than this, over its breadth."""


def ruled(mask: Mask) -> Mask:
    """Return which pixels (H, W) belong to ruled lines, with their pale edges, without what crosses them.

    ``mask`` says where there is any ink.
    """
    from scipy.ndimage import binary_closing, binary_dilation

    lines: Mask = _level(mask) | _level(mask.T).T
    if not lines.any():
        return lines
    width = round(line_width(lines)) + 3
    crossing = binary_closing(np.pad(mask & ~lines, width), np.ones((width, width)))
    lines &= ~crossing[width:-width, width:-width]
    edges: Mask = binary_dilation(lines, np.ones((5, 5))) & ~mask
    return lines | edges


def line_width(lines: Mask) -> float:
    """Return how wide lines are: in one of width w the mean distance to its edge is w/4 + 1/2."""
    from scipy.ndimage import distance_transform_edt

    return 4 * float(distance_transform_edt(lines)[lines].mean()) - 2 if lines.any() else 0.0


def without_frames(found: Sequence[InkPiece]) -> list[InkPiece]:
    """Return the pieces but frames: those of a fine line, or around another, at least a fifth as long."""
    return [piece for piece in found if not _is_drawn_around(piece, found)]


def without_underlines(found: Sequence[InkPiece]) -> list[InkPiece]:
    """Return the pieces but straight, level ones that reach beyond all that stands on them, on both sides."""
    return [piece for piece in found if not _is_underline(piece, found)]


def _is_underline(piece: InkPiece, found: Sequence[InkPiece]) -> bool:
    if not piece.height < LYING * piece.breadth or not piece.straight:
        return False
    above = [other for other in found if other is not piece and _stands_on(other, piece)]
    return bool(above) and all(piece.left < other.left and other.right < piece.right for other in above)


def _stands_on(other: InkPiece, piece: InkPiece) -> bool:
    """Whether a piece of some height ends above ``piece``, and near."""
    beside = other.right <= piece.left or piece.right <= other.left
    over = other.bottom <= piece.bottom and piece.top - other.bottom < other.height
    return not beside and over and other.height > piece.height


def _is_drawn_around(piece: InkPiece, found: Sequence[InkPiece]) -> bool:
    frame, inner = _is_frame(piece), [other for other in found if _inside(other, piece)]
    if frame and (inner or piece.width < FINE * piece.longer):
        return True
    return any(_surrounds(piece, other) for other in inner)


def _surrounds(piece: InkPiece, other: InkPiece) -> bool:
    """Whether ``piece``, such as a ring, is on all four sides of most of the ink of ``other``."""
    ink, top, left = piece.ink >= 0.5, other.top - piece.top, other.left - piece.left
    within = slice(top, top + other.height), slice(left, left + other.breadth)
    sides = (ink, ink[::-1], ink.T, ink.T[::-1])
    above, below, before, behind = (np.logical_or.accumulate(side, axis=0) for side in sides)
    seen = above & below[::-1] & before.T & behind[::-1].T
    return float(seen[within][other.ink >= 0.5].mean()) > ENCLOSED


def _inside(piece: InkPiece, other: InkPiece) -> bool:
    return (
        other.top < piece.top
        and other.left < piece.left
        and piece.bottom < other.bottom
        and piece.right < other.right
        and piece.longer >= other.longer / 5
    )


def _is_frame(piece: InkPiece) -> bool:
    """Whether all four sides of a piece's box have ink along them."""
    strip = max(2, round(1.5 * piece.width))
    ink = piece.ink >= 0.5
    sides = (ink[:strip].any(0), ink[-strip:].any(0), ink[:, :strip].any(1), ink[:, -strip:].any(1))
    return all(float(side.mean()) >= FRAMED for side in sides)


def _level(mask: Mask) -> Mask:
    """Return the ink of nearly level lines, where it is no thicker than the line."""
    from scipy.ndimage import maximum_filter1d

    thickness = _thickness(mask)
    thin = mask & (thickness <= max(5.0, THICKEST * max(mask.shape)))
    paths = _paths(thin, mask & ~thin)
    on = maximum_filter1d(paths.view(np.uint8), 3, axis=0) > 0
    near: Mask = on & thin
    if not near.any():
        return near
    usual = float(np.median(thickness[near]))
    return _whole_runs(near, mask & (thickness <= 1.6 * usual + 2))


def _paths(thin: Mask, thick: Mask) -> Mask:
    """Return the paths from side to side along which ``thin`` ink is seen where no ``thick`` ink hides it.

    Every height in the middle and every slope is tried, as in a Radon transform of few angles.
    """
    from scipy.ndimage import maximum_filter1d

    height, width = thin.shape
    paths = np.zeros_like(thin)
    if thin.sum() < SEEN * width:
        return paths
    blocks = np.arange(0, width, BLOCK)
    seen, hidden = (
        np.add.reduceat(maximum_filter1d(ink.view(np.uint8), 3, axis=0), blocks, axis=1, dtype=np.int32)
        for ink in (thin, thick)
    )
    columns = np.arange(width)
    widths = np.diff(np.append(blocks, width))
    middles = blocks + widths / 2 - width / 2
    best = np.zeros(height)
    slopes = np.zeros(height)
    for slope in np.linspace(-STEEPEST, STEEPEST, 1 + 2 * round(STEEPEST * width / 2)):
        rows = np.arange(height)[:, None] + np.rint(slope * middles).astype(int)
        inside = (rows >= 0) & (rows < height)
        at = rows.clip(0, height - 1), np.arange(len(blocks))
        found = np.where(inside, seen[at], 0).sum(axis=1)
        visible = np.where(inside, widths - hidden[at], 0).sum(axis=1)
        covered = np.where(found >= SEEN * width, found / np.maximum(visible, 1), 0)
        slopes = np.where(covered > best, slope, slopes)
        best = np.maximum(best, covered)
    for row in np.flatnonzero(best >= COVERED):
        at_columns = np.rint(row + slopes[row] * (columns - width / 2)).astype(int)
        inside = (at_columns >= 0) & (at_columns < height)
        paths[at_columns[inside], columns[inside]] = True
    return paths


def _whole_runs(near: Mask, allowed: Mask) -> Mask:
    """Return the vertical runs of ``allowed`` pixels that ``near`` touches."""
    from scipy.ndimage import label

    names, _ = label(allowed, np.array([[0, 1, 0]] * 3))
    return np.isin(names, np.unique(names[near & allowed])) & allowed


def _thickness(mask: Mask) -> NDArray[np.int32]:
    """Return for each pixel of ink how many rows the ink is thick there, 0 for paper."""
    height = len(mask)
    rows = np.arange(height, dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(mask, -1, rows), axis=0)
    below = np.minimum.accumulate(np.where(mask, height, rows)[::-1], axis=0)[::-1]
    return np.where(mask, below - above - 1, 0).astype(np.int32)
