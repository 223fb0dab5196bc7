"""What users write of a number, ``np.exp(-x)`` or ``abs(x)``, for a vector of them.

A function of one number that uses nothing but arithmetic and these can be called with a whole
vector of examples, which takes a fraction of the time; one with a condition cannot.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.errors import NumbaError
from numba.extending import intrinsic, overload

from assay.engines.numba.kernels.exponentials import emit_exp, of_vector
from assay.engines.numba.kernels.lanes import Lanes, emit_call, emit_splat

LARGEST = {32: 88.0, 64: 709.0}
"""Beyond these, by the bits of a number, e^x is infinite or nearly so."""


def emit_any_exp(builder: Any, x: Any, lanes: Lanes) -> Any:
    """e^x for any x, as the square of e^(x/2): infinite where that overflows, 0 where it underflows."""

    def number(value: float) -> Any:
        return ir.Constant(x.type, [value] * lanes.count)

    half, largest = builder.fmul(x, number(0.5)), number(LARGEST[lanes.dtype.bitwidth])
    root = emit_exp(builder, builder.select(builder.fcmp_ordered(">", half, largest), largest, half), lanes)
    return builder.fmul(root, root)


def _spell(symbol: Callable[..., Any], apply: Any) -> None:
    @overload(symbol)
    def spelt(x):
        return (lambda x: apply(x)) if isinstance(x, Lanes) else None  # noqa: PLW0108


_exp = of_vector(emit_any_exp)
_abs = of_vector(lambda builder, x, lanes: emit_call(builder, "fabs", [x], lanes))
_sqrt = of_vector(lambda builder, x, lanes: emit_call(builder, "sqrt", [x], lanes))
_negative = of_vector(lambda builder, x, lanes: builder.fneg(x))  # noqa: ARG005

ONE: tuple[tuple[Any, Any], ...] = (
    (np.exp, _exp),
    (math.exp, _exp),
    (np.sqrt, _sqrt),
    (math.sqrt, _sqrt),
    (abs, _abs),
    (np.abs, _abs),
    (operator.neg, _negative),
)
for _symbol, _apply in ONE:
    _spell(_symbol, _apply)


def _bound(relation: str) -> Any:
    """Return the larger or smaller of a vector and a number, lane by lane; nan where the vector has it."""

    @intrinsic
    def apply(typing: Any, x: Any, number: Any) -> Any:
        del typing, number

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            del context, signature
            other = emit_splat(builder, arguments[1], x)
            return builder.select(builder.fcmp_ordered(relation, other, arguments[0]), other, arguments[0])

        return x(x, x.dtype), emit

    return apply


def _spell_bound(symbol: Callable[..., Any], apply: Any) -> None:
    @overload(symbol)
    def spelt(a, b):
        if isinstance(a, Lanes) and isinstance(b, types.Number):
            return lambda a, b: apply(a, b)  # noqa: PLW0108
        if isinstance(b, Lanes) and isinstance(a, types.Number):
            return lambda a, b: apply(b, a)
        return None


BOUNDS: tuple[tuple[Any, Any], ...] = (
    (np.maximum, _bound(">")),
    (max, _bound(">")),
    (np.minimum, _bound("<")),
    (min, _bound("<")),
)
for _symbol, _apply in BOUNDS:
    _spell_bound(_symbol, _apply)


def takes_vectors(function: Any, arguments: int) -> bool:
    """Whether a compiled function of x and some numbers can be called with a vector for x."""
    vector = Lanes(types.float32)
    signature = (vector, *[types.float64] * arguments)
    try:
        function.compile(signature)
        return bool(function.overloads[signature].signature.return_type == vector)
    except (NumbaError, RuntimeError, TypeError, KeyError):  # compiled for given types alone, for one
        return False
