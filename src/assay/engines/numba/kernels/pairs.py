"""Products of bfloat16: numbers of half the bits, two in the space of a float32.

The processor multiplies them in pairs, C = C + A0 B0 + A1 B1 in float32 (VDPBF16PS): on AMD's Zen 4
in the time of one multiplication of float32, which is twice as fast, on Intel's Emerald Rapids in that of
four, which is half as fast (`peak` measures it). So the terms of a sum are taken two by two: `pair` puts
the vectors of two terms into one, entry by entry; of numbers that already lie side by side in
the order of the sum, `narrow` only rounds each, to the nearest, to even.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from assay.engines.numba.kernels.lanes import (
    VECTOR_BYTES,
    Lanes,
    address,
    emit_load,
    emit_store,
    fill,
    kernel,
    load,
)

SUPPORTED = VECTOR_BYTES == 64 and "+avx512bf16" in cpu_target.target_context.codegen().magic_tuple()[2]
"""Whether the processor that Numba compiles for has the instruction, for registers of 512 bits."""

MULTIPLY = "llvm.x86.avx512bf16.dpbf16ps"
"""What LLVM calls it, before the number of bits."""


class BFloat16(ir.Type):  # type: ignore[misc]
    """LLVM's type, which llvmlite does not name."""

    null = "0.0"

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        """Tell whether ``other`` is this type."""
        return isinstance(other, BFloat16)

    def __hash__(self) -> int:
        """Hash as equal types must."""
        return hash(BFloat16)


def emit_rounded(builder: Any, value: Any) -> Any:
    """Round a vector of float32."""
    return builder.fptrunc(value, ir.VectorType(BFloat16(), value.type.count))


def emit_pair(builder: Any, first: Any, second: Any) -> Any:
    """Round two vectors and return their entries in turns, as a vector of as many bits as one had."""
    count = first.type.count
    turns = [place for entry in range(count) for place in (entry, count + entry)]
    rounded = emit_rounded(builder, first), emit_rounded(builder, second)
    order = ir.Constant(ir.VectorType(ir.IntType(32), 2 * count), turns)
    return builder.bitcast(builder.shuffle_vector(*rounded, order), first.type)


def emit_multiply(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """C = C + A0 B0 + A1 B1 in each entry, where A and B hold two numbers and C one."""
    pairs = ir.VectorType(BFloat16(), 2 * c.type.count)
    signature = ir.FunctionType(c.type, [c.type, pairs, pairs])
    name = f"{MULTIPLY}.{32 * c.type.count}"
    function = cgutils.get_or_insert_function(builder.module, signature, name)
    return builder.call(function, [c, builder.bitcast(a, pairs), builder.bitcast(b, pairs)])


@intrinsic
def store_pair(typing: Any, memory: Any, index: Any, first: Any, second: Any) -> Any:
    """Write the entries of two vectors, rounded, in turns from ``memory[index]`` on."""
    del typing, index

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = address(context, builder, signature.args[0], *arguments[:2])
        emit_store(builder, emit_pair(builder, *arguments[2:]), pointer, first)
        return context.get_dummy_value()

    return types.void(memory, types.intp, first, second), emit


@intrinsic
def _narrow(typing: Any, memory: Any, origin: Any, target: Any) -> Any:
    """Round the vector at ``memory[origin]`` into half of one at ``memory[target]``."""
    del typing, origin, target

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, origin, target = arguments
        lanes = Lanes(signature.args[0].dtype)
        pointers = [address(context, builder, signature.args[0], array, at) for at in (origin, target)]
        emit_store(builder, emit_rounded(builder, emit_load(builder, pointers[0], lanes)), pointers[1], lanes)
        return context.get_dummy_value()

    return types.void(memory, types.intp, types.intp), emit


@kernel
def pair(call, memory):
    """y[g, r] = (x[g, 2 r], x[g, 2 r + 1]), number by number; the last of an odd number with zeros.

    Rows are written one behind the other in whole vectors: what a vector has beyond its row, the next one's
    takes the place of. Call: x, groups, rows of a group, numbers of a row, lanes, y.
    """
    rows, length, y = call[3], call[4], call[6]
    for group in range(call[2]):
        for row in range(0, rows, 2):
            x = call[1] + (group * rows + row) * length
            for i in range(0, length, call[5]):
                first, second = load(memory, x + i), fill(memory, 0.0)
                if row + 1 < rows:
                    second = load(memory, x + length + i)
                store_pair(memory, y + i, first, second)
            y += length


@kernel
def narrow(call, memory):
    """y = x, in half of the space.

    Call: x, numbers, lanes, y.
    """
    for i in range(0, call[2], call[3]):
        _narrow(memory, call[1] + i, call[4] + i // 2)
