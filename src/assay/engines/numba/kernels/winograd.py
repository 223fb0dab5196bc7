"""Convolution by 3 x 3 in tiles of 2 x 2 outputs, with 16 multiplications where 36 are usual.

Winograd's minimal filtering F(2 x 2, 3 x 3) (Lavin & Gray 2016, section 4.1): with
d a tile of 4 x 4 inputs, g a kernel of 3 x 3 weights and y 2 x 2 outputs,

    v = B^T d B,   u = G g G^T,   m = sum over channels of u v,   y = A^T m A,

so that each of the 16 positions of a tile is a matrix product of its own. Backward
the gradient of u is the sum over tiles of (A dy A^T) v, and that of g is G^T du G.
Tiles lie ``[16 positions][channel][tile][lane]``.

A table tells where a tile's entries lie: for each its place in the first channel's map,
and a mask for the distance to another channel's, all ones (-1), or none (0) for
entries outside the map, which are the same for all channels.
"""

from typing import Any, Literal

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from assay.engines.numba.kernels.lanes import (
    INDEX,
    Lanes,
    address,
    emit_load,
    emit_splat,
    emit_store,
    kernel,
    kernel_named,
)
from assay.engines.numba.kernels.pairs import emit_pair, emit_rounded
from assay.engines.numba.kernels.tiles import greater, largest

Matrix = tuple[tuple[int, ...], ...]
Rounded = Literal["not", "paired", "narrowed"]
"""How positions are stored: as they are, or in bfloat16, those of two channels in pairs or each by itself."""

INPUT: Matrix = ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1))
"""B^T."""
OUTPUT: Matrix = ((1, 1, 1, 0), (0, 1, -1, -1))
"""A^T."""
GRADIENT: Matrix = tuple(zip(*OUTPUT, strict=True))
"""A."""

ENTRY = 2
"""Numbers in a table for each entry of a tile."""
POSITIONS = 16
"""Products that a tile needs."""


def _combined(builder: Any, coefficients: tuple[int, ...], values: list[Any]) -> Any:
    """Return the sum of the values by coefficients 1, 0 and -1."""
    total = None
    for coefficient, value in zip(coefficients, values, strict=True):
        if coefficient and total is None:
            total = value if coefficient > 0 else builder.fneg(value)
        elif coefficient:
            total = (builder.fadd if coefficient > 0 else builder.fsub)(total, value)
    return total


def _both_sides(builder: Any, matrix: Matrix, values: list[list[Any]]) -> list[list[Any]]:
    """Return matrix values matrix^T."""
    columns = [list(column) for column in zip(*values, strict=True)]
    half = [[_combined(builder, row, column) for column in columns] for row in matrix]
    return [[_combined(builder, row, line) for row in matrix] for line in half]


class _Tile:
    """Where a tile's entries lie in memory, while code is emitted."""

    def __init__(
        self, context: Any, builder: Any, signature: Any, arguments: Any, quarter: bool = False
    ) -> None:
        self.builder, self.lanes = builder, Lanes(signature.args[0].dtype, 4 if quarter else 1)
        self.memory, self.tables = (
            address(context, builder, kind, value, ir.Constant(INDEX, 0))
            for kind, value in zip(signature.args[:2], arguments[:2], strict=True)
        )
        self.table, self.shift, self.start, self.step = arguments[2:6]

    def place(self, number: int) -> Any:
        """Return the pointer to an entry of the table."""
        builder = self.builder
        at = builder.gep(self.tables, [builder.add(self.table, ir.Constant(INDEX, ENTRY * number))])
        way = builder.load(builder.gep(at, [ir.Constant(INDEX, 1)]))
        return builder.gep(self.memory, [builder.add(builder.load(at), builder.and_(self.shift, way))])

    def position(self, number: int) -> Any:
        """Return the pointer to one of the tile's positions."""
        away = self.builder.mul(self.step, ir.Constant(INDEX, number))
        return self.builder.gep(self.memory, [self.builder.add(self.start, away)])

    def loaded(self, pointers: list[Any], side: int) -> list[list[Any]]:
        """Return a square of vectors."""
        values = [emit_load(self.builder, pointer, self.lanes) for pointer in pointers]
        return [values[i : i + side] for i in range(0, len(values), side)]

    def transformed(self, matrix: Matrix, side: int) -> list[Any]:
        """Return matrix tile matrix^T of the tile that the table tells."""
        values = self.loaded([self.place(number) for number in range(side * side)], side)
        return [value for row in _both_sides(self.builder, matrix, values) for value in row]


def gather_tile(matrix: Matrix, rounded: Rounded = "not") -> Any:
    """Return what reads a tile from its map and stores matrix tile matrix^T position by position.

    In pairs, it is that of two channels at once, which lie ``apart``.
    """
    side = len(matrix[0])

    @intrinsic
    def tile(
        typing: Any, memory: Any, tables: Any, table: Any, shift: Any, start: Any, step: Any, apart: Any
    ) -> Any:
        del typing, table, shift, start, step, apart
        return types.void(memory, tables, *[types.intp] * 5), emit

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        work = _Tile(context, builder, signature, arguments)
        results = work.transformed(matrix, side)
        if rounded == "narrowed":
            results = [emit_rounded(builder, value) for value in results]
        elif rounded == "paired":
            work.shift = builder.add(work.shift, arguments[6])
            others = work.transformed(matrix, side)
            results = [emit_pair(builder, *pair) for pair in zip(results, others, strict=True)]
        for number, value in enumerate(results):
            emit_store(builder, value, work.position(number), work.lanes)
        return context.get_dummy_value()

    return tile


def scatter_tile(pool: bool, quarter: bool) -> Any:
    """Return what makes a tile's outputs max(A^T m A + bias, least) of its positions and stores them.

    With ``pool`` only the largest is stored, as `tiles.product_tile` does; with
    ``quarter`` only the first quarter of each vector.
    """

    @intrinsic
    def tile(  # noqa: PLR0917
        typing: Any,
        memory: Any,
        tables: Any,
        table: Any,
        shift: Any,
        start: Any,
        step: Any,
        bias: Any,
        least: Any,
        winner: Any,
    ) -> Any:
        del typing, table, shift, start, step, bias, least, winner
        return types.void(memory, tables, *[types.intp] * 4, memory.dtype, memory.dtype, types.intp), emit

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        work = _Tile(context, builder, signature, arguments, quarter)
        values = work.loaded([work.position(number) for number in range(POSITIONS)], 4)
        bias, least = (emit_splat(builder, number, work.lanes) for number in arguments[6:8])
        outputs = [builder.fadd(y, bias) for row in _both_sides(builder, OUTPUT, values) for y in row]
        if pool:
            best, where = largest(builder, work.lanes, outputs, least)
            emit_store(builder, best, work.place(0), work.lanes)
            emit_store(builder, where, builder.gep(work.place(0), [arguments[8]]), work.lanes)
        else:
            for number, y in enumerate(outputs):
                emit_store(builder, greater(builder, least, y, least, y), work.place(number), work.lanes)
        return context.get_dummy_value()

    return tile


def gather(matrix: Matrix, rounded: Rounded = "not") -> Any:
    """Return a kernel: matrix tile matrix^T of every channel's tiles.

    Call: table, tiles, channels, or pairs of them, a map's size, first position, from position to position,
    from tile to tile.
    """
    tile, entries = gather_tile(matrix, rounded), ENTRY * len(matrix[0]) ** 2
    together, name = 2 if rounded == "paired" else 1, f"gather_{len(matrix[0])}_{rounded}"

    @kernel_named(name)
    def transform(call, tables, memory):
        size = call[4]
        for channel in range(call[3]):
            for number in range(call[2]):
                start, at = call[5] + (channel * call[2] + number) * call[7], call[1] + entries * number
                tile(memory, tables, at, together * channel * size, start, call[6], size)

    return transform


def scatter(pool: bool = False, quarter: bool = False) -> Any:
    """Return a kernel: y = max(A^T m A + bias, least) of every channel's tiles.

    Call: as `gather`, then the first bias, from bias to bias, offset of least, distance from y to winner.
    """
    tile, entries = scatter_tile(pool, quarter), ENTRY * (1 if pool else 4)

    @kernel_named(f"scatter_{pool}_{quarter}")
    def transform(call, tables, memory):
        for channel in range(call[3]):
            for number in range(call[2]):
                start = call[5] + (channel * call[2] + number) * call[7]
                bias, least = memory[call[8] + channel * call[9]], memory[call[10]]
                at = call[1] + entries * number
                tile(memory, tables, at, channel * call[4], start, call[6], bias, least, call[11])

    return transform


@kernel
def _spread(a, b, c):
    """G (a, b, c)."""
    return a, (a + b + c) / 2, (a - b + c) / 2, c


@kernel
def _gathered(a, b, c, d):
    """G^T (a, b, c, d)."""
    return a + (b + c) / 2, (b - c) / 2, (b + c) / 2 + d


@kernel
def _entry(memory, index):
    """Return a number in double precision, so that sums of few are rounded once, when they are stored."""
    return np.float64(memory[index])


@kernel
def weights(call, memory):
    """u = G g G^T for every kernel.

    Call: g, kernels, u, from position to position.
    """
    for number in range(call[2]):
        g, u = call[1] + 9 * number, call[3] + number
        left, middle, right = _column(memory, g), _column(memory, g + 1), _column(memory, g + 2)
        for i in range(4):
            row = _spread(left[i], middle[i], right[i])
            for j in range(4):
                memory[u + (4 * i + j) * call[4]] = row[j]


@kernel
def _column(memory, g):
    """Return G times a column of g."""
    return _spread(_entry(memory, g), _entry(memory, g + 3), _entry(memory, g + 6))


@kernel
def weight_gradient(call, memory):
    """dg = G^T du G for every kernel; called as `weights`, with the gradients."""
    step = call[4]
    for number in range(call[2]):
        g, u = call[1] + 9 * number, call[3] + number
        first, second, third, fourth = (
            _row(memory, u, step),
            _row(memory, u + 4 * step, step),
            _row(memory, u + 8 * step, step),
            _row(memory, u + 12 * step, step),
        )
        for j in range(3):
            column = _gathered(first[j], second[j], third[j], fourth[j])
            for i in range(3):
                memory[g + 3 * i + j] = column[i]


@kernel
def _row(memory, u, step):
    """Return a row of du times G."""
    a, b = _entry(memory, u), _entry(memory, u + step)
    return _gathered(a, b, _entry(memory, u + 2 * step), _entry(memory, u + 3 * step))
