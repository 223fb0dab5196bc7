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
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from assay.engines.numba.kernels.lanes import (
    FMA,
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
from assay.engines.numba.kernels.pairs import emit_multiply

ROW, COLUMN, K = 3, 2, 2
"""Numbers in a table entry."""
SIDES = 2**5
"""More than a tile has rows or columns."""
LATENCY = 10
"""How many multiplications take as long as one sum is busy with its own: a tile of fewer sums waits.

With AVX2 each multiplication in a tile of 2 x 4 took 12% longer than in one of 3 x 4.
"""


class Shape(NamedTuple):
    """How many rows and columns of a product one register tile holds.

    The last ``quarters`` columns are quarters of vectors: examples beyond whole
    vectors cost a quarter, or half, of what a vector of mostly nothing would.
    With ``pairs`` operands are of bfloat16, and each k stands for two terms (`pairs`).
    """

    rows: int
    columns: int
    quarters: int = 0
    pairs: bool = False

    def name(self, kind: str) -> str:
        """Return a name for what is made of it."""
        return f"{kind}_{self.rows}x{self.columns}_{self.quarters}_{self.pairs}"

    @property
    def number(self) -> int:
        """A number that tells the shape; `numbered` reads it."""
        return self.rows + SIDES * (self.columns + SIDES * (self.quarters + SIDES * self.pairs))

    @classmethod
    def numbered(cls, number: int) -> "Shape":
        """Return the shape of this number."""
        rest, rows = divmod(number, SIDES)
        rest, columns = divmod(rest, SIDES)
        pairs, quarters = divmod(rest, SIDES)
        return cls(rows, columns, quarters, bool(pairs))

    @property
    def cycles(self) -> int:
        """What a tile takes for each k, in the time of a multiplication or a load: whichever are more."""
        return max(self.rows * self.columns + 1, self.loads + 2, LATENCY)

    @property
    def loads(self) -> int:
        """What a tile loads for each k, apart from the two offsets."""
        return self.rows + self.columns

    def tiles(self, rows: int, columns: int) -> int:
        """Return how many tiles cover this many rows and columns."""
        return -(-rows // self.rows) * -(-columns // self.columns)

    def widths(self, dtype: types.Float) -> list[Lanes]:
        """Return each column's type."""
        whole = self.columns - self.quarters
        return [Lanes(dtype)] * whole + [Lanes(dtype, 4)] * self.quarters

    def each(
        self, row: Callable[[int], Any], column: Callable[[int], Any], term: Callable[..., Any]
    ) -> list[Any]:
        """Return ``term(row, column, m, p)`` for every row m and column p, row by row.

        Of the two the fewer are held and the others loaded in turn, which takes the fewest registers.
        """
        found: dict[tuple[int, int], Any] = {}
        if self.columns <= self.rows:
            columns = [column(p) for p in range(self.columns)]
            for m in range(self.rows):
                loaded = row(m)
                found |= {(m, p): term(loaded, held, m, p) for p, held in enumerate(columns)}
        else:
            rows = [row(m) for m in range(self.rows)]
            for p in range(self.columns):
                loaded = column(p)
                found |= {(m, p): term(held, loaded, m, p) for m, held in enumerate(rows)}
        return [found[m, p] for m in range(self.rows) for p in range(self.columns)]

    def multiply(self, builder: Any, a: Any, b: Any, c: Any, lanes: Lanes) -> Any:
        """Return a b + c of vectors."""
        return emit_multiply(builder, a, b, c) if self.pairs else emit_call(builder, FMA, [a, b, c], lanes)


class _Tile:
    """What the tiles share while they are emitted: the tables, the memory, the loop over k."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.builder = builder
        self.dtype = signature.args[0].dtype
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


def product_tile(shape: Shape, pool: bool = False) -> Any:
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
        widths, rows = shape.widths(work.dtype), range(shape.rows)
        a = [work.at(work.entry(work.rows, ROW * m)) for m in rows]
        b = [work.at(work.entry(work.columns, COLUMN * p)) for p in range(shape.columns)]

        def multiply(sums: list[Any], a_offset: Any, b_offset: Any) -> list[Any]:
            def number(m: int) -> Any:
                return builder.load(work.at(a_offset, a[m]))

            def vector(p: int) -> Any:
                return emit_load(builder, work.at(b_offset, b[p]), widths[p])

            def term(number: Any, vector: Any, m: int, p: int) -> Any:
                spread = emit_splat(builder, number, widths[p])
                return shape.multiply(builder, spread, vector, sums[m * shape.columns + p], widths[p])

            return shape.each(number, vector, term)

        starts = [builder.load(work.at(work.entry(work.rows, ROW * m + 2))) for m in rows]
        sums = [emit_splat(builder, start, lanes) for start in starts for lanes in widths]
        sums = work.accumulate(sums, multiply)
        finish = _store_largest if pool else _store_all
        for m in rows:
            row = sums[m * shape.columns : (m + 1) * shape.columns]
            finish(work, widths, m, row, *arguments[6:8])
        return context.get_dummy_value()

    return tile


def _store_all(work: _Tile, widths: list[Lanes], m: int, values: list[Any], least: Any, winner: Any) -> None:
    """Store each of a row's values, or ``least`` where that is more."""
    del winner
    c = work.at(work.entry(work.rows, ROW * m + 1))
    for p, (value, lanes) in enumerate(zip(values, widths, strict=True)):
        bound = emit_splat(work.builder, least, lanes)
        pointer = work.at(work.entry(work.columns, COLUMN * p + 1), c)
        emit_store(work.builder, finished(work.builder, value, bound), pointer, lanes)


def finished(builder: Any, value: Any, least: Any) -> Any:
    """Return a sum as it is stored: at least ``least``, and never -0, so that terms of 0 do not matter."""
    value = builder.fadd(value, ir.Constant(value.type, [0.0] * value.type.count))
    return greater(builder, least, value, least, value)


def _store_largest(
    work: _Tile, widths: list[Lanes], m: int, values: list[Any], least: Any, winner: Any
) -> None:
    """Store the largest of a row's values, at least ``least``, and its position."""
    builder, lanes = work.builder, widths[0]
    best, where = largest(builder, lanes, values, emit_splat(builder, least, lanes))
    pointer = work.at(work.entry(work.columns, 1), work.at(work.entry(work.rows, ROW * m + 1)))
    emit_store(builder, best, pointer, lanes)
    emit_store(builder, where, work.at(winner, pointer), lanes)


def largest(builder: Any, lanes: Lanes, values: list[Any], least: Any) -> tuple[Any, Any]:
    """Return the largest value and its number, the first among equals, or ``least`` and -1."""
    best, where = values[0], constant(lanes, 0)
    for number, value in enumerate(values[1:], start=1):
        where = greater(builder, value, best, constant(lanes, number), where)
        best = greater(builder, value, best, value, best)
    where = greater(builder, best, least, where, constant(lanes, -1))
    return greater(builder, least, best, least, best), where


def constant(lanes: Lanes, value: float) -> Any:
    """Return a number in every lane."""
    return ir.Constant(vector_type(lanes), [float(value)] * lanes.count)


def greater(builder: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
    """Return where(a > b, x, y); y where a or b is nan."""
    return builder.select(builder.fcmp_ordered(">", a, b), x, y)


def dot_tile(shape: Shape) -> Any:
    """Return C[m, p] = sum over k and lanes of A[m, k] B[p, k], added to C if so asked.

    A and B are vectors, C is a number. Of bfloat16 a vector takes half of a
    register, or a quarter.
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
        lanes, rows, columns = _dotted(shape, work.dtype), range(shape.rows), range(shape.columns)
        a = [work.at(work.entry(work.rows, ROW * m)) for m in rows]
        b = [work.at(work.entry(work.columns, COLUMN * p)) for p in columns]

        def multiply(sums: list[Any], a_offset: Any, b_offset: Any) -> list[Any]:
            def left(m: int) -> Any:
                return emit_load(builder, work.at(a_offset, a[m]), lanes)

            def right(p: int) -> Any:
                return emit_load(builder, work.at(b_offset, b[p]), lanes)

            def term(left: Any, right: Any, m: int, p: int) -> Any:
                return shape.multiply(builder, left, right, sums[m * shape.columns + p], lanes)

            return shape.each(left, right, term)

        sums = work.accumulate([constant(lanes, 0)] * (shape.rows * shape.columns), multiply)
        pointers = [
            work.at(work.entry(work.columns, COLUMN * p + 1), work.at(work.entry(work.rows, ROW * m + 1)))
            for m in rows
            for p in columns
        ]
        # All are read before any is written: a row that fills up the tile is the last one again.
        nothing = ir.Constant(sums[0].type.element, 0.0)
        before = [builder.select(arguments[6], builder.load(pointer), nothing) for pointer in pointers]
        for value, pointer, addend in zip(sums, pointers, before, strict=True):
            builder.store(builder.fadd(addend, emit_total(builder, value, lanes)), pointer)
        return context.get_dummy_value()

    return tile


def _dotted(shape: Shape, dtype: types.Float) -> Lanes:
    """Return the type of vectors over whose lanes a sum goes."""
    return Lanes(dtype, 4 if shape.quarters else 2) if shape.pairs else shape.widths(dtype)[0]
