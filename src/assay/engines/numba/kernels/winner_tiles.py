"""Gradients of a pooled convolution from the winners of its windows alone, one term after the other.

A vector lies along the kernel's rows here, not along examples: dW[o] is the sum of dy times the x that a
winner was made of, and there dx is the sum of dy times W[o]. Each of these terms is a few vectors of
neighbouring pixels, which lie in memory as in the kernel: the channels of a pixel together.

A list of pairs tells, for each output channel o, dy and how far the x of the winner lies from where all x
begin (`winners`). An x that is not finite reaches only weights whose winners were made of it. One in the
first window of the first example reaches those of any list of odd length too: the zero at its end meets it.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from assay.engines.numba.kernels.lanes import (
    FMA,
    INDEX,
    Lanes,
    emit_call,
    emit_load,
    emit_splat,
    emit_store,
    kernel_named,
    vector_type,
)
from assay.engines.numba.kernels.tiles import Shape
from assay.engines.numba.kernels.vector_rows import Rows, number, rows_in
from assay.engines.registers import REGISTERS

MOST = REGISTERS.count - 3
"""Vectors that a tile keeps in registers: dy takes another one, and so may what is loaded."""
PAIR = 2
"""Numbers in a list for each winner."""


def chains(shape: Shape) -> int:
    """Return how many terms are added side by side, so that few sums need not wait for each other."""
    return max(min(MOST // _vectors(shape), 2), 1)


def _vectors(shape: Shape) -> int:
    """Return how many vectors a tile has."""
    return shape.rows * shape.columns


def _of_pair(rows: Rows, shape: Shape, pair: Any, maps: Any, step: Any) -> tuple[Any, list[Any]]:
    """Return dy of a pair in all lanes, and the pointers to its vectors: rows ``step`` apart in the maps."""
    builder = rows.builder
    dy, place = (builder.load(rows.at(builder.add(pair, number(after)))) for after in range(PAIR))
    first = builder.add(maps, builder.fptosi(place, INDEX))
    starts = [builder.add(first, builder.mul(step, number(row))) for row in range(shape.rows)]
    return emit_splat(builder, dy, rows.lanes), [each for start in starts for each in rows.vectors(start)]


def _begun(shape: Shape) -> Any:
    """Return what begins the sums of all terms that are added side by side."""

    @intrinsic
    def nothing(typing: Any, memory: Any) -> Any:
        del typing
        sums = types.UniTuple(Lanes(memory.dtype), chains(shape) * _vectors(shape))

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            del signature, arguments
            zeros = [ir.Constant(vector_type(sums.dtype), None)] * sums.count
            return context.make_tuple(builder, sums, zeros)

        return sums(memory), emit

    return nothing


def _added(shape: Shape) -> Any:
    """Return what adds dy x to the sums, for as many pairs as are added side by side."""

    @intrinsic
    def added(typing: Any, memory: Any, sums: Any, pair: Any, x: Any, step: Any) -> Any:
        del typing, pair, x, step

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            memory, sums, pair, x, step = arguments
            rows, found = rows_in(context, builder, signature.args[0], memory, shape.columns), []
            for chain in range(chains(shape)):
                place = builder.add(pair, number(PAIR * chain))
                dy, pointers = _of_pair(rows, shape, place, x, step)
                for each, pointer in enumerate(pointers, start=chain * _vectors(shape)):
                    factors = [dy, emit_load(builder, pointer, rows.lanes)]
                    before = builder.extract_value(sums, each)
                    found.append(emit_call(builder, FMA, [*factors, before], rows.lanes))
            return context.make_tuple(builder, signature.return_type, found)

        return sums(memory, sums, *[types.intp] * 3), emit

    return added


def _stored(shape: Shape) -> Any:
    """Return what stores the sums, rows one behind the other, or adds them to what is there."""

    @intrinsic
    def stored(typing: Any, memory: Any, sums: Any, target: Any, more: Any) -> Any:
        del typing, target, more

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            memory, sums, target, more = arguments
            rows = rows_in(context, builder, signature.args[0], memory, _vectors(shape))
            zero, totals = ir.Constant(vector_type(rows.lanes), None), []
            for each, before in enumerate(rows.loaded(target)):
                total = builder.select(more, before, zero)
                for chain in range(chains(shape)):
                    added = builder.extract_value(sums, chain * _vectors(shape) + each)
                    total = builder.fadd(total, added)
                totals.append(total)
            rows.store(target, totals)
            return context.get_dummy_value()

        return types.void(memory, sums, types.intp, types.boolean), emit

    return stored


def winner_sums(shape: Shape) -> Any:
    """Return a kernel: dW[o] = sum of dy x over the list of every o, rows of vectors one behind the other.

    Call: channels, lists, from one to the next, where their ends are noted, x, from row to row, dW, from
    channel to channel, whether dW is added to.
    """
    nothing, added, stored = _begun(shape), _added(shape), _stored(shape)
    at_once = PAIR * chains(shape)

    @kernel_named(shape.name("winner_sums"))
    def add(call, tables, memory):  # noqa: ARG001
        for channel in range(call[1]):
            sums, first = nothing(memory), call[2] + channel * call[3]
            for pair in range(first, first + int(memory[call[4] + channel]), at_once):
                sums = added(memory, sums, pair, call[5], call[6])
            stored(memory, sums, call[7] + channel * call[8], call[9] != 0)

    return add


def _held(shape: Shape) -> Any:
    """Return what holds weights, rows one behind the other."""

    @intrinsic
    def held(typing: Any, memory: Any, start: Any) -> Any:
        del typing, start
        weights = types.UniTuple(Lanes(memory.dtype), _vectors(shape))

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            rows = rows_in(context, builder, signature.args[0], arguments[0], _vectors(shape))
            return context.make_tuple(builder, weights, list(rows.loaded(arguments[1])))

        return weights(memory, types.intp), emit

    return held


def _spread(shape: Shape) -> Any:
    """Return what adds dy times the weights to dx."""

    @intrinsic
    def spread(typing: Any, memory: Any, weights: Any, pair: Any, dx: Any, step: Any) -> Any:
        del typing, pair, dx, step

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            memory, weights, pair, dx, step = arguments
            rows = rows_in(context, builder, signature.args[0], memory, shape.columns)
            dy, pointers = _of_pair(rows, shape, pair, dx, step)
            # All are loaded before any is stored, so that none waits for a store.
            before = [emit_load(builder, pointer, rows.lanes) for pointer in pointers]
            for each, pointer in enumerate(pointers):
                factors = [dy, builder.extract_value(weights, each)]
                total = emit_call(builder, FMA, [*factors, before[each]], rows.lanes)
                emit_store(builder, total, pointer, rows.lanes)
            return context.get_dummy_value()

        return types.void(memory, weights, *[types.intp] * 3), emit

    return spread


def winner_spread(shape: Shape) -> Any:
    """Return a kernel: dx += dy W[o], over the list of every o.

    Call: channels, lists, from one to the next, where their ends are noted, dx, from row to row, W, from
    channel to channel.
    """
    held, spread = _held(shape), _spread(shape)

    @kernel_named(shape.name("winner_spread"))
    def add(call, tables, memory):  # noqa: ARG001
        for channel in range(call[1]):
            weights, first = held(memory, call[7] + channel * call[8]), call[2] + channel * call[3]
            for pair in range(first, first + int(memory[call[4] + channel]), PAIR):
                spread(memory, weights, pair, call[5], call[6])

    return add
