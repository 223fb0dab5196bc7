"""Convolution as a sum over the kernel's entries: one matrix product each, broadcast over the batch."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from assay.nn.convolution.contract import Convolution, Geometry
from assay.nn.convolution.grid import crop, pad
from assay.shapes import Array


class Offsets(Convolution):
    """For each entry (i, j) of the kernel: shift the maps by it, mix the channels, add up.

    With X_ij the maps as the entry (i, j) sees them, one column a position::

        Y = sum over i, j of W_ij X_ij      dX_ij += W_ij^T dY      dW_ij = sum over n of dY X_ij^T

    The arithmetic is that of im2col, but only one X_ij, as large as x, exists
    at a time (Vasudevan et al. 2017). Cost: kh kw matrix products an example and group.
    """

    name = "offsets"

    def _forward(self, x: Array, weight: Array, geometry: Geometry) -> Array:
        shape, padded = geometry.output_shape(x, weight), pad(x, geometry.padding)
        kernel = _by_group(weight, geometry)
        y = np.zeros((len(x), geometry.groups, kernel.shape[1], shape[2] * shape[3]), x.dtype)
        for entry, seen in _offsets(weight, shape[2:], geometry):
            y += kernel[..., *entry] @ _columns(padded[seen], geometry)
        return y.reshape(shape)

    def _backward(self, x: Array, weight: Array, dy: Array, geometry: Geometry) -> tuple[Array, Array]:
        padded, kernel = pad(x, geometry.padding), _by_group(weight, geometry)
        upstream = _columns(dy, geometry)
        dpadded, dkernel = np.zeros_like(padded), np.zeros_like(kernel)
        for entry, seen in _offsets(weight, dy.shape[2:], geometry):
            columns = _columns(padded[seen], geometry)
            dkernel[..., *entry] = (upstream @ columns.swapaxes(-1, -2)).sum(axis=0)
            dcolumns = kernel[..., *entry].swapaxes(-1, -2) @ upstream
            dpadded[seen] += dcolumns.reshape(padded[seen].shape)
        return crop(dpadded, geometry.padding), dkernel.reshape(weight.shape)


def _offsets(
    weight: Array, size: tuple[int, ...], geometry: Geometry
) -> Iterator[tuple[tuple[int, int], tuple[slice, ...]]]:
    """Yield each entry of the kernel with the part of the padded maps that it is multiplied with."""
    (sh, sw), (dh, dw) = geometry.stride, geometry.dilation
    for i, j in product(*map(range, weight.shape[2:])):
        rows = slice(i * dh, i * dh + (size[0] - 1) * sh + 1, sh)
        columns = slice(j * dw, j * dw + (size[1] - 1) * sw + 1, sw)
        yield (i, j), (slice(None), slice(None), rows, columns)


def _by_group(weight: Array, geometry: Geometry) -> Array:
    """Split the outputs: (O, C / G, kh, kw) becomes (G, O / G, C / G, kh, kw)."""
    return weight.reshape(geometry.groups, -1, *weight.shape[1:])


def _columns(maps: Array, geometry: Geometry) -> Array:
    """Lay maps (N, C, H', W') out as matrices (N, G, C / G, H' W')."""
    n, channels, rows, columns = maps.shape
    return maps.reshape(n, geometry.groups, channels // geometry.groups, rows * columns)
