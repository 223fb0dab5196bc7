"""Segment lines into characters and words: which neighbouring parts are one character, where words end.

Each run of up to three neighbours is prepared and shown to the recogniser. Of all divisions of a line the
likeliest is taken; near parts are more likely to belong together than far ones.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.reading.nist import as_nist
from assay.reading.order import PieceGroup

Recognise = Callable[[NDArray[np.uint8]], NDArray[np.floating[Any]]]
"""Returns the probabilities (N, K) of the classes for prepared images (N, 28, 28)."""

TOGETHER = 3
"""The most parts of one character."""
FARTHEST = 0.4
"""The widest gap between parts of one character, over the line's height."""
WIDEST = 1.7
"""The greatest width of a character of several parts, over the line's height."""
GAP = 8.0
"""The cost of a gap within a character, in nats per line height."""
NEXT = 0.12
"""The usual least gap between characters, over the line's height; what is missing costs as much."""
WORD = 0.8
"""A gap wider than this, over the line's height, or than `GAPS` usual gaps, ends a word."""
GAPS = 2.5


@dataclass(frozen=True)
class Written:
    """A character in a picture: its pieces, its prepared image, its probabilities and its place."""

    part: PieceGroup
    pixels: NDArray[np.uint8] = field(repr=False)
    probabilities: NDArray[np.float64] = field(repr=False)
    line: int
    word: int

    @property
    def likely(self) -> float:
        """The probability that it is one of the three likeliest classes, since 1, I and L look alike."""
        return float(np.sort(self.probabilities)[-3:].sum())

    @property
    def dash(self) -> bool:
        """Whether it is a level bar or an oval alone, which is not a character."""
        first, *others = self.part.pieces
        return not others and (first.dash or first.oval)


def characters(lines: Sequence[Sequence[PieceGroup]], recognise: Recognise) -> list[Written]:
    """Return the characters in reading order."""
    options = [[*_options(line)] for line in lines]
    spans = [(number, span) for number, some in enumerate(options) for span in some]
    parts = [_joined(lines[number], span) for number, span in spans]
    if not parts:
        return []
    images = np.stack([as_nist(part.ink()) for part in parts])
    probabilities = recognise(images)
    shown = {key: at for at, key in enumerate(spans)}
    found, word = [], 0
    for number, line in enumerate(lines):
        costs = {span: -np.log(probabilities[shown[number, span]].max()) for span in options[number]}
        chosen = [(number, span) for span in _divided(line, costs)]
        own = [parts[shown[key]] for key in chosen]
        for key, starts in zip(chosen, _word_starts(own), strict=True):
            word += starts
            at = shown[key]
            found.append(Written(parts[at], images[at], probabilities[at], number, word - 1))
    return found


def _joined(line: Sequence[PieceGroup], span: tuple[int, int]) -> PieceGroup:
    return PieceGroup.of([piece for part in line[slice(*span)] for piece in part.pieces])


def _height(line: Sequence[PieceGroup]) -> float:
    return float(np.median([part.height for part in line if part.height * 2 >= max(p.height for p in line)]))


def _options(line: Sequence[PieceGroup]) -> Iterator[tuple[int, int]]:
    """Yield every run of parts that may be one character, as first and after the last."""
    height = max(_height(line), 1.0)
    for first in range(len(line)):
        for last in range(first, min(len(line), first + TOGETHER)):
            gap = line[last].left - max(part.right for part in line[first:last]) if last > first else 0
            wide = max(part.right for part in line[first : last + 1]) - line[first].left
            if last > first and (gap > FARTHEST * height or wide > WIDEST * height):
                break
            yield first, last + 1


def _divided(line: Sequence[PieceGroup], costs: dict[tuple[int, int], float]) -> list[tuple[int, int]]:
    """Return the division of a line that costs least, by dynamic programming."""
    height = max(_height(line), 1.0)
    gaps = [max(0.0, (b.left - a.right) / height) for a, b in pairwise(line)]
    best: list[tuple[float, list[tuple[int, int]]]] = [(0.0, [])]
    for end in range(1, len(line) + 1):
        ways = []
        for (first, after), cost in costs.items():
            if after == end:
                before, spans = best[first]
                within = GAP * sum(gaps[first : after - 1])
                between = GAP * max(0.0, NEXT - gaps[first - 1]) if first else 0.0
                ways.append((before + cost + within + between, [*spans, (first, after)]))
        best.append(min(ways, key=lambda way: way[0]))
    return best[-1][1]


def _word_starts(parts: Sequence[PieceGroup]) -> list[bool]:
    """Return for each character of a line whether it begins a word."""
    height = max(_height(parts), 1.0)
    gaps = [b.left - a.right for a, b in pairwise(parts)]
    usual = float(np.median(gaps)) if len(gaps) > 2 else np.inf
    limit = min(max(WORD * height, usual * 1.5), max(GAPS * usual, 0.5 * height))
    return [True, *(gap > limit for gap in gaps)]
