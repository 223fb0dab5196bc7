"""The built-in activations but ReLU as functions of one number, f(x) and f'(x), as `assay.nn` has them."""

from math import erf, exp, expm1, log1p, pi, sqrt
from math import tanh as hyperbolic

from numba import njit

WIDE = 40.0
"""Beyond, the normal density is 0 in any precision, and its square would overflow."""

entrywise = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]
"""Compiles a function by itself: Numba makes none part of another that is given a tuple of arguments."""


@entrywise
def leaky(x, a):
    """x, or a x where that is negative."""
    return x if x > 0 else a * x


@entrywise
def leaky_slope(x, a):
    """1 or a."""
    return 1.0 if x > 0 else a


@entrywise
def elu(x, a, scale):
    """x, or a (e^x - 1) where x is negative, scaled as SELU does."""
    return scale * (x if x > 0 else a * expm1(x))


@entrywise
def elu_slope(x, a, scale):
    """1 or a e^x, scaled."""
    return scale * (1.0 if x > 0 else a * exp(x))


@entrywise
def logistic(x):
    """1 / (1 + e^-x), without an exponential that overflows."""
    small = exp(-abs(x))
    return (1.0 if x > 0 else small) / (1.0 + small)


@entrywise
def logistic_slope(x):
    """Its derivative."""
    return logistic(x) * logistic(-x)


@entrywise
def tanh(x):
    """Return the hyperbolic tangent."""
    return hyperbolic(x)


@entrywise
def tanh_slope(x):
    """1 - tanh(x)^2."""
    return 1.0 - hyperbolic(x) ** 2


@entrywise
def softplus(x):
    """log(1 + e^x); its derivative is `logistic`."""
    return max(x, 0.0) + log1p(exp(-abs(x)))


@entrywise
def normal(x):
    """Return the normal distribution function."""
    return 0.5 * (1.0 + erf(x / sqrt(2.0)))


@entrywise
def gelu(x):
    """x times the normal distribution function."""
    return x * normal(x)


@entrywise
def gelu_slope(x):
    """Its derivative."""
    near = min(max(x, -WIDE), WIDE)
    return normal(x) + x * exp(-near * near / 2.0) / sqrt(2.0 * pi)


BUILT_IN = (
    leaky, leaky_slope, elu, elu_slope, logistic, logistic_slope, tanh, tanh_slope, softplus, gelu,
    gelu_slope,
)  # fmt: skip
"""All of them: their numbers, and so what is compiled of them and kept on disk, are the same everywhere."""
