"""Register tiles: the inner loops of every product, as LLVM instructions.

A product is C[m, p] = sum over k of A[m, k] B[p, k]. A tile keeps rows x columns
of C in vector registers while k runs, so that each loaded operand is used
several times. Where an operand lies is a sum of two offsets, one of its row or
column and one of k (the block-scatter matrix of Matthews 2018): so one loop
serves linear layers and convolutions of any stride, padding and dilation.

Table entries: a row is (A, C, start), a column (B, C), a k (A, B), where
``memory[start]`` is what the sum starts from, the bias.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from assay.engines.numba.kernels.lanes import (
    INDEX,
    Lanes,
    address,
    emit_call,
    emit_load,
    emit_splat,
    emit_store,
    emit_total,
    vector_type,
)

ROW, COLUMN, K = 3, 2, 2
"""Numbers in a table entry."""


class _Tile:
    """What the tiles share while they are emitted: the tables, the memory, the loop over k."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.builder = builder
        self.lanes = Lanes(signature.args[0].dtype)
        index = ir.Constant(INDEX, 0)
        self.memory = address(context, builder, signature.args[0], arguments[0], index)
        self.tables = address(context, builder, signature.args[1], arguments[1], index)
        self.rows, self.columns, self.ks, self.count = arguments[2:6]

    def entry(self, table: Any, position: int) -> Any:
        """Read a number of a table."""
        pointer = self.builder.gep(self.tables, [self.builder.add(table, ir.Constant(INDEX, position))])
        return self.builder.load(pointer)

    def at(self, offset: Any, pointer: Any = None) -> Any:
        """Return the pointer ``offset`` numbers into the memory, or after ``pointer``."""
        return self.builder.gep(pointer or self.memory, [offset])

    def accumulate(self, starts: list[Any], body: Callable[[list[Any], Any, Any], list[Any]]) -> list[Any]:
        """Run ``body(sums, A offset, B offset)`` for every k and return the last sums."""
        builder = self.builder
        before = builder.block
        loop, after = builder.append_basic_block("k"), builder.append_basic_block("tile")
        builder.cbranch(builder.icmp_signed(">", self.count, ir.Constant(INDEX, 0)), loop, after)
        builder.position_at_end(loop)
        k = builder.phi(INDEX)
        k.add_incoming(ir.Constant(INDEX, 0), before)
        sums = [builder.phi(start.type) for start in starts]
        table = builder.add(self.ks, builder.mul(k, ir.Constant(INDEX, K)))
        results = body(sums, self.entry(table, 0), self.entry(table, 1))
        following = builder.add(k, ir.Constant(INDEX, 1))
        k.add_incoming(following, loop)
        for total, start, result in zip(sums, starts, results, strict=True):
            total.add_incoming(start, before)
            total.add_incoming(result, loop)
        builder.cbranch(builder.icmp_signed("<", following, self.count), loop, after)
        builder.position_at_end(after)
        return [
            self._either(start, before, result, loop) for start, result in zip(starts, results, strict=True)
        ]

    def _either(self, start: Any, before: Any, result: Any, loop: Any) -> Any:
        value = self.builder.phi(start.type)
        value.add_incoming(start, before)
        value.add_incoming(result, loop)
        return value


def product_tile(rows: int, columns: int, pool: bool = False) -> Any:
    """Return C[m, p] = max(start[m] + sum over k of A[m, k] B[p, k], least).

    A is a number, B and C are vectors. With ``pool`` the columns are one
    pooling window: the largest of a row is stored, and ``winner`` further on
    which column it was, the first among equals, or -1 if it was not above least.
    """

    @intrinsic
    def tile(  # noqa: PLR0917
        typing: Any,
        memory: Any,
        tables: Any,
        row_table: Any,
        column_table: Any,
        k_table: Any,
        count: Any,
        least: Any,
        winner: Any,
    ) -> Any:
        del typing, row_table, column_table, k_table, count, least, winner
        signature = types.void(memory, tables, *[types.intp] * 4, memory.dtype, types.intp)
        return signature, emit

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        work = _Tile(context, builder, signature, arguments)
        a = [work.at(work.entry(work.rows, ROW * m)) for m in range(rows)]
        b = [work.at(work.entry(work.columns, COLUMN * p)) for p in range(columns)]

        def multiply(sums: list[Any], a_offset: Any, b_offset: Any) -> list[Any]:
            vectors = [emit_load(builder, work.at(b_offset, pointer), work.lanes) for pointer in b]
            results = []
            for m in range(rows):
                number = emit_splat(builder, builder.load(work.at(a_offset, a[m])), work.lanes)
                for p in range(columns):
                    terms = [number, vectors[p], sums[m * columns + p]]
                    results.append(emit_call(builder, "fma", terms, work.lanes))
            return results

        starts = [builder.load(work.at(work.entry(work.rows, ROW * m + 2))) for m in range(rows)]
        sums = [emit_splat(builder, start, work.lanes) for start in starts for _ in range(columns)]
        sums = work.accumulate(sums, multiply)
        finish = _store_largest if pool else _store_all
        for m in range(rows):
            finish(work, m, sums[m * columns : (m + 1) * columns], arguments[6], arguments[7])
        return context.get_dummy_value()

    return tile


def _store_all(work: _Tile, m: int, values: list[Any], least: Any, winner: Any) -> None:
    """Store each of a row's values, or ``least`` where that is more."""
    del winner
    bound = emit_splat(work.builder, least, work.lanes)
    c = work.at(work.entry(work.rows, ROW * m + 1))
    for p, value in enumerate(values):
        pointer = work.at(work.entry(work.columns, COLUMN * p + 1), c)
        emit_store(work.builder, _greater(work, bound, value, bound, value), pointer, work.lanes)


def _store_largest(work: _Tile, m: int, values: list[Any], least: Any, winner: Any) -> None:
    """Store the largest of a row's values, at least ``least``, and its position."""
    builder = work.builder
    best, where = values[0], ir.Constant(vector_type(work.lanes), [0.0] * work.lanes.count)
    for p, value in enumerate(values[1:], start=1):
        here = ir.Constant(vector_type(work.lanes), [float(p)] * work.lanes.count)
        where = _greater(work, value, best, here, where)
        best = _greater(work, value, best, value, best)
    bound = emit_splat(builder, least, work.lanes)
    nobody = ir.Constant(vector_type(work.lanes), [-1.0] * work.lanes.count)
    where = _greater(work, best, bound, where, nobody)
    pointer = work.at(work.entry(work.columns, 1), work.at(work.entry(work.rows, ROW * m + 1)))
    emit_store(builder, _greater(work, bound, best, bound, best), pointer, work.lanes)
    emit_store(builder, where, work.at(winner, pointer), work.lanes)


def _greater(work: _Tile, a: Any, b: Any, x: Any, y: Any) -> Any:
    """Return where(a > b, x, y); y where a or b is nan."""
    return work.builder.select(work.builder.fcmp_ordered(">", a, b), x, y)


def dot_tile(rows: int, columns: int) -> Any:
    """Return C[m, p] = sum over k and lanes of A[m, k] B[p, k], added to C if so asked.

    A and B are vectors, C is a number.
    """

    @intrinsic
    def tile(
        typing: Any,
        memory: Any,
        tables: Any,
        row_table: Any,
        column_table: Any,
        k_table: Any,
        count: Any,
        accumulate: Any,
    ) -> Any:
        del typing, row_table, column_table, k_table, count, accumulate
        return types.void(memory, tables, *[types.intp] * 4, types.boolean), emit

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        work = _Tile(context, builder, signature, arguments)
        a = [work.at(work.entry(work.rows, ROW * m)) for m in range(rows)]
        b = [work.at(work.entry(work.columns, COLUMN * p)) for p in range(columns)]

        def multiply(sums: list[Any], a_offset: Any, b_offset: Any) -> list[Any]:
            left = [emit_load(builder, work.at(a_offset, pointer), work.lanes) for pointer in a]
            results: list[Any] = [None] * (rows * columns)
            for p in range(columns):
                right = emit_load(builder, work.at(b_offset, b[p]), work.lanes)
                for m in range(rows):
                    terms = [left[m], right, sums[m * columns + p]]
                    results[m * columns + p] = emit_call(builder, "fma", terms, work.lanes)
            return results

        zero = ir.Constant(vector_type(work.lanes), [0.0] * work.lanes.count)
        sums = work.accumulate([zero] * (rows * columns), multiply)
        pointers = [
            work.at(work.entry(work.columns, COLUMN * p + 1), work.at(work.entry(work.rows, ROW * m + 1)))
            for m in range(rows)
            for p in range(columns)
        ]
        # All are read before any is written: a row that fills up the tile is the last one again.
        nothing = ir.Constant(zero.type.element, 0.0)
        before = [builder.select(arguments[6], builder.load(pointer), nothing) for pointer in pointers]
        for value, pointer, addend in zip(sums, pointers, before, strict=True):
            builder.store(builder.fadd(addend, emit_total(builder, value, work.lanes)), pointer)
        return context.get_dummy_value()

    return tile
