"""Which register tiles products use: it depends on how many vector registers the processor has.

A tile takes a register for each sum, for each of its rows or of its columns, whichever are fewer, and one for
what is loaded in turn (`Shape.each`); 32 registers hold 25 sums of 5 x 5, 16 hold 12 of 6 x 2 or 4 x 3. With
one more, a sum goes to memory and back at every k, which costs more than a larger tile saves.
And it takes a pointer for each row and each column, of which more than 11 do not stay in registers either;
with 24 sums of 8 x 3 it was one too many for LLVM.

Of the shapes that fit, these have the most sums for their loads, or leave nothing over where the sides
of usual products end; which of them a product takes is a matter of its size (`covering`).
"""

from typing import NamedTuple

from assay.engines.numba.kernels.tiles import Shape
from assay.engines.registers import REGISTERS, RegisterFile

Shapes = tuple[Shape, ...]

POINTERS = 11
"""Rows and columns together, for which a 64-bit processor with 16 registers for integers has room."""


class TileSet(NamedTuple):
    """The shapes for products, for those whose columns are pooled by four, and for sums over lanes.

    Those of ``ending`` are for products of as many columns, of the last of which a quarter matters.
    """

    products: Shapes
    pooled: Shapes
    dots: Shapes
    ending: Shapes = ()

    def paired(self) -> "TileSet":
        """Return the same shapes for factors of bfloat16."""
        return TileSet(*(tuple(shape._replace(pairs=True) for shape in shapes) for shapes in self))


def _shapes(text: str) -> Shapes:
    """Return shapes from ``6x2 4x3``."""
    sides = (word.split("x") for word in text.split())
    return tuple(Shape(int(rows), int(columns)) for rows, columns in sides)


OF_16 = TileSet(
    products=_shapes("6x2 4x3 3x4 2x6 5x2 2x5 4x2 2x4 10x1 5x1 1x8 1x4"),
    pooled=_shapes("3x4 2x4 1x4"),
    dots=_shapes("4x3 3x4 2x6 5x2 2x5 2x4 1x10 1x8 1x5"),
)
OF_32 = TileSet(
    products=_shapes("6x4 5x5 4x6 3x7 7x3 5x4 4x5 4x4 8x2 2x8 5x2 2x5 8x1 4x1"),
    pooled=_shapes("6x4 5x4 4x4 3x4 2x4 1x4"),
    dots=_shapes("5x5 2x5 1x9 1x5"),
    ending=(Shape(3, 7, quarters=1),),
)


def tiles_for(registers: RegisterFile, pairs: bool = False) -> TileSet:
    """Return the tiles for a register file, with ``pairs`` those of bfloat16."""
    found = OF_16 if registers.count < 32 else OF_32
    return found.paired() if pairs else found


def quarters(shapes: Shapes) -> Shapes:
    """Return the same shapes for columns of which no more than a quarter matters."""
    return tuple(shape._replace(quarters=shape.columns) for shape in shapes)


PLAIN, PAIRED = (tiles_for(REGISTERS, pairs) for pairs in (False, True))
