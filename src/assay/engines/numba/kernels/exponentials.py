"""The exponential of a vector, and what activations need besides: no branches, some roundings from exact.

An argument's own rounding moves e^x by |x| times as much; in float64 that of ln 2 does the same.
"""

from collections.abc import Callable, Sequence
from math import factorial, floor, ldexp, log
from typing import Any, NamedTuple

from llvmlite import ir
from numba.extending import intrinsic

from assay.engines.numba.kernels.lanes import FMA, Lanes, emit_call, vector_type

MILLS = (
    0.10849974311281507, 0.09451212330235238, 0.03395428248397067, 0.010080114900127925, 0.002434161739194819,
    0.0004578067753083765, 5.962634793872587e-05, 3.0034572403998326e-06, -6.958208028973147e-07,
    -1.661622275075295e-07, -4.290591277535078e-09, 3.778472668407664e-09, 4.656555405436613e-10,
    -7.26731898119408e-11, -1.8760709560434673e-11, 1.354847535477246e-12, 6.754835394081222e-13,
    -2.838977492571242e-14, -2.4705012340723144e-14, 9.045030716651136e-16, 9.45116115504211e-16,
    -4.824926653165178e-17, -3.745295929151033e-17, 3.173865851218084e-18,
)  # fmt: skip
"""Coefficients, in Chebyshev's polynomials of u - 1, of M(z) / u, where M is what `emit_mills` returns and
u = 2 c / (z + c) with c = `CENTRE`: the variable of Shepherd and Laframboise 1981, Mathematics of Computation
36, 249. They were computed with 40 digits; what is left out is less than the precision for any z >= 0."""
CENTRE = 5.0


class _Vectors(NamedTuple):
    """Emits arithmetic on vectors of one kind."""

    builder: Any
    lanes: Lanes

    @property
    def precise(self) -> bool:
        return bool(self.lanes.dtype.bitwidth == 64)

    def number(self, value: float) -> Any:
        return ir.Constant(vector_type(self.lanes), [value] * self.lanes.count)

    def fma(self, *terms: Any) -> Any:
        return emit_call(self.builder, FMA, list(terms), self.lanes)

    def polynomial(self, x: Any, coefficients: Sequence[float]) -> Any:
        """Return the sum of coefficients[k] x^k."""
        y = self.number(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            y = self.fma(y, x, self.number(coefficient))
        return y


def emit_exp(builder: Any, x: Any, lanes: Lanes) -> Any:
    """e^x for x <= 0, 0 where that is less than the smallest normal number; nan for nan."""
    emit = _Vectors(builder, lanes)
    r, power = _reduced(emit, x)
    return builder.fmul(emit.polynomial(r, _taylor(emit, 0)), power)


def emit_expm1(builder: Any, x: Any, lanes: Lanes) -> Any:
    """e^x - 1 for x <= 0, likewise: 2^n (e^r - 1) + (2^n - 1), where n is 0 if x is near 0."""
    emit = _Vectors(builder, lanes)
    r, power = _reduced(emit, x)
    y = emit.fma(builder.fmul(r, r), emit.polynomial(r, _taylor(emit, 2)), r)
    return emit.fma(power, y, builder.fsub(power, emit.number(1)))


def _taylor(emit: _Vectors, first: int) -> list[float]:
    """Return the coefficients of e^r from the power ``first`` on, for |r| <= ln 2 / 2, to the precision."""
    return [1 / factorial(k) for k in range(first, 14 if emit.precise else 8)]


def _reduced(emit: _Vectors, x: Any) -> tuple[Any, Any]:
    """Return r and 2^n with e^x = 2^n e^r, n = round(x / ln 2); of the least x, 0 for 2^n.

    Near 1.5 2^m, where m are the bits of a mantissa, numbers are whole, and stand in their own last bits:
    these become the exponent of 2^n. Of nan 2^n is any number, but r is nan.
    """
    builder = emit.builder
    bits, mantissa, bias = (64, 52, 1023) if emit.precise else (32, 23, 127)
    high, middle = ldexp(floor(ldexp(log(2), 12)), -12), 1.5 * 2**mantissa
    least = emit.number(-bias * log(2))
    x = builder.select(builder.fcmp_ordered("<", x, least), least, x)
    n = builder.fadd(builder.fmul(x, emit.number(1 / log(2))), emit.number(middle))
    n = builder.fsub(n, emit.number(middle))
    r = emit.fma(n, emit.number(high - log(2)), emit.fma(n, emit.number(-high), x))
    integers = ir.VectorType(ir.IntType(bits), emit.lanes.count)
    exponent = builder.bitcast(builder.fadd(n, emit.number(middle + bias)), integers)
    shift = ir.Constant(integers, [mantissa] * emit.lanes.count)
    return r, builder.bitcast(builder.shl(exponent, shift), x.type)


def emit_log1p(builder: Any, x: Any, lanes: Lanes) -> Any:
    """log(1 + x) for 0 <= x <= 1: 2 artanh z with z = x / (2 + x) <= 1/3, by its Taylor series."""
    emit = _Vectors(builder, lanes)
    z = builder.fdiv(x, builder.fadd(x, emit.number(2)))
    squared = builder.fmul(z, z)
    rest = emit.polynomial(squared, [2 / (2 * k + 1) for k in range(1, 17 if emit.precise else 8)])
    return emit.fma(builder.fmul(z, squared), rest, builder.fadd(z, z))


def emit_mills(builder: Any, z: Any, lanes: Lanes) -> Any:
    """M(z) = P(-z) e^(z^2 / 2) for z >= 0, where P is the normal distribution function."""
    emit = _Vectors(builder, lanes)
    u = builder.fdiv(emit.number(2 * CENTRE), builder.fadd(z, emit.number(CENTRE)))
    t = builder.fsub(u, emit.number(1))
    twice, after, last = builder.fadd(t, t), emit.number(0), emit.number(0)
    for coefficient in reversed(MILLS[1:] if emit.precise else MILLS[1:13]):  # Clenshaw's recurrence
        after, last = builder.fsub(emit.fma(twice, after, emit.number(coefficient)), last), after
    return builder.fmul(u, builder.fsub(emit.fma(t, after, emit.number(MILLS[0])), last))


def emit_bell(builder: Any, z: Any, lanes: Lanes) -> Any:
    """e^(-z^2 / 2): the rounding of z^2, which the exponential would make larger, is made up for."""
    emit = _Vectors(builder, lanes)
    squared = builder.fmul(z, z)
    rest = emit.fma(z, z, builder.fneg(squared))
    y = emit_exp(builder, builder.fmul(squared, emit.number(-0.5)), lanes)
    return emit.fma(y, builder.fmul(rest, emit.number(-0.5)), y)


def of_vector(emit: Callable[[Any, Any, Lanes], Any]) -> Any:
    """Return the function of a vector whose code ``emit`` writes."""

    @intrinsic
    def apply(typing: Any, x: Any) -> Any:
        del typing

        def emit_one(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            del context, signature
            return emit(builder, arguments[0], x)

        return x(x), emit_one

    return apply


exp, expm1, log1p, mills, bell = map(of_vector, (emit_exp, emit_expm1, emit_log1p, emit_mills, emit_bell))
