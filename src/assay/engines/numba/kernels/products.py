"""Matrix products over tables of offsets: convolutions, linear layers, and their gradients."""

from typing import Any

from assay.engines.numba.kernels.lanes import kernel_named
from assay.engines.numba.kernels.tiles import COLUMN, ROW, Shape, dot_tile, product_tile


def product(shape: Shape, pool: bool = False) -> Any:
    """Return a kernel: C[m, p] = max(start[m] + sum over k of A[m, k] B[p, k], least).

    Call: row table, rows, column table, columns, k table, ks, offset of least
    (0 for a ReLU, else minus infinity), distance from C to the winners.
    """
    tile = product_tile(shape, pool)
    tile_rows, tile_columns = shape.rows, shape.columns

    @kernel_named(shape.name("pooled" if pool else "product"))
    def multiply(call, tables, memory):
        for p in range(0, call[4], tile_columns):
            for m in range(0, call[2], tile_rows):
                rows, columns = call[1] + ROW * m, call[3] + COLUMN * p
                tile(memory, tables, rows, columns, call[5], call[6], memory[call[7]], call[8])

    return multiply


def dot(shape: Shape) -> Any:
    """Return a kernel: C[m, p] = sum over k and examples of A[m, k] B[p, k].

    Call: row table, rows, column table, columns, k table, ks, whether C is added to.
    """
    tile = dot_tile(shape)
    tile_rows, tile_columns = shape.rows, shape.columns

    @kernel_named(shape.name("dot"))
    def multiply(call, tables, memory):
        for m in range(0, call[2], tile_rows):
            for p in range(0, call[4], tile_columns):
                rows, columns = call[1] + ROW * m, call[3] + COLUMN * p
                tile(memory, tables, rows, columns, call[5], call[6], call[7] != 0)

    return multiply
