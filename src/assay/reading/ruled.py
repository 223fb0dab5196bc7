"""Take out ruled lines and frames: long, straight, thin ink, upright or level within a few degrees."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assay.reading.pieces import InkPiece, Mask

RUN = 0.05
"""How long a run of ink may belong to a line, over the picture's side."""
LONGEST = 0.5
"""What is longer may be a line, over the picture's side; a stroke seldom is."""
SHOWN = 0.25
"""So much of a line is seen at least, over the picture's side; strokes may hide the rest."""
THIN = 1 / 25
"""A line's thickness is at most this share of its length; a stroke's of a usual pen seldom is."""


THICKEST = 1 / 60
"""The thickest line, over the picture's longer side."""
BRIDGED = 0.35
"""How long a stroke that crosses a line may hide it, over the picture's side."""
FRAMED = 0.85
"""A frame has ink along so much of each of its sides."""


def ruled(mask: Mask) -> Mask:
    """Return which pixels (H, W) belong to ruled lines, with their pale edges, without what crosses them.

    ``mask`` says where there is ink.
    """
    from scipy.ndimage import binary_dilation

    lines = _level(mask) | _level(mask.T).T
    return lines | (binary_dilation(lines, np.ones((5, 5))) & ~mask) if lines.any() else lines


def without_frames(found: Sequence[InkPiece]) -> list[InkPiece]:
    """Return the pieces but those that are frames around another, at least a fifth as long."""
    return [
        piece for piece in found if not (_is_frame(piece) and any(_inside(other, piece) for other in found))
    ]


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
    """Return level lines: long runs that continue each other, where the ink is no thicker than the line."""
    from scipy.ndimage import find_objects, label, maximum_filter1d, minimum_filter1d

    height, width = mask.shape
    run = max(8, round(RUN * width)) | 1
    runs = maximum_filter1d(minimum_filter1d(mask.view(np.uint8), run, axis=1, mode="nearest"), run, axis=1)
    thickness = _thickness(mask)
    runs = runs.astype(bool) & mask & (thickness <= max(3.0, THICKEST * max(mask.shape)))
    linked = maximum_filter1d(runs.view(np.uint8), max(run, round(BRIDGED * width)), axis=1)
    linked = maximum_filter1d(linked, 5, axis=0)
    names, _ = label(linked, np.ones((3, 3)))
    lines = np.zeros_like(mask)
    for name, (rows, columns) in enumerate(find_objects(names), 1):
        own = runs[rows, columns] & (names[rows, columns] == name)
        seen = np.flatnonzero(own.any(axis=0))
        length = len(seen)
        if length < SHOWN * width or np.ptp(seen) < LONGEST * width:
            continue
        thick = float(np.median(thickness[rows, columns][own]))
        if thick <= max(2.0, THIN * length):
            around = slice(max(0, rows.start - 2), min(height, rows.stop + 2))
            near = maximum_filter1d(_within(own, rows, around), 5, axis=0) > 0
            lines[around, columns] |= (
                near & mask[around, columns] & (thickness[around, columns] <= 1.6 * thick + 2)
            )
    return lines


def _within(own: Mask, rows: slice, around: slice) -> NDArray[np.uint8]:
    padding = (rows.start - around.start, around.stop - rows.stop)
    return np.pad(own, (padding, (0, 0))).view(np.uint8)


def _thickness(mask: Mask) -> NDArray[np.int32]:
    """Return for each pixel of ink how many rows the ink is thick there, 0 for paper."""
    height = len(mask)
    rows = np.arange(height, dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(mask, -1, rows), axis=0)
    below = np.minimum.accumulate(np.where(mask, height, rows)[::-1], axis=0)[::-1]
    return np.where(mask, below - above - 1, 0).astype(np.int32)
