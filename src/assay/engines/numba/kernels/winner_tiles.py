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
    address,
    emit_call,
    emit_load,
    emit_splat,
    emit_store,
    kernel_named,
    vector_type,
)
from assay.engines.numba.kernels.tiles import Shape
from assay.engines.registers import REGISTERS

MOST = REGISTERS.count - 3
"""Vectors that a tile keeps in registers: dy takes another one, and so may what is loaded."""
PAIR = 2
"""Numbers in a list for each winner."""


def chains(shape: Shape) -> int:
    """Return how many terms are added side by side, so that few sums need not wait for each other."""
    return max(min(MOST // (shape.rows * shape.columns), 2), 1)


class _Rows:
    """Rows of vectors in a memory, those of one shape, for which code is emitted."""

    def __init__(self, context: Any, builder: Any, kind: Any, memory: Any, shape: Shape) -> None:
        self.builder, self.shape, self.lanes = builder, shape, Lanes(kind.dtype)
        self._begin = address(context, builder, kind, memory, ir.Constant(INDEX, 0))

    def at(self, place: Any, further: int = 0) -> Any:
        """Return the pointer ``further`` behind a place."""
        return self.builder.gep(self._begin, [self.builder.add(place, ir.Constant(INDEX, further))])

    def together(self, place: Any) -> list[Any]:
        """Return the pointers to all vectors where these lie one behind the other."""
        vectors = range(self.shape.rows * self.shape.columns)
        return [self.at(place, number * self.lanes.count) for number in vectors]

    def of_pair(self, pair: Any, maps: Any, step: Any) -> tuple[Any, list[Any]]:
        """Return dy in all lanes, and the pointers to all vectors where rows lie ``step`` apart."""
        builder = self.builder
        factor = emit_splat(builder, builder.load(self.at(pair)), self.lanes)
        first = builder.add(maps, builder.fptosi(builder.load(self.at(pair, 1)), INDEX))
        rows = (builder.mul(step, ir.Constant(INDEX, row)) for row in range(self.shape.rows))
        starts = [builder.add(first, row) for row in rows]
        columns = range(0, self.shape.columns * self.lanes.count, self.lanes.count)
        return factor, [self.at(start, column) for start in starts for column in columns]

    def loaded(self, pointer: Any) -> Any:
        """Return a vector."""
        return emit_load(self.builder, pointer, self.lanes)

    def multiplied(self, a: Any, b: Any, c: Any) -> Any:
        """Return a b + c."""
        return emit_call(self.builder, FMA, [a, b, c], self.lanes)


def _summing(shape: Shape) -> tuple[Any, Any, Any]:
    """Return what begins sums, what adds the terms of some pairs, and what stores the sums."""
    each, side_by_side = shape.rows * shape.columns, chains(shape)

    def of(memory: Any) -> Any:
        return types.UniTuple(Lanes(memory.dtype), side_by_side * each)

    @intrinsic
    def nothing(typing: Any, memory: Any) -> Any:
        del typing
        found = of(memory)

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            del signature, arguments
            zeros = [ir.Constant(vector_type(found.dtype), None)] * found.count
            return context.make_tuple(builder, found, zeros)

        return found(memory), emit

    @intrinsic
    def added(typing: Any, memory: Any, sums: Any, pair: Any, x: Any, step: Any) -> Any:
        del typing, pair, x, step

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            memory, sums, pair, x, step = arguments
            rows, found = _Rows(context, builder, signature.args[0], memory, shape), []
            for chain in range(side_by_side):
                place = builder.add(pair, ir.Constant(INDEX, PAIR * chain))
                dy, pointers = rows.of_pair(place, x, step)
                for number, pointer in enumerate(pointers, start=chain * each):
                    before = builder.extract_value(sums, number)
                    found.append(rows.multiplied(dy, rows.loaded(pointer), before))
            return context.make_tuple(builder, signature.return_type, found)

        return sums(memory, sums, *[types.intp] * 3), emit

    @intrinsic
    def stored(typing: Any, memory: Any, sums: Any, target: Any, more: Any) -> Any:
        del typing, target, more

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            memory, sums, target, more = arguments
            rows = _Rows(context, builder, signature.args[0], memory, shape)
            zero = ir.Constant(vector_type(rows.lanes), None)
            for number, pointer in enumerate(rows.together(target)):
                total = builder.select(more, rows.loaded(pointer), zero)
                for chain in range(side_by_side):
                    total = builder.fadd(total, builder.extract_value(sums, chain * each + number))
                emit_store(builder, total, pointer, rows.lanes)
            return context.get_dummy_value()

        return types.void(memory, sums, types.intp, types.boolean), emit

    return nothing, added, stored


def winner_sums(shape: Shape) -> Any:
    """Return a kernel: dW[o] = sum of dy x over the list of every o, rows of vectors one behind the other.

    Call: channels, lists, from one to the next, where their ends are noted, x, from row to row, dW, from
    channel to channel, whether dW is added to.
    """
    nothing, added, stored = _summing(shape)
    at_once = PAIR * chains(shape)

    @kernel_named(shape.name("winner_sums"))
    def add(call, tables, memory):  # noqa: ARG001
        for channel in range(call[1]):
            sums, first = nothing(memory), call[2] + channel * call[3]
            for pair in range(first, first + int(memory[call[4] + channel]), at_once):
                sums = added(memory, sums, pair, call[5], call[6])
            stored(memory, sums, call[7] + channel * call[8], call[9] != 0)

    return add


def _spreading(shape: Shape) -> tuple[Any, Any]:
    """Return what holds weights, rows one behind the other, and what adds dy times these to dx."""

    @intrinsic
    def held(typing: Any, memory: Any, start: Any) -> Any:
        del typing, start
        found = types.UniTuple(Lanes(memory.dtype), shape.rows * shape.columns)

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            rows = _Rows(context, builder, signature.args[0], arguments[0], shape)
            weights = [rows.loaded(pointer) for pointer in rows.together(arguments[1])]
            return context.make_tuple(builder, found, weights)

        return found(memory, types.intp), emit

    @intrinsic
    def spread(typing: Any, memory: Any, weights: Any, pair: Any, dx: Any, step: Any) -> Any:
        del typing, pair, dx, step

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            memory, weights, pair, dx, step = arguments
            rows = _Rows(context, builder, signature.args[0], memory, shape)
            dy, pointers = rows.of_pair(pair, dx, step)
            before = [rows.loaded(pointer) for pointer in pointers]  # all, so that none waits for a store
            for number, pointer in enumerate(pointers):
                weight = builder.extract_value(weights, number)
                emit_store(builder, rows.multiplied(dy, weight, before[number]), pointer, rows.lanes)
            return context.get_dummy_value()

        return types.void(memory, weights, *[types.intp] * 3), emit

    return held, spread


def winner_spread(shape: Shape) -> Any:
    """Return a kernel: dx += dy W[o], over the list of every o.

    Call: channels, lists, from one to the next, where their ends are noted, dx, from row to row, W, from
    channel to channel.
    """
    held, spread = _spreading(shape)

    @kernel_named(shape.name("winner_spread"))
    def add(call, tables, memory):  # noqa: ARG001
        for channel in range(call[1]):
            weights, first = held(memory, call[7] + channel * call[8]), call[2] + channel * call[3]
            for pair in range(first, first + int(memory[call[4] + channel]), PAIR):
                spread(memory, weights, pair, call[5], call[6])

    return add
