"""Which register tiles cover a product: rows and columns may be cut, and every part uses its best tile.

A tile that reaches beyond a product wastes multiplications: 5 rows in tiles of 3 make 6. Cut into 3 and 2
they make 5, at the price of one more call.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from assay.engines.numba.kernels.tiles import Shape
from assay.engines.numba.kernels.tilesets import Shapes

CALL, TILE = 120, 30
"""What a call costs, and a tile to begin and end, in multiplications of vectors."""
TWICE = 1.05
"""The relative cost of reading operands twice: a cut has to save more."""
KEPT = 2**12


class Piece(NamedTuple):
    """Some rows and columns of a product, those from a start up to a stop, and the tile that they take."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    shape: Shape


class Cover(NamedTuple):
    """What a cover costs, and its parts."""

    cost: int
    parts: tuple[Piece, ...]

    def beside(self, other: "Cover") -> "Cover":
        """Return the two combined; what they share is read twice."""
        return Cover(int(TWICE * (self.cost + other.cost)), self.parts + other.parts)


@lru_cache(KEPT)
def cover(shapes: Shapes, rows: int, columns: int, ks: int) -> tuple[Piece, ...]:
    """Return the cheapest cover of a product with this many rows, columns and terms."""
    whole = (0, rows), (0, columns)
    found = [_by_rows(shapes, *whole, ks)]
    for cut in set(_cuts(columns, [shape.columns for shape in shapes])):
        left, right = (_by_rows(shapes, (0, rows), part, ks) for part in ((0, cut), (cut, columns)))
        found.append(left.beside(right))
    return min(found).parts


def _by_rows(shapes: Shapes, rows: tuple[int, int], columns: tuple[int, int], ks: int) -> Cover:
    """Cover by tiles of one shape, or of two, one above the other."""
    start, stop = rows
    found = [_at_once(shapes, rows, columns, ks)]
    for cut in set(_cuts(stop - start, [shape.rows for shape in shapes])):
        parts = (start, start + cut), (start + cut, stop)
        above, below = (_at_once(shapes, part, columns, ks) for part in parts)
        found.append(above.beside(below))
    return min(found)


def _at_once(shapes: Shapes, rows: tuple[int, int], columns: tuple[int, int], ks: int) -> Cover:
    """Cover by tiles of the single shape that wastes least; among equals, the one that loads least."""
    sizes = rows[1] - rows[0], columns[1] - columns[0]
    costs = ((shape.tiles(*sizes) * (shape.cycles * ks + TILE), shape.loads, shape) for shape in shapes)
    cost, _, shape = min(costs)
    return Cover(CALL + cost, (Piece(rows, columns, shape),))


def _cuts(size: int, sides: list[int]) -> Iterator[int]:
    """Yield where whole tiles may end, with something left over: the last two such places."""
    for side in sides:
        last = (size - 1) // side * side
        yield from (place for place in (last, last - side) if place > 0)
