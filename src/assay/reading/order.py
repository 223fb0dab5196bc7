"""Put pieces of ink in reading order: lines from the top, and in each line parts from the left.

A part is what certainly belongs to one character: pieces above one another, such as a stem and its dot. Which
neighbouring parts are one character, such as the strokes of a broken H, is for `assay.reading.characters`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

import numpy as np

from assay.reading.ink_piece import InkPiece, weighted_median
from assay.reading.opening import Floats
from assay.reading.rectangle import Rectangle, around

LEAST = 12
"""The fewest pixels of a character's longer side; smaller ones cannot be recognised."""
MOST = 5
"""The most large pieces of one character."""
SMALL = 0.3
"""A piece shorter than this, over the usual length, is not a character by itself."""
FINE = 0.4
"""A small piece with thinner strokes than this, over the usual width, is dust."""
NEAR = 0.6
"""How far above a stem its dot may be, over the usual length."""
TOUCHING = 0.15
"""How far beside a stroke a bit that broke off may be, over the usual length."""
OVERLAP = 0.5
"""Pieces that share more of the narrower one's width stand above each other."""
BAR = 0.4
"""A part that is lower than this, over its neighbour's height, may be its bar."""
SAME_LINE = 0.4
"""Parts that share more of the lower one's height stand in one line."""


@dataclass(frozen=True)
class PieceGroup(Rectangle):
    """Pieces of ink taken together, such as those of one character, in their bounding box."""

    pieces: tuple[InkPiece, ...]

    @classmethod
    def of(cls, pieces: Sequence[InkPiece]) -> "PieceGroup":
        """Return ``pieces``, at least one, as a group."""
        box = around(pieces)
        return cls(box.top, box.left, box.bottom, box.right, tuple(pieces))

    def ink(self) -> Floats:
        """Return the group's ink in its box and around it, as far as its edges reach."""
        room = max(piece.margin for piece in self.pieces)
        canvas = np.zeros((self.height + 2 * room, self.width + 2 * room), np.float32)
        for piece in self.pieces:
            top, left = (room - piece.margin + at for at in (piece.top - self.top, piece.left - self.left))
            place = canvas[top : top + len(piece.strokes), left : left + piece.strokes.shape[1]]
            np.maximum(place, piece.strokes, out=place)
        return canvas


def lines(pieces: Sequence[InkPiece]) -> list[list[PieceGroup]]:
    """Return the parts of characters, line by line, without dust and bits that belong to no character."""
    if not pieces:
        return []
    usual = usual_length(pieces)
    pen = float(np.median([piece.stroke_width for piece in pieces if piece.longer >= SMALL * usual]))
    large = [piece for piece in pieces if piece.longer >= max(SMALL * usual, LEAST)]
    stacked = _stacked([PieceGroup.of([piece]) for piece in large])
    parts = [part for part in stacked if len(part.pieces) <= MOST]
    for bit in pieces:
        if bit.longer < SMALL * usual and bit.stroke_width >= FINE * pen:
            parts = _with_bit(parts, bit, usual)
    return [sorted(line, key=lambda part: part.left) for line in _in_lines(parts)]


def usual_length(pieces: Sequence[InkPiece]) -> float:
    """Return the median length of pieces, each weighted by its ink."""
    return weighted_median(pieces, lambda piece: piece.longer, lambda piece: piece.area)


def _stacked(parts: Sequence[PieceGroup]) -> list[PieceGroup]:
    """Join parts that stand above each other or in each other, and near; the first two again and again.

    What is joined goes to the end. Each two are compared once: a hundred pieces of a barcode join some
    seventy times.
    """
    found: dict[int, PieceGroup] = {}
    pairs: list[tuple[int, int]] = []
    number = count()

    def add(part: PieceGroup) -> None:
        added = next(number)
        for earlier, other in found.items():
            if _above(other, part):
                heappush(pairs, (earlier, added))
        found[added] = part

    for part in parts:
        add(part)
    while pairs:
        first, second = heappop(pairs)
        if first in found and second in found:
            add(PieceGroup.of(found.pop(first).pieces + found.pop(second).pieces))
    return [*found.values()]


def _above(a: PieceGroup, b: PieceGroup) -> bool:
    """Whether two parts stand above each other, or one is a bar, as of a 5, near the other's top or foot."""
    shared = min(a.right, b.right) - max(a.left, b.left)
    apart = max(a.top, b.top) - min(a.bottom, b.bottom)
    taller, lower = max(a.height, b.height), min(a.height, b.height)
    near = TOUCHING * max(taller, min(a.width, b.width))
    bar = lower < BAR * taller and shared > -near and apart > -lower
    return apart < near and (bar or shared > OVERLAP * min(a.width, b.width))


def _with_bit(parts: list[PieceGroup], bit: InkPiece, usual: float) -> list[PieceGroup]:
    """Add a small piece to the part whose dot it is, or from which it broke off; or to none."""

    def distance(part: PieceGroup) -> float:
        beside = max(part.left - bit.right, bit.left - part.right, 0)
        over = max(part.top - bit.bottom, 0)
        under = max(bit.top - part.bottom, 0)
        if beside <= TOUCHING * usual and (over or under or beside) <= TOUCHING * usual:
            return float(beside + over + under)
        is_dot = beside <= TOUCHING * usual and over <= NEAR * usual and part.width < part.height
        return float(over + beside) if is_dot and not under else np.inf

    nearest = min(range(len(parts)), key=lambda index: distance(parts[index]), default=None)
    if nearest is None or not np.isfinite(distance(parts[nearest])):
        return parts
    return [
        PieceGroup.of([*part.pieces, bit]) if index == nearest else part for index, part in enumerate(parts)
    ]


def _in_lines(parts: list[PieceGroup]) -> list[list[PieceGroup]]:
    """Return lines from the top; a part joins the line whose last neighbour it shares most height with."""
    found: list[list[PieceGroup]] = []
    for part in sorted(parts, key=lambda part: part.left):
        shares = [_shared_height(line[-1], part) for line in found]
        best = int(np.argmax(shares)) if shares else -1
        if shares and shares[best] > SAME_LINE:
            found[best].append(part)
        else:
            found.append([part])
    return sorted(found, key=lambda line: float(np.mean([(part.top + part.bottom) / 2 for part in line])))


def _shared_height(a: PieceGroup, b: PieceGroup) -> float:
    return (min(a.bottom, b.bottom) - max(a.top, b.top)) / min(a.height, b.height)
