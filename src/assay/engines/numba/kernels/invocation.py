"""How the interpreter calls a kernel: by its address, with the call and a frame.

A frame holds, once per step, what all its calls are passed: tables, memory, data and now. Numba would
pass each of the ninety numbers that make up these arrays at every call, which takes 0.15 microseconds.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import typeof, types
from numba.core import cgutils
from numba.extending import intrinsic

from assay.engines.base import Images, Labels
from assay.engines.numba.kernels.lanes import address
from assay.shapes import Array


class Data(NamedTuple):
    """What steps read besides the run's memory, and where they write class scores.

    ``rates`` are the learning rule's; ``factors`` what a schedule makes of the first, one a step.
    ``masks`` hold what dropout keeps, a row for each entry of ``order``, and ``rows`` the rows' numbers.
    """

    images: Images
    labels: Labels
    order: Labels
    rates: Array
    factors: Array
    masks: Images
    rows: Labels
    scores: Array


class Now(NamedTuple):
    """The number of the step, from 1, which part of the order is its batch, and the schedule's factor."""

    step: int
    start: int
    stop: int
    factor: float


CALL = types.CPointer(types.int64)
"""A row of a program."""


@cache
def frame_type(dtype: str) -> Any:
    """Return the type of frames for memory of a precision."""
    integers, numbers, scores = np.zeros(1, np.int64), np.zeros(1, dtype), np.zeros((1, 1), dtype)
    rates, images = np.zeros(1), np.zeros((1, 1), np.uint8)
    data = Data(images, integers, integers, rates, rates, images, integers, scores)
    return types.CPointer(
        types.Tuple([typeof(each) for each in (integers, numbers, data, Now(1, 0, 1, 1.0))])
    )


@intrinsic
def framed(typing: Any, tables: Any, memory: Any, data: Any, now: Any) -> Any:
    """Return a frame; the next one takes its place."""
    del typing
    frame = frame_type(memory.dtype.name)
    if frame.dtype != types.Tuple([tables, memory, data, now]):
        raise TypeError(f"kernels are compiled for {frame.dtype}, not for {(tables, memory, data, now)}")

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = cgutils.alloca_once(builder, context.get_value_type(frame.dtype))
        for number, (kind, argument) in enumerate(zip(signature.args, arguments, strict=True)):
            part = cgutils.gep_inbounds(builder, place, 0, number)
            builder.store(_uncounted(context, builder, kind, argument), part)
        return place

    return frame(tables, memory, data, now), emit


def _uncounted(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return arrays as non-owning ones: the caller keeps them alive, without reference counts."""
    if isinstance(kind, types.BaseTuple):
        return _all_uncounted(context, builder, kind, value)
    if not isinstance(kind, types.Array):
        return value
    array = context.make_array(kind)(context, builder, value)
    array.meminfo, array.parent = (
        cgutils.get_null_value(part.type) for part in (array.meminfo, array.parent)
    )
    return array._getvalue()


def _all_uncounted(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return a tuple of such arrays."""
    parts = zip(kind, cgutils.unpack_tuple(builder, value), strict=True)
    return context.make_tuple(builder, kind, [_uncounted(context, builder, *part) for part in parts])


@intrinsic
def opened(typing: Any, frame: Any) -> Any:
    """Return what a frame holds."""
    del typing

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        return builder.load(arguments[0])

    return frame.dtype(frame), emit


@intrinsic
def invoke(typing: Any, kernel: Any, calls: Any, number: Any, frame: Any) -> Any:
    """Run the call in row ``number`` with the kernel at an address."""
    del typing, kernel, number

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        convention = context.call_conv
        kernel, calls, number, frame = arguments
        width = cgutils.unpack_tuple(
            builder, context.make_array(signature.args[1])(context, builder, calls).shape
        )
        call = address(context, builder, signature.args[1], calls, builder.mul(number, width[1]))
        pointer = convention.get_function_type(types.none, (CALL, signature.args[3])).as_pointer()
        status, _ = convention.call_function(
            builder, builder.inttoptr(kernel, pointer), types.none, (CALL, signature.args[3]), (call, frame)
        )
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.void(types.intp, calls, types.intp, frame), emit
