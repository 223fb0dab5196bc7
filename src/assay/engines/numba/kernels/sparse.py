"""Products with a matrix that is mostly zeros, the pixels of characters, without the terms that are zero.

C[m] = start + sum over k of A[m, k] B[k], where B[k] and C[m] are rows of vectors. Which A[m, k] are not
zero is noted in words of 64 bits, one bit for each k, and a row's sum goes from bit to bit. A word
for 64 k comes before those for the next, all rows of it together, so that the 64 rows of B that it may
take stay in the cache.

No bit of the result depends on it: a c + 0 b is c for any finite b, so leaving such a term out changes
nothing but the sign of a sum that is zero, and every product ends by adding a zero to it (`tiles.finished`).
Where B has an entry that is not finite, 0 b is nan; so `finite` looks, and the product takes all terms then.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from assay.engines.numba.kernels.lanes import (
    FMA,
    INDEX,
    VECTOR_BYTES,
    Lanes,
    address,
    emit_call,
    emit_load,
    emit_splat,
    emit_store,
    fill,
    fma,
    kernel,
    kernel_named,
    load,
    read,
    total,
)
from assay.engines.numba.kernels.tiles import ROW, Shape, finished

BITS = 64
"""Terms that a word is for."""
SAMPLE = 8
"""Examples after which a minibatch may be found to have too few zeros."""
NO_LEAST = 1
"""Where memory holds minus infinity."""


def _word(context: Any, builder: Any, kind: Any, memory: Any, place: tuple[Any, Any]) -> Any:
    """Return a pointer to a word, ``(start, number)``, of those that begin at ``memory[start]``."""
    start, number = place
    words = builder.bitcast(address(context, builder, kind, memory, start), INDEX.as_pointer())
    return builder.gep(words, [number])


@intrinsic
def read_word(typing: Any, memory: Any, start: Any, number: Any) -> Any:
    """Return a word."""
    del typing, start, number

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, *place = arguments
        found = builder.load(_word(context, builder, signature.args[0], memory, place))
        found.align = signature.args[0].dtype.bitwidth // 8
        return found

    return types.int64(memory, types.intp, types.intp), emit


@intrinsic
def write_word(typing: Any, memory: Any, start: Any, number: Any, word: Any) -> Any:
    """Write a word."""
    del typing, start, number, word

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, *place, word = arguments
        stored = builder.store(word, _word(context, builder, signature.args[0], memory, place))
        stored.align = signature.args[0].dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(memory, types.intp, types.intp, types.int64), emit


@intrinsic
def nonzero(typing: Any, images: Any, at: Any, skipped: Any) -> Any:
    """Return which of 64 pixels from ``at`` on are not zero, the first being bit 0, less those skipped."""
    del typing, at, skipped
    pixels = ir.VectorType(ir.IntType(8), BITS)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        images, at, skipped = arguments
        pointer = address(context, builder, signature.args[0], images, at)
        found = builder.load(builder.bitcast(pointer, pixels.as_pointer()))
        found.align = 1
        bits = builder.icmp_unsigned("!=", found, ir.Constant(pixels, None))
        return builder.lshr(builder.bitcast(bits, INDEX), skipped)

    return types.int64(images, types.intp, types.intp), emit


@intrinsic
def ones(typing: Any, word: Any) -> Any:
    """Return how many bits of a word are set."""
    del typing, word

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), emit


@kernel
def mark(call, tables, memory, images, order, now):  # noqa: ARG001
    """words[w][n], bit i: whether pixel 64 w + i of example n is not zero; nothing beyond the batch's end.

    Notes 1, 0 if few enough are not, else 0, 1, as soon as it is known.
    Call: words, their number for an example, examples, those with space, the most an example, where to note.
    """
    width, found = images.shape[1], 0
    memory[call[6]], memory[call[6] + 1] = 1, 0
    for n in range(call[3]):
        inside = now.start + n < now.stop
        start = width * order[now.start + n] if inside else 0
        for word in range(call[2]):
            at = min(BITS * word, width - BITS)
            bits = nonzero(images, start + at, BITS * word - at) if inside else 0
            write_word(memory, call[1], word * call[4] + n, bits)
            found += ones(bits)
        if found > call[5] * max(n + 1, SAMPLE):
            memory[call[6]], memory[call[6] + 1] = 0, 1
            return


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


def _exchanged(builder: Any, a: Any, b: Any, distance: int) -> tuple[Any, Any]:
    """Exchange the bits of a that ``distance`` is part of with those of b that it is not."""
    low = sum(1 << bit for bit in range(BITS) if not bit & distance)
    keep, shift = (ir.Constant(a.type, [number] * a.type.count) for number in (low, distance))
    moved = builder.and_(builder.xor(builder.lshr(a, shift), b), keep)
    return builder.xor(a, builder.shl(moved, shift)), builder.xor(b, moved)


def _paired(builder: Any, a: Any, b: Any, distance: int) -> tuple[Any, Any]:
    """Return the entries of both whose number ``distance`` is no part of, and the others; its own inverse."""
    count = a.type.count
    parts = ([i for i in range(count) if not i & distance], [i for i in range(count) if i & distance])

    def part(places: list[int]) -> Any:
        order: list[int] = [0] * count
        for place in places:
            order[place & ~distance], order[place | distance] = place, count + place
        return order

    mask = ir.VectorType(ir.IntType(32), count)
    first, second = (builder.shuffle_vector(a, b, ir.Constant(mask, part(places))) for places in parts)
    return first, second


@intrinsic
def turn(typing: Any, memory: Any, x: Any, number: Any, y: Any, into: Any) -> Any:
    """Write bit i of 64 words as bit of the i-th: a transposition of 64 x 64 bits.

    Squares of 32 x 32 bits change places across the diagonal, then those of 16 x 16 in them, down to
    single bits.
    """
    del typing, x, number, y, into
    count = VECTOR_BYTES * 8 // BITS
    vector = ir.VectorType(INDEX, count)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, kind = arguments[0], signature.args[0]

        def at(place: Any, part: int) -> Any:
            pointer = builder.bitcast(_word(context, builder, kind, memory, place), vector.as_pointer())
            return builder.gep(pointer, [ir.Constant(INDEX, part)])

        words = [builder.load(at(arguments[1:3], part)) for part in range(BITS // count)]
        for word in words:
            word.align = kind.dtype.bitwidth // 8
        for distance in (32, 16, 8, 4, 2, 1):
            whole = distance // count
            for i in range(len(words)):
                if whole and not i & whole:
                    words[i], words[i + whole] = _exchanged(builder, words[i], words[i + whole], distance)
                elif not whole and i % 2 == 0:
                    pair = _paired(builder, words[i], words[i + 1], distance)
                    pair = _exchanged(builder, *pair, distance)
                    words[i], words[i + 1] = _paired(builder, *pair, distance)
        for part, word in enumerate(words):
            stored = builder.store(word, at(arguments[3:5], part))
            stored.align = kind.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(memory, *[types.intp] * 4), emit


@kernel
def turn_words(call, memory):
    """Bits by pixel, of which `mark` has noted those by example: bit n of words[n // 64][d].

    Call: words by example, 64s of examples, 64s of pixels, words by pixel.
    """
    for i in range(call[2]):
        for word in range(call[3]):
            turn(memory, call[1], BITS * (word * call[2] + i), call[4], BITS * (i * call[3] + word))


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
        kind = signature.args[0]
        lanes = Lanes(kind.dtype)

        def number(value: int) -> Any:
            return ir.Constant(INDEX, value)

        base = address(context, builder, kind, memory, number(0))

        def at(offset: Any) -> Any:
            return builder.gep(base, [offset])

        def row(offset: Any) -> list[Any]:
            return [builder.gep(at(offset), [number(lanes.count * p)]) for p in range(columns)]

        def added(sums: list[Any], k: Any) -> list[Any]:
            block = builder.lshr(k, number(lanes.count.bit_length() - 1))
            inside = builder.and_(k, number(lanes.count - 1))
            place = builder.add(builder.mul(block, far), builder.mul(inside, near))
            x = emit_splat(builder, builder.load(at(builder.add(a, place))), lanes)
            rows = row(builder.add(b, builder.mul(k, step)))
            return [
                emit_call(builder, FMA, [x, emit_load(builder, pointer, lanes), each], lanes)
                for pointer, each in zip(rows, sums, strict=True)
            ]

        sums = _over_bits(builder, bits, [emit_load(builder, each, lanes) for each in row(origin)], added)
        for pointer, each in zip(row(target), sums, strict=True):
            emit_store(builder, finished(builder, each, emit_splat(builder, least, lanes)), pointer, lanes)
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
