"""The weights' gradient of a pooled convolution, of the windows' winners alone.

Behind a maximum over windows of 2 x 2 three of four outputs have no gradient, and of a window whose largest
entry did not pass the ReLU all four. Which ones differs from example to example, so a vector of examples
leaves none of them out. Here a vector lies along the weights instead: dW[o] is the sum of dy times the x that
the winner was made of, over windows and examples, and each of these terms is a few vectors of neighbouring
pixels, in memory as in the kernel, if the channels of a pixel lie together.

An x that is not finite reaches only those weights whose winners were made of it.
"""

from typing import Any

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
    fill,
    fma,
    kernel,
    kernel_named,
    load,
    numbers,
    read,
    vector_type,
    where_greater,
)
from assay.engines.numba.kernels.shuffles import transpose_listed_tile
from assay.engines.numba.kernels.tiles import Shape
from assay.engines.registers import REGISTERS

WINDOW = 2
"""Numbers in a table of windows: where one lies in its plane, and where in an example's x that lies of which
its first entry was made."""
MOST = REGISTERS.count - 3
"""Sums that a tile keeps: dy takes another register, and so may what is loaded."""


def chains(shape: Shape) -> int:
    """Return how many terms are added side by side, so that few sums need not wait for each other."""
    return max(min(MOST // (shape.rows * shape.columns), 2), 1)


@kernel
def transpose_listed(call, tables, memory):
    """z[n, d] = y[table[d]] of example n, for one block; for d up to a multiple of the lanes.

    Call: y, table, features, lanes, z, z's distance from example to example.
    """
    for d in range(0, call[3], call[4]):
        transpose_listed_tile(memory, tables, call[1], call[2] + d, call[3] - d, call[5] + d, call[6])


@intrinsic
def listed(typing: Any, memory: Any, at: Any, dy: Any, place: Any) -> Any:
    """Write dy and place of each lane whose dy is not zero, one pair behind the other, and return the end.

    Each pair is written where the next belongs, and those to be left out are written over: nothing depends
    on a branch, which nobody could predict.
    """
    del typing, at, place

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, at, dy, place = arguments
        lanes, bits = signature.args[2], ir.IntType(signature.args[2].count)
        unequal = builder.fcmp_unordered("!=", dy, ir.Constant(dy.type, None))
        passing = builder.zext(builder.bitcast(unequal, bits), INDEX)

        def after(count: int) -> Any:
            """Return where the next pair belongs behind those of so many lanes."""
            before = builder.and_(passing, ir.Constant(INDEX, 2**count - 1))
            return builder.add(at, builder.shl(builder.ctpop(before), ir.Constant(INDEX, 1)))

        for lane in range(lanes.count):
            chosen = ir.Constant(ir.VectorType(ir.IntType(32), 2), [lane, lanes.count + lane])
            pair = builder.shuffle_vector(dy, place, chosen)
            target = address(context, builder, signature.args[0], memory, after(lane))
            emit_store(builder, pair, target, lanes)
        return after(lanes.count)

    return types.intp(memory, types.intp, dy, dy), emit


@kernel
def winning(call, tables, memory):
    """List, for each channel, every dy of a window with a winner, and where the x lies that it was made of.

    One more that is zero ends a list, for those that are added in pairs; where lists end is noted. Where the
    border cuts a window, one entry stands for those beyond it, of which the first wins.
    Call: table of windows, windows, channels, dy, its plane's size, distance from dy to winner, lists, from
    one to the next, where to note their ends, x's distance from example to example, from a window's first
    entry to the next in its row, and in its column.
    """
    zero, one, apart = fill(memory, 0.0), fill(memory, 1.0), numbers(memory) * float(call[10])
    right, below = fill(memory, float(call[11])), fill(memory, float(call[12] - 2 * call[11]))
    for channel in range(call[3]):
        start = call[7] + channel * call[8]
        at = start
        for entry in range(call[1], call[1] + WINDOW * call[2], WINDOW):
            source = call[4] + channel * call[5] + read(tables, entry)
            dy, winner = load(memory, source), load(memory, source + call[6])
            first = fma(winner, right, apart + float(read(tables, entry + 1)))
            place = first + where_greater(winner, one, below, zero)
            at = listed(memory, at, where_greater(zero, winner, zero, dy), place)
        memory[at], memory[at + 1] = 0, 0
        memory[call[9] + channel] = at - start


def _tile(shape: Shape) -> tuple[Any, Any, Any]:
    """Return what begins sums in rows of vectors, what adds terms to them, and what stores them."""
    each, side_by_side = shape.rows * shape.columns, chains(shape)

    def of(memory: Any) -> Any:
        return types.UniTuple(Lanes(memory.dtype), side_by_side * each)

    @intrinsic
    def nothing(typing: Any, memory: Any) -> Any:
        del typing

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            del arguments
            zero = ir.Constant(vector_type(signature.return_type.dtype), None)
            return context.make_tuple(builder, signature.return_type, [zero] * (side_by_side * each))

        return of(memory)(memory), emit

    @intrinsic
    def added(typing: Any, memory: Any, sums: Any, pair: Any, x: Any, step: Any) -> Any:
        """Return sums + dy x[place], for each pair of those side by side; rows of x lie ``step`` apart."""
        del typing, sums, pair, x, step

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            memory, sums, pair, x, step = arguments
            kind, lanes, found = signature.args[0], signature.return_type.dtype, []
            for chain in range(side_by_side):
                dy, place = (
                    builder.load(
                        address(context, builder, kind, memory, builder.add(pair, ir.Constant(INDEX, i)))
                    )
                    for i in (2 * chain, 2 * chain + 1)
                )
                factor, first = emit_splat(builder, dy, lanes), builder.add(x, builder.fptosi(place, INDEX))
                for number in range(each):
                    row, column = divmod(number, shape.columns)
                    source = builder.add(first, builder.mul(step, ir.Constant(INDEX, row)))
                    source = builder.add(source, ir.Constant(INDEX, column * lanes.count))
                    vector = emit_load(builder, address(context, builder, kind, memory, source), lanes)
                    before = builder.extract_value(sums, chain * each + number)
                    found.append(emit_call(builder, FMA, [factor, vector, before], lanes))
            return context.make_tuple(builder, signature.return_type, found)

        return of(memory)(memory, of(memory), *[types.intp] * 3), emit

    @intrinsic
    def stored(typing: Any, memory: Any, sums: Any, target: Any, more: Any) -> Any:
        """Store the sums one behind the other, added to what is there if there is ``more``."""
        del typing, sums, target, more

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            memory, sums, target, more = arguments
            lanes = signature.args[1].dtype
            for number in range(each):
                place = builder.add(target, ir.Constant(INDEX, number * lanes.count))
                pointer = address(context, builder, signature.args[0], memory, place)
                nothing = ir.Constant(vector_type(lanes), None)
                total = builder.select(more, emit_load(builder, pointer, lanes), nothing)
                for chain in range(side_by_side):
                    total = builder.fadd(total, builder.extract_value(sums, chain * each + number))
                emit_store(builder, total, pointer, lanes)
            return context.get_dummy_value()

        return types.void(memory, of(memory), types.intp, types.boolean), emit

    return nothing, added, stored


def winner_sums(shape: Shape) -> Any:
    """Return a kernel: dW[o] = sum over the list of o of dy x[place], in rows of vectors.

    Call: channels, lists, from one to the next, where their ends are noted, x, from row to row, dW, from
    channel to channel, whether dW is added to.
    """
    nothing, added, stored = _tile(shape)
    side_by_side = chains(shape)

    @kernel_named(shape.name("winner_sums"))
    def add(call, tables, memory):  # noqa: ARG001
        for channel in range(call[1]):
            sums, start = nothing(memory), call[2] + channel * call[3]
            stop = start + int(memory[call[4] + channel])
            for pair in range(start, stop, 2 * side_by_side):
                sums = added(memory, sums, pair, call[5], call[6])
            stored(memory, sums, call[7] + channel * call[8], call[9] != 0)

    return add
