"""What is written in a picture: every interpretation is tried, and the evidence decides between them.

Ink may be the darker or the lighter side, what touches the border may be the desk or a tightly cropped
character, and a long thin line may be ruled or written. Of two readings that contradict each other, the one
whose characters the recogniser is surer of is believed.
"""

from dataclasses import dataclass, replace

import numpy as np

from assay.reading.characters import Recognise, Written, characters
from assay.reading.evidence import clear
from assay.reading.ink_piece import InkPiece
from assay.reading.opening import Floats, Opened
from assay.reading.order import lines
from assay.reading.rectangle import around
from assay.reading.selections import selections
from assay.reading.shades import views
from assay.reading.specks import without_specks

LIGHT_ON_DARK = 0.97
"""The prior belief in light ink on dark paper, over that in dark ink on light paper."""
ON_SHEET = 1.6
"""The factor by which a reading that lies within another is preferred."""
SURE = 0.95
"""A reading with this much belief is not compared with others."""
LIKELY, SURELY = 0.4, 0.75
"""The least mean probability of the three likeliest classes: to read anything at all, and to read a text."""
TEXT = 4
"""The fewest characters of a text."""
BELIEVED = 0.4
"""The least belief of a reading that is returned."""


@dataclass(frozen=True)
class Page:
    """One reading of a picture: its characters in reading order, and the belief in it, from 0 to 1."""

    characters: tuple[Written, ...]
    belief: float
    blank: bool = False
    """Whether there is nothing in the picture that could be ink."""
    view: int = 0
    """The number of the view of the picture that was read (`assay.reading.shades.views`)."""
    light_ink: bool = False
    """Whether the lighter shades were taken for ink."""


def read_page(picture: Opened, recognise: Recognise) -> Page:
    """Return the reading with the highest belief; one without characters if no belief is high enough."""
    best, blank = Page((), 0.0), True
    for view, shades in enumerate(views(picture)):
        cleaned = without_specks(shades)
        for light_ink, usual in ((False, 1.0), (True, LIGHT_ON_DARK)):
            side = cleaned.max() + cleaned.min() - cleaned if light_ink else cleaned
            for found, prior in selections(side, picture.zoom):
                blank = False
                needed = best.belief / ON_SHEET
                reading = _read(found, side, usual * prior, needed, recognise)
                reading = replace(reading, view=view, light_ink=light_ink)
                if _preferred(reading, best):
                    best = reading
                if best.belief >= SURE:
                    return best
    return best if best.belief >= BELIEVED else Page((), best.belief, blank)


def _preferred(one: Page, other: Page) -> bool:
    """Whether ``one`` is preferred to ``other``; what is on a sheet has an advantage over the sheet."""
    if _on_sheet(one, other):
        return one.belief * ON_SHEET > other.belief
    return one.belief > other.belief * (ON_SHEET if _on_sheet(other, one) else 1)


def _on_sheet(one: Page, other: Page) -> bool:
    """Whether ``one`` lies on what ``other`` took for ink, and is not a loop enclosed by strokes.

    A loop is stouter than the strokes around it; what is written on a sheet is thinner for its length.
    """
    paper_of_the_other = one.view == other.view and one.light_ink != other.light_ink
    return _within(one, other) and not (paper_of_the_other and _stoutness(one) > _stoutness(other))


def _stoutness(page: Page) -> float:
    """Return the width of the thickest stroke over the length of the longest piece."""
    found = _pieces(page)
    return max(piece.thickest for piece in found) / max(piece.longer for piece in found)


def _pieces(page: Page) -> tuple[InkPiece, ...]:
    return tuple(piece for item in page.characters for piece in item.part.pieces)


def _within(one: Page, other: Page) -> bool:
    """Whether all that ``one`` reads lies inside the box around what ``other`` reads."""
    if not one.characters or not other.characters:
        return False
    return around(_pieces(other)).encloses(around(_pieces(one)))


def _read(found: list[InkPiece], shades: Floats, prior: float, needed: float, recognise: Recognise) -> Page:
    """Return the reading of pieces; the belief falls below ``prior`` if paper or characters are doubtful.

    If the paper alone makes it fall below ``needed``, the characters are not looked at.
    """
    laid_out = lines(found)
    paper = clear([part for line in laid_out for part in line], shades)
    if prior * paper < BELIEVED or prior * paper**2 < needed:
        return Page((), 0.0)
    read = characters(laid_out, recognise)
    likely = float(np.mean([character.likely for character in read])) if read else 0.0
    least = SURELY if len(read) >= TEXT else LIKELY
    written = tuple(character for character in read if not character.dash)
    return Page(written, prior * paper**2 * np.sqrt(likely) if likely >= least else 0.0)
