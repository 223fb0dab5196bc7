"""What is written in a picture: every way to look at it is followed, and the evidence decides between them.

Ink may be the darker or the lighter side, what touches the border may be desk or a character cropped tightly,
and a long thin line may be ruled or written. Where two readings contradict each other, that is believed whose
characters the recogniser is surer of.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from assay.reading.characters import Recognise, Written, characters
from assay.reading.opening import Floats, Opened
from assay.reading.order import SMALL, Grouped, lines, usual_length
from assay.reading.paper import WIDEST, ink, least_ink
from assay.reading.pieces import InkPiece, Mask, pieces
from assay.reading.ruled import line_width, ruled, without_frames
from assay.reading.shades import views
from assay.reading.specks import without_specks

PENS = 3.5
"""Paper is looked for in windows of so many pens' widths, once the pen is known."""
CROP_WIDEST = 0.6
"""The widest stroke of what fills the picture, over its longer side."""
CROPPED = 0.8
"""How far a reading with ink that reaches the border is believed, against one without."""
LIGHT_ON_DARK = 0.97
"""How far light ink on dark paper is believed, against the other way round."""
ON_SHEET = 1.6
"""How much farther a reading is believed that lies within another."""
PALE = 0.45
"""Ink that is paler than this, over the usual darkness, was not written with the same pen."""
LOUD, EDGES = 6.0, 0.08
"""How far other ink, as a mean share of the written's darkness, speaks against a reading; edges have some."""
BOLDER = 2.0
"""Lines are ruled if what is written has strokes so many times as wide: with a thin pen they are strokes."""
FILLED = 0.85
"""A picture that was cropped tightly is filled so far, in both directions."""
SAME_PEN = (0.5, 1.6)
"""Widths, over the usual one, of what may have been written with the same pen."""
SURE = 0.95
"""A reading that is believed so far is not compared with others."""
LIKELY, SURELY = 0.4, 0.75
"""The least mean probability of the three likeliest classes at which anything is read at all, and a text."""
TEXT = 4
"""So many characters are a text."""
BELIEVED = 0.4
"""The least belief."""
AS_DARK = 0.2
"""Paper is as dark as ink within this share of their difference; paper in a deep shadow is lighter."""
AROUND = 0.25
"""How far around what is written its paper is looked at, over its longer side."""


@dataclass(frozen=True)
class Page:
    """One reading of a picture: its characters in reading order, and how far it is believed, from 0 to 1."""

    characters: tuple[Written, ...]
    belief: float
    blank: bool = False
    """Whether there is nothing in the picture that could be ink."""
    way: tuple[int, bool] = (0, False)
    """Which view of the picture was looked at, and whether lighter shades were taken for ink."""


def read_page(picture: Opened, recognise: Recognise) -> Page:
    """Return the reading that is believed most; one of no characters where none is believed."""
    best, blank = Page((), 0.0), True
    for view, shades in enumerate(views(picture)):
        cleaned = without_specks(shades)
        for light, usual in ((False, 1.0), (True, LIGHT_ON_DARK)):
            side = cleaned.max() + cleaned.min() - cleaned if light else cleaned
            for found, prior in _selections(side, picture.zoom):
                blank = False
                reading = replace(_read(found, side, usual * prior, recognise), way=(view, light))
                if _rather(reading, best):
                    best = reading
                if best.belief >= SURE:
                    return best
    return best if best.belief >= BELIEVED else Page((), best.belief, blank)


def _rather(one: Page, other: Page) -> bool:
    """Whether ``one`` is believed rather than ``other``: what is on a sheet rather than the sheet.

    What is within the other and its paper is not on a sheet, but a loop that strokes enclose.
    """
    loop = one.way[0] == other.way[0] and one.way[1] != other.way[1]
    if _within(one, other) and not loop:
        return one.belief * ON_SHEET > other.belief
    return one.belief > other.belief * (ON_SHEET if _within(other, one) and not loop else 1)


def _within(one: Page, other: Page) -> bool:
    """Whether all that ``one`` reads lies inside the box around what ``other`` reads."""
    if not one.characters or not other.characters:
        return False
    inner, outer = ([item.part for item in page.characters] for page in (one, other))
    return (
        min(part.top for part in outer) < min(part.top for part in inner)
        and min(part.left for part in outer) < min(part.left for part in inner)
        and max(part.bottom for part in inner) < max(part.bottom for part in outer)
        and max(part.right for part in inner) < max(part.right for part in outer)
    )


def _read(found: list[InkPiece], shades: Floats, prior: float, recognise: Recognise) -> Page:
    laid_out = lines(found)
    clear = _clear(laid_out, shades)
    if prior * clear < BELIEVED:
        return Page((), 0.0)
    read = characters(laid_out, recognise)
    likely = float(np.mean([character.likely for character in read])) if read else 0.0
    return Page(
        tuple(read),
        prior * clear**2 * np.sqrt(likely) if likely >= (SURELY if len(read) >= TEXT else LIKELY) else 0.0,
    )


def _clear(laid_out: list[list[Grouped]], shades: Floats) -> float:
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
    limit = dark + AS_DARK * (float(np.median(rest[rest > dark])) - dark if (rest > dark).any() else 0)
    return float(np.mean(rest > limit))


def _selections(shades: Floats, zoom: float) -> Iterator[tuple[list[InkPiece], float]]:
    """Yield selections of pieces that may be what is written, each with how far it is to be believed.

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
    inked = found >= least
    lined = ruled(inked)
    unlined = np.where(lined, 0, found)
    free = _inner(pieces(found, least, ~lined)) if lined.any() else []
    if free and max(piece.thickest for piece in free) >= BOLDER * line_width(lined & inked):
        yield free, _quiet(unlined, _large(free))
        inner = [piece for piece in inner if not _crosses(piece, lined)]
    if inner:
        large = _large(inner)
        yield inner, _explained(large, written) * _quiet(unlined, large)
    if len(written) > len(inner) and _fills(written, found.shape):
        yield written, CROPPED


def _inked(shades: Floats, widest: float, zoom: float) -> tuple[Floats, float, list[InkPiece]]:
    """Return the ink of strokes up to ``widest``, the least that counts, and its pieces."""
    found = ink(shades, widest)
    least = least_ink(found, zoom)
    return found, least, pieces(found, least)


def _written(found: list[InkPiece]) -> list[InkPiece]:
    return without_frames([piece for piece in found if piece.written])


def _inner(found: list[InkPiece]) -> list[InkPiece]:
    """Return what was written within the border, but not what is much paler than most ink, such as grain."""
    inner = [piece for piece in _written(found) if not piece.at_border]
    order = sorted(inner, key=lambda piece: piece.level)
    total = np.cumsum([piece.area * piece.level for piece in order])
    usual = order[int(np.searchsorted(total, total[-1] / 2))].level if order else 0.0
    return [piece for piece in inner if piece.level >= PALE * usual]


def _strong(found: list[InkPiece], shape: tuple[int, ...]) -> Mask:
    """Return where the pieces have at least half of their own ink."""
    mask = np.zeros(shape, bool)
    for piece in found:
        mask[piece.top : piece.bottom, piece.left : piece.right] |= piece.ink >= 0.5
    return mask


def _large(inner: list[InkPiece]) -> list[InkPiece]:
    """Return the pieces that can be characters; dust says nothing of a reading."""
    return [piece for piece in inner if piece.longer >= SMALL * usual_length(inner)]


def _quiet(found: Floats, inner: list[InkPiece]) -> float:
    """Return how quiet the paper around pieces is: 1 without other ink, less on grain and clouds."""
    top, left = min(piece.top for piece in inner), min(piece.left for piece in inner)
    bottom, right = max(piece.bottom for piece in inner), max(piece.right for piece in inner)
    rest = found[top:bottom, left:right] - _ink_of(inner, found.shape)[top:bottom, left:right]
    level = float(np.median([piece.level for piece in inner]))
    loud = float(np.clip(rest, 0, None).mean()) / level
    return max(0.0, 1 - LOUD * max(0.0, loud - EDGES))


def _ink_of(some: list[InkPiece], shape: tuple[int, ...]) -> Floats:
    canvas = np.zeros(shape, np.float32)
    for piece in some:
        place = canvas[piece.top : piece.bottom, piece.left : piece.right]
        np.maximum(place, piece.ink * piece.level, out=place)
    return canvas


def _crosses(piece: InkPiece, lined: Mask) -> bool:
    """Whether more than a little of a piece is a line."""
    own = piece.ink >= 0.5
    return bool((lined[piece.top : piece.bottom, piece.left : piece.right] & own).sum() > 0.03 * own.sum())


def _explained(inner: list[InkPiece], written: list[InkPiece]) -> float:
    """Return the root of the share, of all ink of such pens as in ``inner``, that does not reach the border.

    Grain, clouds and stripes go on beyond the picture, and writing does not.
    """
    pen = float(np.median([piece.width for piece in inner]))
    alike = [p.area for p in written if p.at_border and SAME_PEN[0] * pen <= p.width <= SAME_PEN[1] * pen]
    own = sum(piece.area for piece in inner)
    return float(np.sqrt(own / (own + sum(alike))))


def _fills(written: list[InkPiece], shape: tuple[int, ...]) -> bool:
    """Whether ink reaches over most of the picture, as where it was cropped to what is written."""
    height = max(piece.bottom for piece in written) - min(piece.top for piece in written)
    width = max(piece.right for piece in written) - min(piece.left for piece in written)
    return height >= FILLED * shape[0] and width >= FILLED * shape[1]
