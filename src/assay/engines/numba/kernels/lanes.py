"""A vector of examples as a Numba type: `load`, `store`, arithmetic, nothing else.

A `Lanes` value is an LLVM vector that fills a register: ``<16 x float>`` or
``<8 x double>`` where registers hold 512 bits.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

from assay.engines.registers import REGISTERS

kernel = njit(nogil=True, inline="always")
"""Makes a function part of those that call it: one of its own takes as long again to compile."""


def kernel_named(name: str) -> Callable[[Callable[..., Any]], Any]:
    """Return what compiles functions that are made, each for something else, from the same lines.

    Compiled code comes from the disk, maybe that of several processes, and the linker takes
    functions of one name and type for the same. They become part of the function that calls them: as one
    of its own, a process that has just compiled it would run another code than one that has it from the disk.
    """

    def compiled(function: Any) -> Any:
        function.__qualname__ = name
        return kernel(function)

    return compiled


VECTOR_BYTES = REGISTERS.bytes
"""What a register holds, of the processor that Numba compiles for."""

INDEX = ir.IntType(64)


class Lanes(types.Type):
    """One register full of numbers of one precision, or the first part of one: its half, its quarter."""

    def __init__(self, dtype: types.Float, parts: int = 1) -> None:
        self.dtype = dtype
        self.count = max(VECTOR_BYTES * 8 // dtype.bitwidth // parts, 1)
        super().__init__(name=f"Lanes({dtype}, {self.count})")


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """A Lanes is the LLVM vector itself."""

    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, vector_type(lanes))


def vector_type(lanes: Lanes) -> ir.VectorType:
    """Return the LLVM type."""
    return ir.VectorType(ir.FloatType() if lanes.dtype.bitwidth == 32 else ir.DoubleType(), lanes.count)


def address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Return a pointer to an element of an array."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


def emit_load(builder: Any, pointer: Any, lanes: Lanes) -> Any:
    """Load a vector that need not be aligned."""
    value = builder.load(builder.bitcast(pointer, vector_type(lanes).as_pointer()))
    value.align = lanes.dtype.bitwidth // 8
    return value


def emit_store(builder: Any, value: Any, pointer: Any, lanes: Lanes) -> None:
    """Store a vector anywhere."""
    stored = builder.store(value, builder.bitcast(pointer, value.type.as_pointer()))
    stored.align = lanes.dtype.bitwidth // 8


def emit_splat(builder: Any, value: Any, lanes: Lanes) -> Any:
    """Repeat a number in every lane."""
    empty = ir.Constant(vector_type(lanes), ir.Undefined)
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), None)
    first = builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, empty, zeros)


def emit_call(builder: Any, name: str, arguments: list[Any], lanes: Lanes, result: Any = None) -> Any:
    """Call one of LLVM's own functions, ``llvm.fma.v16f32`` say."""
    signature = ir.FunctionType(result or vector_type(lanes), [argument.type for argument in arguments])
    suffix = f"v{lanes.count}f{lanes.dtype.bitwidth}"
    function = cgutils.get_or_insert_function(builder.module, signature, f"llvm.{name}.{suffix}")
    return builder.call(function, arguments)


@intrinsic
def load(typing: Any, memory: Any, index: Any) -> Any:
    """Return the vector that starts at ``memory[index]``."""
    del typing, index
    lanes = Lanes(memory.dtype)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = address(context, builder, signature.args[0], *arguments)
        return emit_load(builder, pointer, lanes)

    return lanes(memory, types.intp), emit


@intrinsic
def read(typing: Any, array: Any, index: Any) -> Any:
    """Return ``array[index]``, which must not be negative: unlike Numba's own, this does not look."""
    del typing, index

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(address(context, builder, signature.args[0], *arguments))

    return array.dtype(array, types.intp), emit


@intrinsic
def store(typing: Any, memory: Any, index: Any, value: Any) -> Any:
    """Write a vector from ``memory[index]`` on."""
    del typing, index

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = address(context, builder, signature.args[0], *arguments[:2])
        emit_store(builder, arguments[2], pointer, value)
        return context.get_dummy_value()

    return types.void(memory, types.intp, value), emit


@intrinsic
def fill(typing: Any, memory: Any, number: Any) -> Any:
    """Return a vector of ``memory``'s type with ``number`` in every lane."""
    del typing, number
    lanes = Lanes(memory.dtype)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        return emit_splat(builder, arguments[1], lanes)

    return lanes(memory, lanes.dtype), emit


@intrinsic
def numbers(typing: Any, memory: Any) -> Any:
    """Return a vector of ``memory``'s type that holds 0, 1, 2, ...: the lanes' own numbers."""
    del typing
    lanes = Lanes(memory.dtype)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, builder, signature, arguments
        return ir.Constant(vector_type(lanes), [float(lane) for lane in range(lanes.count)])

    return lanes(memory), emit


def _lane_by_lane(name: str, operands: int, value: Lanes) -> Any:
    """Return the signature and code of LLVM's function ``name`` of this many vectors."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        return emit_call(builder, name, list(arguments), value)

    return value(*[value] * operands), emit


@intrinsic
def sqrt(typing: Any, a: Any) -> Any:
    """Return the square roots, correctly rounded."""
    del typing
    return _lane_by_lane("sqrt", 1, a)


@intrinsic
def copysign(typing: Any, a: Any, b: Any) -> Any:
    """Return a with the signs of b."""
    del typing, b
    return _lane_by_lane("copysign", 2, a)


FMA = "fma" if REGISTERS.fused else "fmuladd"
"""LLVM's a b + c, rounded once; twice where the processor has no instruction for it, but a slow function."""


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c, rounded once where the processor can."""
    del typing, b, c
    return _lane_by_lane(FMA, 3, a)


@intrinsic
def total(typing: Any, value: Any) -> Any:
    """Return the sum over the lanes, added in a fixed tree."""
    del typing

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        return emit_total(builder, arguments[0], value)

    return value.dtype(value), emit


def emit_total(builder: Any, value: Any, lanes: Lanes) -> Any:
    """Add the upper half to the lower until one number is left."""
    count = lanes.count
    while count > 1:
        count //= 2
        empty = ir.Constant(value.type, ir.Undefined)
        low, high = (
            ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(start, start + count)))
            for start in (0, count)
        )
        value = builder.fadd(
            builder.shuffle_vector(value, empty, low), builder.shuffle_vector(value, empty, high)
        )
    return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))


def _choice(relation: str) -> Any:
    """Return where(a relation b, x, y), lane by lane, of vectors and numbers; false where a or b is nan."""

    @intrinsic
    def choose(typing: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
        del typing
        lanes = next(kind for kind in (a, b, x, y) if isinstance(kind, Lanes))

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            del context
            a, b, x, y = _spread(builder, signature, arguments)
            return builder.select(builder.fcmp_ordered(relation, a, b), x, y)

        return lanes(*(kind if isinstance(kind, Lanes) else lanes.dtype for kind in (a, b, x, y))), emit

    return choose


def _spread(builder: Any, signature: Any, arguments: Any) -> list[Any]:
    """Return arguments as vectors of the kind that is returned, numbers in each lane."""
    return [
        value if isinstance(kind, Lanes) else emit_splat(builder, value, signature.return_type)
        for kind, value in zip(signature.args, arguments, strict=True)
    ]


where_greater = _choice(">")
where_equal = _choice("==")


def _operator(symbol: Callable[..., Any], method: str) -> None:
    """Let ``symbol`` work between vectors, and between a vector and a number.

    Numba emits it where it stands; an `overload` would be compiled as a function for each pair of types.
    """

    @infer_global(symbol)
    class Operation(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            del kws
            a, b = args
            if isinstance(a, Lanes) and isinstance(b, Lanes | types.Number):
                return a(a, a if isinstance(b, Lanes) else a.dtype)
            return b(b.dtype, b) if isinstance(b, Lanes) and isinstance(a, types.Number) else None

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context
        return getattr(builder, method)(*_spread(builder, signature, arguments))

    for kinds in ((Lanes, Lanes), (Lanes, types.Number), (types.Number, Lanes)):
        lower_builtin(symbol, *kinds)(emit)


for _symbol, _method in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _operator(_symbol, _method)
