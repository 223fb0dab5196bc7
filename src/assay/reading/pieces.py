"""Connected pieces of ink, and which of them can be parts of characters."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assay.reading.opening import Floats

Mask = NDArray[np.bool_]

SMALLEST = 0.008
"""The least length of a piece, over the picture's longer side."""
FAINT = 0.25
"""Ink that reaches the border is at least so dark, or it may be a shade of the paper."""
HOLES = 6
"""A character has fewer holes: B, 8 and & have two, and a careless hand leaves some."""
MOST = 120
"""Of more pieces, only the largest are looked at."""
FATTEST = 0.6
"""The thickest stroke of a piece, over its longer side; what is thicker is a blob."""
BLUR, SOFTEST = 1.0, 0.15
"""The widest edge of a piece, over its stroke's width and its longer side; what is softer is a shadow."""


@dataclass(frozen=True)
class InkPiece:
    """A connected piece of ink: where it lies (rows from ``top`` to before ``bottom``), and its strokes."""

    top: int
    left: int
    bottom: int
    right: int
    ink: Floats = field(repr=False)
    """Of its box, from 0 to 1 in its strokes, nothing of others'."""
    area: int
    width: float
    """Of its strokes, on average; twice the greatest distance to the paper is ``thickest``."""
    thickest: float
    edge: float
    """How many pixels its strokes take from ink to paper."""
    at_border: bool
    level: float
    """How dark its strokes are: the share of the paper's light that they lack."""
    holes: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def breadth(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def longer(self) -> int:
        """The longer side."""
        return max(self.height, self.breadth)

    @property
    def written(self) -> bool:
        """Whether it may have been written: strokes, not a blob, with edges, not a shadow."""
        stroke = max(self.width, 2.0)
        softest = max(4.0, min(BLUR * stroke, SOFTEST * self.longer))
        strokes = self.thickest <= FATTEST * self.longer and self.holes < HOLES
        return strokes and self.edge <= softest and (self.level >= FAINT or not self.at_border)


def pieces(found: Floats, least: float, mask: Mask | None = None) -> list[InkPiece]:
    """Return the pieces of ink (H, W), the largest first; each has an own level of half its ink.

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
        rows, columns = boxes[name]
        own = np.where(names[rows, columns] == name + 1, found[rows, columns], 0)
        for piece in _split(own, rows.start, columns.start, found.shape):
            if piece.longer >= smallest:
                result.append(piece)
    return sorted(result, key=lambda piece: -piece.area)


def _split(own: Floats, top: int, left: int, shape: tuple[int, ...]) -> list[InkPiece]:
    """Return the pieces that remain of one where it is dark enough; a hairline is paler here and there."""
    from scipy.ndimage import find_objects, label

    level = _level(own)
    strong, _ = label(own >= 0.4 * level, np.ones((3, 3)))
    result = []
    for name, (rows, columns) in enumerate(find_objects(strong), 1):
        mask = strong[rows, columns] == name
        if mask.sum() >= 4:
            around = tuple(
                slice(max(0, part.start - 3), min(size, part.stop + 3))
                for part, size in zip((rows, columns), own.shape, strict=True)
            )
            result.append(_piece(own, strong == name, around, (top, left), level, shape))
    return result


def _piece(
    own: Floats,
    mask: Mask,
    around: tuple[slice, ...],
    corner: tuple[int, int],
    level: float,
    shape: tuple[int, ...],
) -> InkPiece:
    from scipy.ndimage import binary_dilation, distance_transform_edt

    rows, columns = around
    inside, near = mask[around], own[around]
    reach = binary_dilation(inside, np.ones((3, 3)), iterations=2)
    deep = distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    slope = np.hypot(*np.gradient(np.pad(near, 1, mode="edge")))[1:-1, 1:-1]
    outline = _outline(inside)
    top, left = corner[0] + rows.start, corner[1] + columns.start
    lit = [np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0)]
    box = (top + lit[0][0], left + lit[1][0], top + lit[0][-1] + 1, left + lit[1][-1] + 1)
    at_border = box[0] <= 1 or box[1] <= 1 or box[2] >= shape[0] - 1 or box[3] >= shape[1] - 1
    within = (slice(lit[0][0], lit[0][-1] + 1), slice(lit[1][0], lit[1][-1] + 1))
    return InkPiece(
        int(box[0]),
        int(box[1]),
        int(box[2]),
        int(box[3]),
        ink=np.where(reach, np.clip(near / level, 0, 1), 0)[within].astype(np.float32),
        area=int(inside.sum()),
        width=4 * float(deep[inside].mean()) - 2,
        thickest=2 * float(deep.max()) - 1,
        edge=level / max(float(np.median(slope[outline])), 1e-6),
        at_border=bool(at_border),
        level=level,
        holes=_holes(inside),
    )


def _holes(inside: Mask) -> int:
    """Return how many holes there are that are not much finer than a pen."""
    from scipy.ndimage import label

    names, _ = label(np.pad(~inside, 1, constant_values=True))
    sizes = np.bincount(names.ravel())[2:]  # 0 is ink and 1 what lies around it
    return int((sizes > 0.0004 * inside.size).sum())


def _outline(inside: Mask) -> Mask:
    """Return the pixels at a piece's outer edge: a bright spot around dark ink is sharp only inside."""
    from scipy.ndimage import binary_erosion, binary_fill_holes

    filled = np.pad(binary_fill_holes(inside), 1)
    return np.asarray(filled & ~binary_erosion(filled))[1:-1, 1:-1]


def _level(own: Floats) -> float:
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
