"""Which register tiles products come in: a matter of how many vector registers the processor has.

A tile takes a register for each sum, one for each of its columns, and one for a row's number: with
32 registers that leaves room for 25 sums of 5 x 5, with 16 for 12 of 6 x 2 or 4 x 3. One more and
a sum goes to memory and back at every k, which costs more than all that a larger tile saves.
"""

from typing import NamedTuple

from assay.engines.numba.kernels.tiles import Shape
from assay.engines.numba_registers import REGISTERS, RegisterFile

Shapes = tuple[Shape, ...]


class Tiles(NamedTuple):
    """The shapes that there are, of which a product takes the one that wastes least.

    Those of ``ending_in_quarter`` are for a last column of which a quarter matters, ``quarters`` where
    that is so of all, and so are ``pooled_quarters`` and ``dot_quarters``.
    """

    products: Shapes
    ending_in_quarter: Shapes
    quarters: Shapes
    pooled: Shapes
    pooled_quarters: Shapes
    dots: Shapes
    dot_quarters: Shapes

    @property
    def paired(self) -> "Tiles":
        """Those of the same shapes for factors of bfloat16."""
        return Tiles(*(tuple(shape._replace(pairs=True) for shape in shapes) for shapes in self))


OF_32 = Tiles(
    products=(Shape(8, 1), Shape(8, 3), Shape(6, 4), Shape(5, 5), Shape(4, 6), Shape(3, 7)),
    ending_in_quarter=(Shape(3, 7, quarters=1),),
    quarters=(Shape(5, 5, quarters=5),),
    pooled=(Shape(5, 4),),
    pooled_quarters=(Shape(5, 4, quarters=4),),
    dots=(Shape(1, 9), Shape(3, 9), Shape(5, 5)),
    dot_quarters=(Shape(5, 5, quarters=5),),
)
PAIRED_OF_32 = Tiles(
    products=(Shape(8, 3), Shape(6, 4), Shape(5, 5), Shape(3, 7)),
    ending_in_quarter=(Shape(3, 7, quarters=1),),
    quarters=(Shape(5, 5, quarters=5),),
    pooled=(Shape(5, 4),),
    pooled_quarters=(Shape(5, 4, quarters=4),),
    dots=(Shape(3, 9), Shape(5, 5)),
    dot_quarters=(Shape(5, 5, quarters=5),),
).paired
OF_16 = Tiles(
    products=(Shape(12, 1), Shape(4, 3), Shape(6, 2), Shape(3, 4), Shape(2, 5), Shape(5, 2)),
    ending_in_quarter=(),
    quarters=(Shape(2, 5, quarters=5),),
    pooled=(Shape(2, 4),),
    pooled_quarters=(Shape(2, 4, quarters=4),),
    dots=(Shape(1, 8), Shape(2, 5), Shape(3, 4)),
    dot_quarters=(Shape(2, 5, quarters=5),),
)


def tiles_for(registers: RegisterFile, pairs: bool) -> Tiles:
    """Return the tiles for a register file, with ``pairs`` those of bfloat16."""
    if registers.count < 32:
        return OF_16.paired if pairs else OF_16
    return PAIRED_OF_32 if pairs else OF_32


PLAIN, PAIRED = (tiles_for(REGISTERS, pairs) for pairs in (False, True))
