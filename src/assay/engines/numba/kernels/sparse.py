"""Products with a matrix that is mostly zeros, the pixels of characters, without the terms that are zero.

C[m] = start + sum over k of A[m, k] B[k], where B[k] and C[m] are rows of vectors. Which A[m, k] are not
zero is noted in words of 64 bits (`bits`), one bit for each k, and a row's sum goes from bit to bit. All rows
take the terms of one word before those of the next, so that the 64 rows of B that it names stay in the cache.

No bit of the result depends on it: c + 0 b is c for any finite b, so leaving such a term out changes
nothing but the sign of a sum that is zero, and every product ends by adding a zero to it (`tiles.finished`).
Where B has an entry that is not finite, 0 b is nan; so `finite` looks, and the product takes all terms then.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from assay.engines.numba.kernels.bits import BITS, read_word
from assay.engines.numba.kernels.lanes import (
    FMA,
    INDEX,
    emit_call,
    emit_splat,
    fill,
    fma,
    kernel,
    kernel_named,
    load,
    read,
    total,
)
from assay.engines.numba.kernels.tiles import ROW, Shape, finished
from assay.engines.numba.kernels.vector_rows import number, rows_in

NO_LEAST = 1
"""Where memory holds minus infinity."""


@kernel
def finite(call, memory):
    """Note 1, 0 if that is noted already and all numbers are finite, else 0, 1.

    Call: where it is noted, numbers, how many, lanes, where to note.
    """
    zero, good = fill(memory, 0.0), memory[call[1]] != 0
    if good:
        sums = zero, zero, zero, zero  # four, so that none waits for the one before
        stop = call[2] + call[3]
        some = stop - call[3] % (4 * call[4])
        for i in range(call[2], some, 4 * call[4]):
            sums = (
                fma(load(memory, i), zero, sums[0]),
                fma(load(memory, i + call[4]), zero, sums[1]),
                fma(load(memory, i + 2 * call[4]), zero, sums[2]),
                fma(load(memory, i + 3 * call[4]), zero, sums[3]),
            )
        rest = sums[0] + sums[1] + (sums[2] + sums[3])
        for i in range(some, stop, call[4]):
            rest = fma(load(memory, i), zero, rest)
        good = total(rest) == 0
    memory[call[5]], memory[call[5] + 1] = (1, 0) if good else (0, 1)


def _row_tile(columns: int) -> Any:
    """Return C[p] = max(origin[p] + sum over k of A[k] B[k, p], least) over the k whose bits are set.

    A[k] lies ``far`` apart for every vector's worth of k, and ``near`` within them; B[k] ``step`` apart.
    """

    @intrinsic
    def tile(  # noqa: PLR0917
        typing: Any,
        memory: Any,
        bits: Any,
        a: Any,
        far: Any,
        near: Any,
        b: Any,
        step: Any,
        origin: Any,
        target: Any,
        least: Any,
    ) -> Any:
        del typing, bits, a, far, near, b, step, origin, target, least
        return types.void(memory, types.int64, *[types.intp] * 7, memory.dtype), emit

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, bits, a, far, near, b, step, origin, target, least = arguments
        rows = rows_in(context, builder, signature.args[0], memory, columns)

        def added(sums: list[Any], k: Any) -> list[Any]:
            block = builder.lshr(k, number(rows.lanes.count.bit_length() - 1))
            inside = builder.and_(k, number(rows.lanes.count - 1))
            place = builder.add(builder.mul(block, far), builder.mul(inside, near))
            x = emit_splat(builder, builder.load(rows.at(builder.add(a, place))), rows.lanes)
            factors = rows.loaded(builder.add(b, builder.mul(k, step)))
            return [
                emit_call(builder, FMA, [x, factor, each], rows.lanes)
                for factor, each in zip(factors, sums, strict=True)
            ]

        sums = _over_bits(builder, bits, [*rows.loaded(origin)], added)
        bound = emit_splat(builder, least, rows.lanes)
        rows.store(target, [finished(builder, each, bound) for each in sums])
        return context.get_dummy_value()

    return tile


def _over_bits(builder: Any, bits: Any, starts: list[Any], body: Any) -> list[Any]:
    """Run ``body(sums, k)`` for every k whose bit is set, from the lowest on, and return the last sums."""
    before, zero = builder.block, ir.Constant(INDEX, 0)
    loop, after = builder.append_basic_block("bit"), builder.append_basic_block("row")
    builder.cbranch(builder.icmp_signed("!=", bits, zero), loop, after)
    builder.position_at_end(loop)
    left, sums = builder.phi(INDEX), [builder.phi(start.type) for start in starts]
    results = body(sums, builder.cttz(left, ir.Constant(ir.IntType(1), 1)))
    following = builder.and_(left, builder.sub(left, ir.Constant(INDEX, 1)))
    builder.cbranch(builder.icmp_signed("!=", following, zero), loop, after)
    for phi, first, next_one in zip([left, *sums], [bits, *starts], [following, *results], strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(next_one, loop)
    builder.position_at_end(after)
    ends = [builder.phi(start.type) for start in starts]
    for end, start, result in zip(ends, starts, results, strict=True):
        end.add_incoming(start, before)
        end.add_incoming(result, loop)
    return ends


def sparse_product(shape: Shape) -> Any:
    """Return a kernel: C[m] = max(start[m] + sum over k of A[m, k] B[k], least), where bits are set.

    Call: row table, rows, words, rows from one word to the next, words for a row, how far A lies from
    vector to vector of k, and within, B, how far its rows lie apart, their vectors, offset of least, lanes.
    """
    tile, columns = _row_tile(shape.columns), shape.columns

    @kernel_named(shape.name("sparse"))
    def multiply(call, tables, memory):
        lanes = call[12]
        for first in range(0, call[10], columns):
            column = min(first, call[10] - columns) * lanes
            for word in range(call[5]):
                a, b = BITS // lanes * word * call[6], call[8] + BITS * word * call[9] + column
                last = word == call[5] - 1
                least = memory[call[11]] if last else memory[NO_LEAST]
                for m in range(call[2]):
                    bits = read_word(memory, call[3], word * call[4] + m)
                    if bits or last or not word:
                        row = call[1] + ROW * m
                        c = read(tables, row + 1) + column
                        origin = c if word else read(tables, row + 2) + column
                        x = read(tables, row) + a
                        tile(memory, bits, x, call[6], call[7], b, call[9], origin, c, least)

    return multiply
