"""The built-in activations but ReLU as the numba engine computes them, against `assay.nn` in float64.

Each is made of a few rounded steps behind a series whose later terms are small: 4 units of precision. GELU's
series in Chebyshev's polynomials is a sum of 0.25 of terms of up to 0.6, or 0.04 in the tail: 10 units.
In float64, the rounding of a and of the multiple of ln 2 that is taken from it move e^a by up to |a| units
together, of the engine or of `assay.nn`; and z^2 / 2, which SciPy takes of z / sqrt(2), rounded twice, three
times as much. In float32 that of z^2 counts, without fused arithmetic.
What is less than the smallest normal number may be 0, of which GELU has x times as much.
"""

from functools import cache
from typing import Any

import numba
import numpy as np

from assay.engines.numba import elementwise
from assay.engines.numba.kernels.lanes import VECTOR_BYTES, load, store
from assay.engines.registers import REGISTERS
from assay.nn import ELU, GELU, SELU, LeakyReLU, Sigmoid, Softplus, Tanh
from assay.nn.activation import Activation
from assay.shapes import Array

LAYERS = LeakyReLU(), LeakyReLU(-0.25), ELU(), ELU(-0.5), SELU(), Sigmoid(), Tanh(), Softplus(), GELU()
DTYPES = "float32", "float64"
EXTREMES = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    1e-30,
    -1e-30,
    1e30,
    -1e30,
    88.0,
    -87.4,
    -104.0,
    710.0,
    -746.0,
]
LEAST = 800.0
"""e to the power of less is 0 in any precision."""


@cache
def _compiled(function: Any) -> Any:
    @numba.njit
    def run(x, y, step, arguments):
        for i in range(0, len(x), step):
            store(y, i, function(load(x, i), *arguments))

    return run


def computed(layer: Activation, x: Array) -> tuple[Array, Array]:
    """Return f(x) and f'(x), computed by vectors."""
    lanes = VECTOR_BYTES // x.itemsize
    padded = np.concatenate([x, np.zeros(-len(x) % lanes, x.dtype)])
    values, slopes = np.empty_like(padded), np.empty_like(padded)
    arguments = tuple(map(x.dtype.type, elementwise._arguments(layer)))
    for function, y in zip(elementwise.BUILT_IN[type(layer)], (values, slopes), strict=True):
        _compiled(function)(padded, y, lanes, arguments)
    return values[: len(x)], slopes[: len(x)]


def assert_agrees(layer: Activation, x: Array) -> None:
    """Hold f and f' to the bound, with nan and infinities where `assay.nn` has them."""
    exact, normal = x.astype(np.float64), isinstance(layer, GELU)
    with np.errstate(all="ignore"):
        power = np.minimum(exact**2 / 2 if normal else abs(exact), LEAST)
        value, slope = layer.value(exact), layer.slope(exact)
        terms = abs(slope) + (np.nan_to_num(abs(exact) * np.exp(-power)) if normal else 0)
    if x.dtype == np.float64:
        moved = 3 * power if normal else power
    else:
        moved = power if normal and not REGISTERS.fused else 0 * power
    unit = ((10 if normal else 4) + moved) * np.finfo(x.dtype).eps
    lost = (
        2 * np.finfo(np.float64).eps if isinstance(layer, Tanh) else 0
    )  # by the 1 - tanh(x)^2 of `assay.nn`
    values, slopes = computed(layer, x)
    _assert_near(layer, x, values, value, unit * abs(value))
    _assert_near(layer, x, slopes, slope, unit * terms + lost)


def _assert_near(layer: Activation, x: Array, found: Array, expected: Array, off: Array) -> None:
    with np.errstate(all="ignore"):
        rounded = expected.astype(x.dtype)
        same = (found == rounded) | (np.isnan(found) & np.isnan(expected))
        near = abs(found - expected) <= off + 40 * np.finfo(x.dtype).tiny
    wrong = ~(same | (near & np.isfinite(expected)))
    assert not wrong.any(), (layer, x[wrong][:4], found[wrong][:4], expected[wrong][:4])


def assert_activations_agree() -> None:
    """Each of them, of numbers of many sizes and of extremes, in both precisions."""
    rng = np.random.default_rng(0)
    drawn = [rng.normal(0, size, 3000) for size in (0.01, 0.3, 1, 3, 10, 30, 300)]
    for dtype in DTYPES:
        x = np.concatenate([*drawn, EXTREMES]).astype(dtype)
        for layer in LAYERS:
            assert_agrees(layer, x)
