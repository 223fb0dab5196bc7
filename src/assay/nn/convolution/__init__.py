"""Convolution, six ways: one file per method, all with the contract of `Convolution`.

================  ==================================================================
``loops``         the formula as nested loops in Python
``scipy``         ``scipy.signal``, one pair of maps at a time
``fft``           a product in the frequency domain
``offsets``       one matrix product per kernel entry, broadcast over the batch
``im2col``        every window copied to a row of one large matrix
``numba``         the nested loops, compiled
================  ==================================================================

All support stride, padding, dilation and groups; they differ in time, working
memory and rounding, which `assay.bench.convolution` measures.
"""

from functools import cache
from importlib import import_module
from typing import Literal, get_args

from assay.errors import UsageError, suggestion
from assay.nn.convolution.contract import Convolution as Convolution
from assay.nn.convolution.contract import Geometry as Geometry

MethodName = Literal["loops", "scipy", "fft", "offsets", "im2col", "numba"]
METHODS: tuple[MethodName, ...] = get_args(MethodName)
"""Every method by name, simplest first."""

# Looked up only when asked for: scipy.signal and numba take a second to import.
_CLASSES = {
    "loops": "assay.nn.convolution.loops:Loops",
    "scipy": "assay.nn.convolution.scipy_signal:ScipySignal",
    "fft": "assay.nn.convolution.fft:FFT",
    "offsets": "assay.nn.convolution.offsets:Offsets",
    "im2col": "assay.nn.convolution.im2col:Im2col",
    "numba": "assay.nn.convolution.compiled:Numba",
}


@cache
def method(name: str) -> Convolution:
    """Return the method called ``name``; `UsageError` if there is none."""
    expect_method(name)
    module, _, cls = _CLASSES[name].partition(":")
    found: Convolution = getattr(import_module(module), cls)()
    return found


def expect_method(name: str) -> None:
    """Reject a name that no method has, without importing any."""
    if name not in METHODS:
        raise UsageError(f"convolution method {name!r} is unknown ({suggestion(name, METHODS)})")
