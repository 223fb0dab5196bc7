"""Blocks turned about in registers: pixels into lanes, lanes into rows.

Vectors r0, r1, ... are interleaved, r0[0] r1[0] ... r0[1] r1[1] ..., by
interleaving pairs of them, then pairs of pairs: log2 of their number times.
"""

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
    vector_type,
)
from assay.engines.registers import REGISTERS

PIXELS = 16
"""Pixels of an image that are turned about at once."""
BYTES = ir.VectorType(ir.IntType(8), PIXELS)


def _shuffle(builder: Any, a: Any, b: Any, indices: list[int]) -> Any:
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(indices)), indices))


def _interleave(builder: Any, vectors: list[Any]) -> Any:
    """Return all of them as one vector, the first entry of each first."""
    while len(vectors) > 1:
        half, count = len(vectors) // 2, vectors[0].type.count
        order = [index for i in range(count) for index in (i, count + i)]
        vectors = [_shuffle(builder, vectors[i], vectors[i + half], order) for i in range(half)]
    return vectors[0]


def _parts(builder: Any, vector: Any, count: int) -> list[Any]:
    """Split a vector into stretches of ``count`` entries."""
    empty = ir.Constant(vector.type, ir.Undefined)
    starts = range(0, vector.type.count, count)
    return [_shuffle(builder, vector, empty, list(range(start, start + count))) for start in starts]


def _over_255(builder: Any, level: Any, lanes: Lanes) -> Any:
    """Divide by 255, correctly rounded for 0 to 255: q = x (1/255), then q + (x - 255 q) (1/255)."""
    if not REGISTERS.fused:
        return builder.fdiv(level, emit_splat(builder, ir.Constant(level.type.element, 255.0), lanes))
    inverse, negative = (
        emit_splat(builder, ir.Constant(level.type.element, x), lanes) for x in (1 / 255, -255.0)
    )
    quotient = builder.fmul(level, inverse)
    rest = emit_call(builder, "fma", [quotient, negative, level], lanes)
    return emit_call(builder, "fma", [rest, inverse, quotient], lanes)


@intrinsic
def gather_tile(typing: Any, memory: Any, tables: Any, images: Any, order: Any, at: Any) -> Any:
    """Write x[pixel + j, lane] = images[order[first + lane], pixel + j] / 255 for 16 j; 0 from ``stop`` on.

    ``at`` is (table, pixel, width of an image, first, stop); the j-th vector goes to tables[table + j].
    """
    del typing, at
    lanes = Lanes(memory.dtype)

    def load_row(context: Any, builder: Any, signature: Any, arguments: Any, lane: int) -> Any:
        _, _, images, order, at = arguments
        pixel, width, first, stop = (builder.extract_value(at, i) for i in range(1, 5))
        n = builder.add(first, ir.Constant(INDEX, lane))
        inside = builder.icmp_signed("<", n, stop)
        n = builder.select(inside, n, ir.Constant(INDEX, 0))
        example = builder.load(address(context, builder, signature.args[3], order, n))
        start = builder.add(builder.mul(example, width), pixel)
        pointer = address(context, builder, signature.args[2], images, start)
        row = builder.load(builder.bitcast(pointer, BYTES.as_pointer()))
        row.align = 1
        return builder.select(inside, row, ir.Constant(BYTES, None))

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, tables, *_, at = arguments
        rows = [load_row(context, builder, signature, arguments, lane) for lane in range(lanes.count)]
        for j, level in enumerate(_parts(builder, _interleave(builder, rows), lanes.count)):
            value = _over_255(builder, builder.uitofp(level, vector_type(lanes)), lanes)
            entry = builder.add(builder.extract_value(at, 0), ir.Constant(INDEX, j))
            place = builder.load(address(context, builder, signature.args[1], tables, entry))
            emit_store(builder, value, address(context, builder, signature.args[0], memory, place), lanes)
        return context.get_dummy_value()

    return types.void(memory, tables, images, order, types.UniTuple(types.intp, 5)), emit


def _emit_transposed(
    context: Any,
    builder: Any,
    kind: Any,
    memory: Any,
    sources: list[Any],
    targets: list[Any],
    count: Any = None,
) -> None:
    """Write z[lane, j] = y[j, lane], vectors of y and z lying at these offsets; 0 from j = ``count`` on."""
    lanes = Lanes(kind.dtype)
    rows = [emit_load(builder, address(context, builder, kind, memory, place), lanes) for place in sources]
    if count is not None:
        nothing = ir.Constant(vector_type(lanes), None)
        rows = [builder.select(_below(builder, j, count), row, nothing) for j, row in enumerate(rows)]
    for part, place in zip(_turned(builder, rows), targets, strict=True):
        emit_store(builder, part, address(context, builder, kind, memory, place), lanes)


def _below(builder: Any, number: int, count: Any) -> Any:
    return builder.icmp_signed(">", count, ir.Constant(INDEX, number))


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Return the columns of a square: blocks change places across the diagonal, then blocks within them."""
    distance = len(rows) // 2
    while distance:
        places = range(len(rows))
        for i in (i for i in places if not i & distance):
            a, b = rows[i], rows[i + distance]
            kept = [j if not j & distance else len(rows) + j - distance for j in places]
            moved = [j + distance if not j & distance else len(rows) + j for j in places]
            rows[i], rows[i + distance] = _shuffle(builder, a, b, kept), _shuffle(builder, a, b, moved)
        distance //= 2
    return rows


def _spaced(builder: Any, start: Any, apart: Any, lanes: Lanes) -> list[Any]:
    """Return as many offsets as there are lanes, ``apart`` from each other."""
    numbers = (ir.Constant(INDEX, number) for number in range(lanes.count))
    return [builder.add(start, builder.mul(apart, number)) for number in numbers]


@intrinsic
def transpose_tile(
    typing: Any, memory: Any, source: Any, apart: Any, count: Any, target: Any, row: Any
) -> Any:
    """Write z[lane, j] = y[j, lane] for as many j as there are lanes; 0 from j = ``count`` on.

    The vectors of y begin at ``source``, ``apart`` from each other; those of z at ``target``, ``row`` apart.
    """
    del typing, source, apart, count, target, row
    lanes = Lanes(memory.dtype)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, source, apart, count, target, row = arguments
        sources, targets = _spaced(builder, source, apart, lanes), _spaced(builder, target, row, lanes)
        _emit_transposed(context, builder, signature.args[0], memory, sources, targets, count)
        return context.get_dummy_value()

    return types.void(memory, *[types.intp] * 5), emit


@intrinsic
def transpose_listed_tile(
    typing: Any, memory: Any, tables: Any, source: Any, table: Any, count: Any, target: Any, row: Any
) -> Any:
    """Write the same of vectors that lie where the table says, from ``source`` on."""
    del typing, source, table, count, target, row
    lanes = Lanes(memory.dtype)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, tables, source, table, count, target, row = arguments
        places = _spaced(builder, table, ir.Constant(INDEX, 1), lanes)
        entries = [address(context, builder, signature.args[1], tables, place) for place in places]
        sources = [builder.add(source, builder.load(entry)) for entry in entries]
        targets = _spaced(builder, target, row, lanes)
        _emit_transposed(context, builder, signature.args[0], memory, sources, targets, count)
        return context.get_dummy_value()

    return types.void(memory, tables, *[types.intp] * 5), emit


@intrinsic
def transpose_some_tile(
    typing: Any, memory: Any, source: Any, apart: Any, count: Any, target: Any, row: Any, spare: Any
) -> Any:
    """Write z[j, lane] = y[lane, j] for j below ``count``; the others go to ``spare``."""
    del typing, source, apart, count, target, row, spare
    lanes = Lanes(memory.dtype)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, source, apart, count, target, row, spare = arguments
        targets = [
            builder.select(_below(builder, j, count), place, spare)
            for j, place in enumerate(_spaced(builder, target, row, lanes))
        ]
        sources = _spaced(builder, source, apart, lanes)
        _emit_transposed(context, builder, signature.args[0], memory, sources, targets)
        return context.get_dummy_value()

    return types.void(memory, *[types.intp] * 6), emit
