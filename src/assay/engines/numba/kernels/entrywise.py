"""Kernels of all activations but ReLU: y = f(x) and dx = dy f'(x), number by number."""

from math import erf, exp, expm1, log1p, pi, sqrt, tanh

from assay.engines.numba.kernels.lanes import kernel, read

LEAKY_RELU, ELU, SIGMOID, TANH, SOFTPLUS, GELU = range(6)
"""The functions by their numbers in a call; SELU is a scaled ELU."""

WIDE = 40.0
"""Beyond, the normal density is 0 in any precision, and its square would overflow."""


@kernel
def logistic(x):
    """1 / (1 + e^-x), without an exponential that overflows."""
    small = exp(-abs(x))
    return (1.0 if x > 0 else small) / (1.0 + small)


@kernel
def normal(x):
    """Return the normal distribution function."""
    return 0.5 * (1.0 + erf(x / sqrt(2.0)))


@kernel
def value(which, x, a, scale):
    """f(x); ``a`` is a leaky ReLU's slope or an ELU's alpha."""
    if which == LEAKY_RELU:
        return x if x > 0 else a * x
    if which == ELU:
        return scale * (x if x > 0 else a * expm1(x))
    if which == SIGMOID:
        return logistic(x)
    if which == TANH:
        return tanh(x)
    if which == SOFTPLUS:
        return max(x, 0.0) + log1p(exp(-abs(x)))
    return x * normal(x)


@kernel
def slope(which, x, a, scale):
    """f'(x)."""
    if which == LEAKY_RELU:
        return 1.0 if x > 0 else a
    if which == ELU:
        return scale * (1.0 if x > 0 else a * exp(x))
    if which == SIGMOID:
        return logistic(x) * logistic(-x)
    if which == TANH:
        return 1.0 - tanh(x) ** 2
    if which == SOFTPLUS:
        return logistic(x)
    near = min(max(x, -WIDE), WIDE)
    return normal(x) + x * exp(-near * near / 2.0) / sqrt(2.0 * pi)


@kernel
def activate(call, tables, memory):
    """y = f(x).

    Call: table of x, from block to block of x, table of y, from block to block of y, entries, blocks, lanes,
    the function, where its a and its scale lie.
    """
    a, scale = memory[call[9]], memory[call[10]]
    for block in range(call[6]):
        for entry in range(call[5]):
            x = block * call[2] + read(tables, call[1] + entry)
            y = block * call[4] + read(tables, call[3] + entry)
            for lane in range(call[7]):
                memory[y + lane] = value(call[8], memory[x + lane], a, scale)


@kernel
def activate_gradient(call, tables, memory):
    """dx = dy f'(x).

    Call: as of `activate`, then the distance from y to dy and from x to dx.
    """
    a, scale = memory[call[9]], memory[call[10]]
    for block in range(call[6]):
        for entry in range(call[5]):
            x = block * call[2] + read(tables, call[1] + entry)
            y = block * call[4] + read(tables, call[3] + entry)
            for lane in range(call[7]):
                found = slope(call[8], memory[x + lane], a, scale)
                memory[x + call[12] + lane] = memory[y + call[11] + lane] * found
