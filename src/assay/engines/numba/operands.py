"""Operands of a product as arrays of offsets: where each row, column and term lies."""

from typing import NamedTuple

import numpy as np

from assay.engines.numba.kernels.products import Shape, best_shape
from assay.engines.numba.kernels.program import DOTS, POOLED, PRODUCTS, Kernel
from assay.engines.numba.layout import MINUS_INFINITY, ZERO, Maps, Offsets
from assay.engines.numba.plan import Call, Plan, call

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


def product_call(plan: Plan, operands: Operands, relu: bool = False) -> Call:
    """Return the call of a product, with the register tile that wastes least."""
    shape = best_shape(PRODUCTS, operands.a_rows.size, operands.b_columns.size)
    least = ZERO if relu else MINUS_INFINITY
    return call(PRODUCTS[shape], *_tables(plan, operands, shape), least, 0)


def pooled_call(plan: Plan, operands: Operands, relu: bool, winner: int) -> Call:
    """Return the call of a product whose columns are pooled by four; winners lie ``winner`` away."""
    least = ZERO if relu else MINUS_INFINITY
    return call(Kernel.PRODUCT_POOLED, *_tables(plan, operands, POOLED), least, winner)


def dot_call(plan: Plan, operands: Operands, accumulate: bool = False) -> Call:
    """Return the call of a product whose operands are both vectors; it may add to what is there."""
    shape = best_shape(DOTS, operands.a_rows.size, operands.b_columns.size)
    return call(DOTS[shape], *_tables(plan, operands, shape), accumulate)


def _tables(plan: Plan, operands: Operands, shape: Shape) -> list[int]:
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
    entries = np.stack([np.broadcast_to(part.ravel(), parts[0].size) for part in parts], axis=1)
    return np.pad(entries, ((0, -len(entries) % multiple), (0, 0)), mode="edge")


def from_first(offsets: Offsets) -> Offsets:
    """Return how far each lies from the first."""
    return offsets - offsets.flat[0]


def bias_update(plan: Plan, name: str, dy: Maps, winner: int = 0) -> list[Call]:
    """db = sum of dy over examples and positions, and the step; winners lie ``winner`` after dy."""
    grad = plan.gradient(name)
    sizes = (dy.shape[0], dy.blocks, dy.plane_size, dy.lanes)
    return [call(Kernel.BIAS_GRADIENT, dy.start, *sizes, grad[0], winner), plan.update(name, grad)]
