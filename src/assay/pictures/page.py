"""What is written in a picture: every way to look at it is followed, and the evidence decides between them.

Ink may be the darker or the lighter side, what touches the border may be desk or a character cropped tightly, and
a long thin line may be ruled or written. Where two readings contradict each other, that is believed whose
characters the recogniser is surer of.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from assay.pictures.characters import Character, Recognise, characters
from assay.pictures.layout import Part, lines
from assay.pictures.opening import Floats, Opened
from assay.pictures.paper import WIDEST, ink, least_ink
from assay.pictures.pieces import Piece, pieces
from assay.pictures.ruled import ruled
from assay.pictures.specks import without_specks
from assay.pictures.views import views

PENS = 3.5
"""Paper is looked for in windows of so many pens' widths, once the pen is known."""
CROPPED = 0.8
"""How far a reading with ink that reaches the border is believed, against one without."""
SURE = 0.9
"""A reading that is believed so far is not compared with others."""
LIKELY = 0.25
"""The least mean probability of the likeliest classes at which anything is read at all."""
BELIEVED = 0.3
"""The least belief."""
AROUND = 0.25
"""How far around what is written its paper is looked at, over its longer side."""


@dataclass(frozen=True)
class Reading:
    """One reading of a picture: its characters in reading order, and how far it is believed, from 0 to 1."""

    characters: tuple[Character, ...]
    belief: float


def best_reading(picture: Opened, recognise: Recognise) -> Reading:
    """Return the reading that is believed most; one of no characters where none is believed."""
    best = Reading((), 0.0)
    for shades in views(picture):
        cleaned = without_specks(shades)
        for side in (cleaned, cleaned.max() + cleaned.min() - cleaned):
            for found, prior in _selections(side, picture.zoom):
                reading = _read(found, side, prior, recognise)
                if reading.belief > best.belief:
                    best = reading
                if best.belief >= SURE:
                    return best
    return best if best.belief >= BELIEVED else Reading((), best.belief)


def _read(found: list[Piece], shades: Floats, prior: float, recognise: Recognise) -> Reading:
    laid_out = lines(found)
    clear = _clear(laid_out, shades)
    if prior * clear < BELIEVED:
        return Reading((), 0.0)
    read = characters(laid_out, recognise)
    likely = float(np.mean([character.likely for character in read])) if read else 0.0
    return Reading(tuple(read), prior * clear * np.sqrt(likely) if likely >= LIKELY else 0.0)


def _clear(laid_out: list[list[Part]], shades: Floats) -> float:
    """Return the share of paper, of what lies around and between the parts, that is not as dark as their ink.

    Where the gaps and loops of strokes were taken for the ink, the strokes are the paper, and so is what lies
    around them, which is as dark as the "ink".
    """
    parts = [part for line in laid_out for part in line]
    if not parts:
        return 0.0
    top, left = min(part.top for part in parts), min(part.left for part in parts)
    bottom, right = max(part.bottom for part in parts), max(part.right for part in parts)
    margin = round(AROUND * max(max(part.height, part.breadth) for part in parts)) + 2
    rows = slice(max(0, top - margin), bottom + margin)
    columns = slice(max(0, left - margin), right + margin)
    around = shades[rows, columns]
    written = np.zeros(around.shape, np.float32)
    for piece in (piece for part in parts for piece in part.pieces):
        place = (
            slice(piece.top - rows.start, piece.bottom - rows.start),
            slice(piece.left - columns.start, piece.right - columns.start),
        )
        written[place] = np.maximum(written[place], piece.ink)
    pen, rest = around[written >= 0.75], around[written < 0.1]
    if not pen.size or not rest.size:
        return 0.0
    dark = float(np.median(pen))
    limit = dark + 0.3 * (float(np.median(rest[rest > dark])) - dark if (rest > dark).any() else 0)
    return float(np.mean(rest > limit))


def _selections(shades: Floats, zoom: float) -> Iterator[tuple[list[Piece], float]]:
    """Yield selections of pieces that may be what is written, each with how far it is to be believed."""
    widest = WIDEST * min(shades.shape)
    found = ink(shades, widest)
    least = least_ink(found, zoom)
    mask = found >= least
    every = pieces(found, least)
    written = [piece for piece in every if piece.written]
    inner = [piece for piece in written if not piece.at_border]
    pen = max((piece.thickest for piece in inner), default=0.0)
    narrower = max(PENS * pen, 12.0)
    if inner and narrower < 0.6 * widest:
        found = ink(shades, narrower)
        mask = found >= least
        every = pieces(found, least)
        written = [piece for piece in every if piece.written]
        inner = [piece for piece in written if not piece.at_border]
    lined = ruled(_strong(every, mask.shape))
    if lined.any():
        unlined = [piece for piece in pieces(found, least, ~lined) if piece.written]
        free = [piece for piece in unlined if not piece.at_border]
        if free:
            yield free, 1.0
    if inner:
        yield inner, 0.95 if lined.any() else 1.0
    if len(written) > len(inner):
        yield written, CROPPED


def _strong(found: list[Piece], shape: tuple[int, ...]) -> np.ndarray:
    """Return where the pieces have at least half of their own ink."""
    mask = np.zeros(shape, bool)
    for piece in found:
        mask[piece.top : piece.bottom, piece.left : piece.right] |= piece.ink >= 0.5
    return mask
