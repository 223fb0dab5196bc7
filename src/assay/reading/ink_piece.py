"""A connected piece of ink, and whether it can be a part of a character."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from assay.reading.opening import Floats
from assay.reading.rectangle import Rectangle

FAINT = 0.25
"""The least contrast of ink that reaches the border; what is paler may be a shade of the paper."""
HOLES = 6
"""A character has fewer holes than this: B, 8 and & have two, and careless writing adds some."""
FATTEST = 0.6
"""The thickest stroke of a piece, over its longer side; what is thicker is a blob."""
BLUR, SOFTEST = 1.0, 0.15
"""The widest edge of a piece, over its stroke's width and its longer side; what is softer is a shadow."""

SOLID, STOUTEST = 0.9, 0.3
"""Ink that fills this share of its box is a bar or a label; the thickest bar, over its longer side."""
SHEET = 0.95
"""A piece whose outline fills this share of its box may be a sheet, if there are holes in it."""
FULL = 0.7
"""The least share of its box that a sheet's ink fills; a B of squares fills two thirds."""
FLAT = 0.5
"""A bar that is lower than this, over its width, is not a character by itself."""
STRAIGHT, STOCKY = 0.9, 0.45
"""The share of its moments' rectangle that a straight piece fills; the thickest, over its longer side."""


@dataclass(frozen=True)
class InkPiece(Rectangle):
    """A connected piece of ink: its bounding box and its strokes."""

    strokes: Floats = field(repr=False)
    """Its ink, from 0 to 1, without that of others, in its box and ``margin`` pixels of pale edges around."""
    margin: int
    area: int
    """The number of its pixels."""
    stroke_width: float
    """The mean width of its strokes, in pixels."""
    thickest: float
    """Its widest stroke, in pixels: twice the greatest distance to the paper."""
    edge: float
    """How many pixels its strokes take from ink to paper."""
    at_border: bool
    contrast: float
    """How dark its strokes are: the share of the paper's light that they lack."""
    holes: int
    enclosed: float
    """The share of its box within its outline, holes too."""

    @property
    def ink(self) -> Floats:
        """Its ink in its box."""
        return self.strokes[self.margin : -self.margin, self.margin : -self.margin]

    @property
    def written(self) -> bool:
        """Whether it may have been written: strokes, not a blob, with edges, not a shadow."""
        stroke = max(self.stroke_width, 2.0)
        softest = max(4.0, min(BLUR * stroke, SOFTEST * self.longer))
        fattest = STOUTEST if self.bar else FATTEST
        strokes = self.thickest <= fattest * self.longer and self.holes < HOLES
        return (
            strokes
            and not self.sheet
            and self.edge <= softest
            and (self.contrast >= FAINT or not self.at_border)
        )

    @property
    def bar(self) -> bool:
        """Whether it fills its box, as an upright I, a dash and a blank label do."""
        return self.area >= SOLID * self.height * self.width

    @property
    def dash(self) -> bool:
        """Whether it is a level bar: part of a character, or an underline, but no character."""
        return self.bar and self.height < FLAT * self.width

    @cached_property
    def straight(self) -> bool:
        """Whether it fills a rectangle, however turned: a stroke, a slanted underline, an oval."""
        rows, columns = np.nonzero(self.ink >= 0.5)
        spread = np.cov(rows, columns, bias=True) + np.eye(2) / 12 if rows.size else np.eye(2)
        return bool(rows.size >= STRAIGHT * 12 * np.sqrt(np.linalg.det(spread)))

    @property
    def oval(self) -> bool:
        """Whether it is full and too stout for a stroke, such as a leaf; it is not a character."""
        return self.thickest > STOCKY * self.longer and self.straight

    @property
    def sheet(self) -> bool:
        """Whether it may be a sheet, in which what is written leaves holes."""
        full = self.area >= FULL * self.height * self.width
        return self.holes > 0 and self.enclosed >= SHEET and full


def weighted_median(
    pieces: Sequence[InkPiece], value: Callable[[InkPiece], float], weight: Callable[[InkPiece], float]
) -> float:
    """Return the value that pieces with half of all the weight do not exceed."""
    order = sorted(pieces, key=value)
    total = np.cumsum([weight(piece) for piece in order])
    return float(value(order[int(np.searchsorted(total, total[-1] / 2))]))
