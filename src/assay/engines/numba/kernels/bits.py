"""Which pixels are not zero, in words of 64 bits: by example, and turned about, by pixel.

The words for 64 pixels of all examples lie together, before those for the next 64, and the examples
fill up whole words too. So bits are turned about in squares of 64 x 64.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from assay.engines.numba.kernels.lanes import INDEX, VECTOR_BYTES, address, kernel

BITS = 64
"""Terms that a word is for."""
SAMPLE = 8
"""Examples after which a minibatch may be found to have too few zeros."""


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
