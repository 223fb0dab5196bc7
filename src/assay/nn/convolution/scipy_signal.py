"""Convolution by ``scipy.signal``, as the coursework first did it."""

from itertools import product

import numpy as np
from scipy.signal import convolve2d, correlate2d

from assay.nn.convolution.contract import Convolution, Geometry
from assay.nn.convolution.grid import crop, pad, spread
from assay.shapes import Array


class ScipySignal(Convolution):
    """One call of ``scipy.signal`` for each example, output map and input map.

    SciPy knows neither stride nor dilation. For a **stride** the whole
    correlation is computed and all but every stride-th entry dropped, so a
    stride saves no time; for a **dilation** the kernel is spread out with zeros,
    which are multiplied like other numbers. Backward, with dy spread out by the
    stride, dL/dx is its full convolution with the kernel and dL/dweight its
    valid correlation with x. Cost: N O (C / G) calls of H W kh kw products.
    """

    name = "scipy"
    dtypes = ("float32", "float64", np.dtype(np.longdouble).name)

    def _forward(self, x: Array, weight: Array, geometry: Geometry) -> Array:
        padded, kernel = pad(x, geometry.padding), spread(weight, geometry.dilation)
        y = np.zeros(geometry.output_shape(x, weight), x.dtype)
        sh, sw = geometry.stride
        for n, o, c in product(range(len(x)), *map(range, weight.shape[:2])):
            maps = padded[n, geometry.first_channel(o, weight) + c]
            y[n, o] += correlate2d(maps, kernel[o, c], mode="valid")[::sh, ::sw]
        return y

    def _backward(self, x: Array, weight: Array, dy: Array, geometry: Geometry) -> tuple[Array, Array]:
        padded, kernel = pad(x, geometry.padding), spread(weight, geometry.dilation)
        upstream = spread(dy, geometry.stride)
        dpadded, dkernel = np.zeros_like(padded), np.zeros_like(kernel)
        # A stride may leave rows and columns at the end that no window touches.
        rows, columns = (u + k - 1 for u, k in zip(upstream.shape[2:], kernel.shape[2:], strict=True))
        for n, o, c in product(range(len(x)), *map(range, weight.shape[:2])):
            channel = geometry.first_channel(o, weight) + c
            dpadded[n, channel, :rows, :columns] += convolve2d(upstream[n, o], kernel[o, c], mode="full")
            touched = padded[n, channel, :rows, :columns]
            dkernel[o, c] += correlate2d(touched, upstream[n, o], mode="valid")
        dh, dw = geometry.dilation
        return crop(dpadded, geometry.padding), dkernel[:, :, ::dh, ::dw]
