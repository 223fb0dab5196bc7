"""Take out ruled lines and frames: thin, straight ink from border to border, nearly upright or level."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assay.reading.filters import Mask, mean_width, running, sliding
from assay.reading.ink_piece import InkPiece

STEEPEST = 0.09
"""The steepest slope of a ruled line: 5 degrees."""
THICKEST = 1 / 60
"""The thickest ruled line, over the picture's longer side."""
COVERED = 0.8
"""The least share of a ruled line, where nothing thicker hides it, on which ink is seen."""
SEEN = 0.2
"""The least length of a ruled line that is seen, over the picture's side."""
BLOCK = 16
"""Pixels along which a line counts as level while lines are sought: it rises by at most 1.4."""
FRAMED = 0.85
"""The least share of each side of a frame that has ink."""
ENCLOSED = 0.5
"""Ink that surrounds more than this share of a piece on all four sides is drawn around it."""
FINE = 0.04
"""A frame with a thinner line than this, over its longer side, is not a letter, whatever is in it."""

LYING = 0.5
"""An underline is lower than this, over its width."""


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
    """Return how wide lines are on average, in pixels; 0 without any."""
    from scipy.ndimage import distance_transform_edt

    return mean_width(distance_transform_edt(lines)[lines]) if lines.any() else 0.0


def without_frames(found: Sequence[InkPiece]) -> list[InkPiece]:
    """Return the pieces without frames: a frame has a fine line, or holds a piece a fifth as long or more."""
    return [piece for piece in found if not _is_drawn_around(piece, found)]


def without_underlines(found: Sequence[InkPiece]) -> list[InkPiece]:
    """Return the pieces without underlines: straight, level, and wider on both sides than what is on them."""
    return [piece for piece in found if not _is_underline(piece, found)]


def _is_underline(piece: InkPiece, found: Sequence[InkPiece]) -> bool:
    if not piece.height < LYING * piece.width or not piece.straight:
        return False
    above = [other for other in found if other is not piece and _stands_on(other, piece)]
    return bool(above) and all(piece.left < other.left and other.right < piece.right for other in above)


def _stands_on(other: InkPiece, piece: InkPiece) -> bool:
    """Whether a piece of some height ends above ``piece``, and near."""
    beside = other.right <= piece.left or piece.right <= other.left
    over = other.bottom <= piece.bottom and piece.top - other.bottom < other.height
    return not beside and over and other.height > piece.height


def _is_drawn_around(piece: InkPiece, found: Sequence[InkPiece]) -> bool:
    inside = [other for other in found if piece.encloses(other)]
    frame, inner = _is_frame(piece), [other for other in inside if other.longer >= piece.longer / 5]
    if frame and (inner or piece.stroke_width < FINE * piece.longer):
        return True
    return any(_surrounds(piece, other) for other in inner)


def _surrounds(piece: InkPiece, other: InkPiece) -> bool:
    """Whether ``piece``, such as a ring, is on all four sides of most of the ink of ``other``."""
    ink, top, left = piece.ink >= 0.5, other.top - piece.top, other.left - piece.left
    within = slice(top, top + other.height), slice(left, left + other.width)
    sides = (ink, ink[::-1], ink.T, ink.T[::-1])
    above, below, before, behind = (np.logical_or.accumulate(side, axis=0) for side in sides)
    seen = above & below[::-1] & before.T & behind[::-1].T
    return float(seen[within][other.ink >= 0.5].mean()) > ENCLOSED


def _is_frame(piece: InkPiece) -> bool:
    """Whether all four sides of a piece's box have ink along them."""
    strip = max(2, round(1.5 * piece.stroke_width))
    ink = piece.ink >= 0.5
    sides = (ink[:strip].any(0), ink[-strip:].any(0), ink[:, :strip].any(1), ink[:, -strip:].any(1))
    return all(float(side.mean()) >= FRAMED for side in sides)


def _level(mask: Mask) -> Mask:
    """Return the ink of nearly level lines, where it is no thicker than the line."""
    thick = _thicker(mask, int(max(5, THICKEST * max(mask.shape))))
    thin = mask & ~thick
    paths = _paths(thin, thick)
    near: Mask = running(np.logical_or, paths, 3) & thin
    if not near.any():
        return near
    thickness = _thickness(mask)
    usual = float(np.median(thickness[near]))
    return _whole_runs(near, mask & (thickness <= 1.6 * usual + 2))


def _paths(thin: Mask, thick: Mask) -> Mask:
    """Return the paths from side to side along which ``thin`` ink is seen where no ``thick`` ink hides it.

    Every height in the middle and every slope is tried, as in a Radon transform of few angles.
    """
    height, width = thin.shape
    paths = np.zeros_like(thin)
    if thin.sum() < SEEN * width:
        return paths
    blocks = np.arange(0, width, BLOCK)
    widths = np.diff(np.append(blocks, width))
    seen, hidden = (
        np.add.reduceat(running(np.logical_or, ink, 3), blocks, axis=1, dtype=np.uint8)
        for ink in (thin, thick)
    )
    columns, middles = np.arange(width), blocks + widths / 2 - width / 2
    tried = np.linspace(-STEEPEST, STEEPEST, 1 + 2 * round(STEEPEST * width / 2))
    rises = np.rint(tried[:, None] * middles).astype(int)
    found, visible = (_sums(part, rises) for part in (seen, widths.astype(np.uint8) - hidden))
    covered = np.where(found >= SEEN * width, found / np.maximum(visible, 1), 0)
    best, slopes = covered.max(axis=0), tried[covered.argmax(axis=0)]
    for row in np.flatnonzero(best >= COVERED):
        at_columns = np.rint(row + slopes[row] * (columns - width / 2)).astype(int)
        inside = (at_columns >= 0) & (at_columns < height)
        paths[at_columns[inside], columns[inside]] = True
    return paths


def _sums(counts: NDArray[np.uint8], rises: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the sums (S, H) of ``counts`` (H, B) along paths that are ``rises`` (S, B) rows lower there."""
    most = int(np.abs(rises).max())
    wide = np.pad(counts.T, ((0, 0), (most, most)))
    slid = np.lib.stride_tricks.sliding_window_view(wide, len(counts), axis=1)
    sums: NDArray[np.int32] = slid[np.arange(len(wide)), most + rises].sum(axis=1, dtype=np.int32)
    return sums


def _whole_runs(near: Mask, allowed: Mask) -> Mask:
    """Return the vertical runs of ``allowed`` pixels that ``near`` touches."""
    from scipy.ndimage import label

    names, _ = label(allowed, np.array([[0, 1, 0]] * 3))
    return np.isin(names, np.unique(names[near & allowed])) & allowed


def _thicker(mask: Mask, most: int) -> Mask:
    """Return the ink that is more than ``most`` rows thick there."""
    if len(mask) <= most:
        return np.zeros_like(mask)
    whole = sliding(np.logical_and, mask, most + 1)
    return sliding(np.logical_or, np.pad(whole, ((most, most), (0, 0))), most + 1)


def _thickness(mask: Mask) -> NDArray[np.int32]:
    """Return for each pixel of ink how many rows the ink is thick there, 0 for paper."""
    height = len(mask)
    rows = np.arange(height, dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(mask, -1, rows), axis=0)
    below = np.minimum.accumulate(np.where(mask, height, rows)[::-1], axis=0)[::-1]
    return np.where(mask, below - above - 1, 0).astype(np.int32)
