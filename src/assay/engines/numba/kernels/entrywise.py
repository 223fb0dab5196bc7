"""The built-in activations but ReLU as functions of a vector, f(x) and f'(x), as `assay.nn` has them.

`abs`, `max` and `min` of vectors are those of `spelling`.
"""

from math import pi, sqrt

from numba import njit

from assay.engines.numba.kernels.exponentials import bell, exp, expm1, log1p, mills
from assay.engines.numba.kernels.lanes import copysign, where_greater

WIDE = 40.0
"""Beyond, the normal density is 0 in any precision, and its square would overflow."""

entrywise = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]
"""Compiles a function by itself: Numba makes none part of another that is given a tuple of arguments."""


@entrywise
def leaky(x, a):
    """x, or a x where that is negative."""
    return where_greater(x, 0.0, x, a * x)


@entrywise
def leaky_slope(x, a):
    """1 or a."""
    return where_greater(x, 0.0, 1.0, a)


@entrywise
def elu(x, a, scale):
    """x, or a (e^x - 1) where x is negative, scaled as SELU does."""
    return scale * where_greater(x, 0.0, x, a * expm1(min(x, 0.0)))


@entrywise
def elu_slope(x, a, scale):
    """1 or a e^x, scaled."""
    return scale * where_greater(x, 0.0, 1.0, a * exp(min(x, 0.0)))


@entrywise
def logistic(x):
    """1 / (1 + e^-x), without an exponential that overflows."""
    small = exp(-abs(x))
    return where_greater(x, 0.0, 1.0, small) / (1.0 + small)


@entrywise
def logistic_slope(x):
    """Its derivative, which is the same for -x."""
    small = exp(-abs(x))
    return small / ((1.0 + small) * (1.0 + small))


@entrywise
def tanh(x):
    """Return the hyperbolic tangent: e^-2|x| - 1 over e^-2|x| + 1, with the sign of x."""
    less = expm1(-2.0 * abs(x))
    return copysign(less / (2.0 + less), x)


@entrywise
def tanh_slope(x):
    """1 - tanh(x)^2, without taking two equal numbers from each other."""
    small = exp(-2.0 * abs(x))
    return 4.0 * small / ((1.0 + small) * (1.0 + small))


@entrywise
def softplus(x):
    """log(1 + e^x); its derivative is `logistic`."""
    return max(x, 0.0) + log1p(exp(-abs(x)))


@entrywise
def gelu(x):
    """x times the normal distribution function."""
    z = min(abs(x), WIDE)
    tail = bell(z) * mills(z)
    return x * where_greater(x, 0.0, 1.0 - tail, tail)


@entrywise
def gelu_slope(x):
    """Its derivative: the normal distribution function, and x times the density."""
    z = min(abs(x), WIDE)
    height = bell(z)
    tail = height * mills(z)
    return where_greater(x, 0.0, 1.0 - tail, tail) + x * height * (1.0 / sqrt(2.0 * pi))


BUILT_IN = (
    leaky, leaky_slope, elu, elu_slope, logistic, logistic_slope, tanh, tanh_slope, softplus, gelu,
    gelu_slope,
)  # fmt: skip
"""All of them: their numbers, and so what is compiled of them and kept on disk, are the same everywhere."""
