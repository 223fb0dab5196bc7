"""Operands of a product as arrays of offsets: where each row, column and term lies."""

from typing import NamedTuple

import numpy as np

from assay.engines.numba.blueprint import Blueprint
from assay.engines.numba.calls import AFTER, Call, at, call
from assay.engines.numba.covering import Piece, cover
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.tiles import Shape
from assay.engines.numba.kernels.tilesets import PAIRED, PLAIN, Shapes, TileSet, quarters
from assay.engines.numba.layout import MINUS_INFINITY, ZERO, Maps, Offsets

NO_BIAS = np.asarray(ZERO)
"""Where a product starts that has no bias."""


class Operands(NamedTuple):
    """C[m, p] = sum over k of A[m, k] B[p, k]: each offset is the sum of two of these."""

    a_rows: Offsets
    c_rows: Offsets
    starts: Offsets
    b_columns: Offsets
    c_columns: Offsets
    a_ks: Offsets
    b_ks: Offsets

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many rows, columns and terms."""
        return self.a_rows.size, self.b_columns.size, self.a_ks.size

    def part(self, part: Piece) -> "Operands":
        """Return some rows and columns."""
        rows, columns = slice(*part.rows), slice(*part.columns)
        return self._replace(
            a_rows=self.a_rows.ravel()[rows],
            c_rows=self.c_rows.ravel()[rows],
            starts=self.starts[rows] if self.starts.ndim else self.starts,
            b_columns=self.b_columns.ravel()[columns],
            c_columns=self.c_columns.ravel()[columns],
        )


def matrices(a: Offsets, b: Offsets, c: Offsets, starts: Offsets = NO_BIAS) -> Operands:
    """Return the operands of C = A B, of where each entry of the three matrices lies."""
    return Operands(
        a_rows=a[:, 0],
        c_rows=from_first(c[:, 0]),
        starts=starts,
        b_columns=b[0],
        c_columns=c[0],
        a_ks=from_first(a[0]),
        b_ks=from_first(b[:, 0]),
    )


def _tiles(plan: Blueprint) -> TileSet:
    return PAIRED if plan.pairs else PLAIN


def product_calls(
    plan: Blueprint, operands: Operands, relu: bool = False, quarter: bool = False
) -> list[Call]:
    """Return the calls of a product, with the register tiles that waste least.

    With ``quarter``, no more than the first quarter of the last column's vector matters.
    """
    tiles = _tiles(plan)
    ending = tuple(shape for shape in tiles.ending if shape.columns == operands.b_columns.size)
    shapes = ending if quarter and ending else tiles.products
    return _product(plan, shapes, operands, relu)


def quarters_calls(plan: Blueprint, operands: Operands, relu: bool = False) -> list[Call]:
    """Return the calls of a product, of which no more than the first quarter of every vector matters."""
    return _product(plan, quarters(_tiles(plan).products), operands, relu)


def pooled_calls(plan: Blueprint, operands: Operands, relu: bool, winner: int, quarter: bool) -> list[Call]:
    """Return the calls of a product whose columns are pooled by four; winners lie ``winner`` away."""
    shapes = quarters(_tiles(plan).pooled) if quarter else _tiles(plan).pooled
    return _product(plan, shapes, operands, relu, Kernel.PRODUCT_POOLED, winner)


def dot_calls(plan: Blueprint, operands: Operands, accumulate: bool, quarter: bool) -> list[Call]:
    """Return the calls of a product whose operands are both vectors; it may add to what is there.

    Each row tile goes over all columns, which are therefore to be the operand that takes less room.
    """
    shapes = quarters(_tiles(plan).dots) if quarter else _tiles(plan).dots
    if _room(operands.a_rows, operands.a_ks) < _room(operands.b_columns, operands.b_ks):
        operands = _turned(operands)
    return _calls(plan, Kernel.DOT, shapes, operands, accumulate)


def _room(*offsets: Offsets) -> int:
    """Return how far the entries of an operand lie apart at most."""
    return int(sum(np.ptp(part) for part in offsets))


def _turned(operands: Operands) -> Operands:
    """Return the operands of C^T = B^T A^T."""
    a, b = (operands.a_rows, operands.a_ks), (operands.b_columns, operands.b_ks)
    rows, columns = operands.c_rows, operands.c_columns
    return Operands(
        a_rows=b[0],
        c_rows=from_first(columns),
        starts=NO_BIAS,
        b_columns=a[0],
        c_columns=columns.flat[0] + rows,
        a_ks=b[1],
        b_ks=a[1],
    )


def _product(
    plan: Blueprint,
    shapes: Shapes,
    operands: Operands,
    relu: bool,
    kernel: Kernel = Kernel.PRODUCT,
    winner: int = 0,
) -> list[Call]:
    return _calls(plan, kernel, shapes, operands, ZERO if relu else MINUS_INFINITY, winner)


def _calls(plan: Blueprint, kernel: Kernel, shapes: Shapes, operands: Operands, *ending: int) -> list[Call]:
    """Return a call for each part of the cover, with the ``ending`` of its arguments."""
    return [
        call(kernel, *_tables(plan, operands.part(part), part.shape), *ending, shape=part.shape)
        for part in cover(shapes, *operands.sizes)
    ]


def _tables(plan: Blueprint, operands: Operands, shape: Shape) -> list[int]:
    """Write the tables; the last row and column are repeated until they fill a tile."""
    rows = _filled(shape.rows, operands.a_rows, operands.c_rows, operands.starts)
    columns = _filled(shape.columns, operands.b_columns, operands.c_columns)
    ks = _filled(1, operands.a_ks, operands.b_ks)
    return [
        number
        for entries, size in ((rows, operands.a_rows.size), (columns, operands.b_columns.size), (ks, len(ks)))
        for number in (plan.table(entries), size)
    ]


def _filled(multiple: int, *parts: Offsets) -> Offsets:
    """Return the parts side by side, the last row repeated up to a multiple."""
    size = parts[0].size
    entries = np.empty((size + -size % multiple, len(parts)), np.int64)
    for column, part in enumerate(parts):
        entries[:size, column] = part.ravel()
    entries[size:] = entries[size - 1 : size]
    return entries


def from_first(offsets: Offsets) -> Offsets:
    """Return how far each lies from the first."""
    return offsets - offsets.flat[0]


def bias_update(plan: Blueprint, name: str, dy: Maps, winner: int = 0) -> list[Call]:
    """db = sum of dy over examples and positions, and the step; winners lie ``winner`` after dy."""
    grad = plan.gradient(name)
    sizes = (dy.shape[0], dy.blocks, dy.plane_size, dy.lanes)
    summed = call(Kernel.BIAS_GRADIENT, dy.start, *sizes, grad[0], winner)
    return [*at(AFTER, [summed]), *plan.update(name, grad)]
