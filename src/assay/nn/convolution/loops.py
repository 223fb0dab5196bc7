"""Convolution as nested loops: the formula, product by product."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from assay.nn.convolution.contract import Convolution, Geometry
from assay.nn.convolution.grid import crop, pad
from assay.shapes import Array, Shape

Index = tuple[int, int, int, int]


class Loops(Convolution):
    """Seven loops in Python: over n, o, r, s of the output and c, i, j of the kernel.

    Backward, every product a b of the sum gives a to b's derivative and b to
    a's. It needs no memory besides the padded maps. Cost: one iteration of
    the interpreter, about a microsecond, per product.
    """

    name = "loops"

    def _forward(self, x: Array, weight: Array, geometry: Geometry) -> Array:
        padded = pad(x, geometry.padding)
        y = np.zeros(geometry.output_shape(x, weight), x.dtype)
        for out, entry, source in _terms(y.shape, weight, geometry):
            y[out] += weight[entry] * padded[source]
        return y

    def _backward(self, x: Array, weight: Array, dy: Array, geometry: Geometry) -> tuple[Array, Array]:
        padded = pad(x, geometry.padding)
        dpadded, dweight = np.zeros_like(padded), np.zeros_like(weight)
        for out, entry, source in _terms(dy.shape, weight, geometry):
            dweight[entry] += dy[out] * padded[source]
            dpadded[source] += dy[out] * weight[entry]
        return crop(dpadded, geometry.padding), dweight


def _terms(shape: Shape, weight: Array, geometry: Geometry) -> Iterator[tuple[Index, Index, Index]]:
    """Yield, for every product in the sum, its place in y, its weight and its entry of the padded x."""
    (sh, sw), (dh, dw) = geometry.stride, geometry.dilation
    kernel = [range(size) for size in weight.shape[1:]]
    for n, o, r, s in product(*map(range, shape)):
        first = geometry.first_channel(o, weight)
        for c, i, j in product(*kernel):
            yield (n, o, r, s), (o, c, i, j), (n, first + c, r * sh + i * dh, s * sw + j * dw)
