"""The strokes of a character in the Hershey fonts, as short segments.

The fonts (A. V. Hershey, US National Bureau of Standards, 1967) draw a
character as polylines, the way a pen moves, which is why they bend well.
"""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FONTS = ("futural", "futuram", "rowmans", "scripts", "scriptc", "cursive", "timesi")
SEGMENTS_PER_SIDE = 18  # so a segment spans at most 1.3 pixels of a 24-pixel character


class Template(NamedTuple):
    """One character of one font, scaled so that its longer side spans -1..1.

    ``points`` is (segments, 2 ends, 2 coordinates x y), y downwards;
    ``stroke`` (segments,) says which stroke of the pen a segment belongs to.
    """

    points: Floats
    stroke: NDArray[np.int64]


@cache
def templates(characters: str) -> tuple[tuple[Template, ...], ...]:
    """Return, for each of ``characters``, its `Template` in every font that draws it."""
    drawn: list[list[Template]] = [[] for _ in characters]
    for font in FONTS:
        for versions, polylines in zip(drawn, _polylines(font, characters), strict=True):
            if polylines:
                versions.append(_template(polylines))
    return tuple(tuple(versions) for versions in drawn)


def _polylines(font: str, characters: str) -> list[list[Floats]]:
    from HersheyFonts import HersheyFonts

    pen = HersheyFonts()
    pen.load_default_font(font)
    return [
        [
            np.array(line, dtype=np.float32)
            for line in map(list, pen.strokes_for_text(character))
            if len(line) > 1
        ]
        for character in characters
    ]


def _template(polylines: list[Floats]) -> Template:
    corners = np.concatenate(polylines)
    low, high = corners.min(axis=0), corners.max(axis=0)
    middle, half = (low + high) / 2, (high - low).max() / 2
    pieces = [_segments((line - middle) / half) for line in polylines]
    stroke = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
    return Template(np.concatenate(pieces), stroke)


def _segments(line: Floats) -> Floats:
    """Cut a polyline (corners, 2) into pieces of at most 2 / `SEGMENTS_PER_SIDE`."""
    pieces = []
    for start, end in pairwise(line):
        count = max(1, int(np.ceil(np.linalg.norm(end - start) * SEGMENTS_PER_SIDE / 2)))
        along = np.linspace(0, 1, count + 1, dtype=np.float32)[:, None]
        ends = start + along * (end - start)
        pieces.append(np.stack([ends[:-1], ends[1:]], axis=1))
    return np.concatenate(pieces)
