"""The connected pieces of a picture's ink, each cut out and measured."""

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from assay.reading.filters import Mask, depths, mean_width, near
from assay.reading.ink_piece import SOFTEST, InkPiece
from assay.reading.opening import Floats

T = TypeVar("T", bound=np.generic)

SMALLEST = 0.008
"""The least length of a piece, over the picture's longer side."""
MOST = 120
"""The most pieces that are looked at, the largest."""
ROOM = 3
"""Pixels of paper that are looked at around a piece."""


def pieces(found: Floats, least: float, mask: Mask | None = None) -> list[InkPiece]:
    """Return the pieces of ink (H, W), the largest first, each cut out by its own contrast.

    ``least`` is the least ink that counts; ``mask`` says where ink may be.
    """
    from scipy.ndimage import find_objects, label

    allowed = found >= least if mask is None else (found >= least) & mask
    names, count = label(allowed, np.ones((3, 3)))
    if not count:
        return []
    smallest = max(4, SMALLEST * max(found.shape))
    boxes = find_objects(names)
    sizes = np.array([max(part.stop - part.start for part in box) for box in boxes])
    order = [name for name in np.argsort(-sizes, kind="stable")[:MOST] if sizes[name] >= smallest]
    result = []
    for name in order:
        rows, columns = (slice(max(0, part.start - ROOM), part.stop + ROOM) for part in boxes[name])
        own = np.where(names[rows, columns] == name + 1, found[rows, columns], 0)
        result += _split(own, rows.start, columns.start, found.shape, smallest)
    return sorted(result, key=lambda piece: -piece.area)


def _split(own: Floats, top: int, left: int, shape: tuple[int, ...], smallest: float) -> list[InkPiece]:
    """Return the pieces that remain of one where it is dark enough; a hairline is paler here and there."""
    from scipy.ndimage import find_objects, label

    contrast = _contrast(own)
    strong, _ = label(own >= 0.4 * contrast, np.ones((3, 3)))
    return [
        _placed(_piece(own, strong == name, box, contrast), top, left, shape)
        for name, box in enumerate(find_objects(strong), 1)
        if max(part.stop - part.start for part in box) >= smallest
    ]


def _placed(piece: InkPiece, top: int, left: int, shape: tuple[int, ...]) -> InkPiece:
    """Return a piece where it lies in a picture of ``shape``."""
    upper, lower = piece.top + top, piece.bottom + top
    first, last = piece.left + left, piece.right + left
    at_border = upper <= 1 or first <= 1 or lower >= shape[0] - 1 or last >= shape[1] - 1
    return replace(piece, top=upper, bottom=lower, left=first, right=last, at_border=at_border)


def _piece(own: Floats, mask: Mask, box: tuple[slice, slice], contrast: float) -> InkPiece:
    """Return the piece where ``mask`` is, which ``box`` encloses, in ``own``, beyond which ink goes on."""
    inside, around = _cut(mask, box, ROOM), _cut(own, box, ROOM, mode="edge")
    deep = depths(inside)
    filled, holes = _filled(inside)
    slope = _slope(around, _outer_edge(filled))
    edge = contrast / max(float(np.median(slope)), 1e-6)
    rows, columns = box
    longer = max(rows.stop - rows.start, columns.stop - columns.start)
    margin = max(2, int(min(edge / 2, SOFTEST * longer)))
    reach = near(_cut(mask, box, margin), margin)
    return InkPiece(
        rows.start,
        columns.start,
        rows.stop,
        columns.stop,
        strokes=np.where(reach, np.clip(_cut(own, box, margin) / contrast, 0, 1), 0).astype(np.float32),
        margin=margin,
        area=int(inside.sum()),
        stroke_width=mean_width(deep),
        thickest=2 * float(deep.max()) - 1,
        edge=edge,
        at_border=False,
        contrast=contrast,
        holes=holes,
        enclosed=int(filled.sum()) / ((rows.stop - rows.start) * (columns.stop - columns.start)),
    )


def _slope(ink: Floats, edge: Mask) -> Floats:
    """Return how fast ink changes (N,) where ``edge`` is, within the border.

    By central differences; half a step where they cancel, as in a line.
    """
    rows, columns = np.nonzero(edge)
    own, along = ink[rows, columns], []
    for down, right in ((1, 0), (0, 1)):
        before, after = ink[rows - down, columns - right], ink[rows + down, columns + right]
        along.append(np.max(np.abs([after - before, own - before, after - own]), axis=0) / 2)
    return np.asarray(np.hypot(*along), np.float32)


def _cut(values: NDArray[T], box: tuple[slice, slice], margin: int, **outside: Any) -> NDArray[T]:
    """Return ``values`` in a box and ``margin`` pixels around it; nothing, or NumPy's padding, outside."""
    wide = [
        (max(0, part.start - margin), min(size, part.stop + margin))
        for part, size in zip(box, values.shape, strict=True)
    ]
    padding = [
        (margin - part.start + first, margin + part.stop - last)
        for part, (first, last) in zip(box, wide, strict=True)
    ]
    return np.pad(values[slice(*wide[0]), slice(*wide[1])], padding, **outside)


def _filled(inside: Mask) -> tuple[Mask, int]:
    """Return a piece without its holes, and how many there are that are not much finer than a pen."""
    from scipy.ndimage import label

    names, _ = label(np.pad(~inside, 1, constant_values=True))
    sizes = np.bincount(names.ravel())[2:]  # 0 is ink and 1 what lies around it
    return names[1:-1, 1:-1] != 1, int((sizes > 0.0004 * inside.size).sum())


def _outer_edge(filled: Mask) -> Mask:
    """Return the outline of a piece without its holes: around dark ink a bright spot is sharp inside."""
    wide = np.pad(filled, 1)
    within = wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return filled & ~within


def _contrast(own: Floats) -> float:
    """Return the mean ink of strokes: of the upper of the two classes that differ most (Otsu 1979)."""
    values = own[own > 0]
    if np.ptp(values) < 0.01:
        return float(values.mean())
    counts, edges = np.histogram(values, 64)
    middles = (edges[:-1] + edges[1:]) / 2
    below = counts.cumsum().astype(np.float64)
    sums = (counts * middles).cumsum()
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    threshold = edges[int(np.argmax(np.nan_to_num(variance))) + 1]
    upper = values[values >= threshold]
    return float(upper.mean() if upper.size else values.mean())
