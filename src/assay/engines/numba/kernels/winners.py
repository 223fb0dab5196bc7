"""The windows of a pooling that have a winner, listed, with each example's maps lying together.

Behind a maximum over windows of 2 x 2 three of four outputs have no gradient, and of a window whose largest
entry did not pass the ReLU all four. Which ones differs from example to example, so a vector of examples
leaves none of them out. What is made of the lists is in `winner_tiles`.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from assay.engines.numba.kernels.lanes import (
    INDEX,
    address,
    emit_store,
    fill,
    fma,
    kernel,
    load,
    numbers,
    read,
    store,
    where_greater,
)
from assay.engines.numba.kernels.shuffles import transpose_listed_tile, transpose_some_tile

WINDOW, PIXEL = 2, 2
"""Numbers in a table of windows: where one lies in its plane, and where in an example's x that lies of which
its first entry was made; and in one of pixels."""


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
    # Entries 2 and 3 are those of the window's second row, which is not two steps to the right.
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


@kernel
def returned(call, tables, memory):
    """dx[c] of a pixel = what lies together of each example, which is zero afterwards; for one block.

    Call: table of where pixels lie together and in their plane, pixels, channels, lanes, what lies together,
    from example to example, dx, its plane's size, where to write what is too much.
    """
    lanes, zero = call[4], fill(memory, 0.0)
    for entry in range(call[1], call[1] + PIXEL * call[2], PIXEL):
        together, dx = call[5] + read(tables, entry), call[7] + read(tables, entry + 1)
        for channel in range(0, call[3], lanes):
            place, target = together + channel, dx + channel * call[8]
            transpose_some_tile(memory, place, call[6], call[3] - channel, target, call[8], call[9])
    for i in range(call[5], call[5] + lanes * call[6], lanes):
        store(memory, i, zero)
