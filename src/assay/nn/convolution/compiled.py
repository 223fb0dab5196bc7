"""Convolution as nested loops that Numba compiles: the one method that needs a compiler."""

from collections.abc import Callable

import numpy as np
from numba import njit

from assay.nn.convolution.contract import Convolution, Geometry
from assay.nn.convolution.grid import crop, pad
from assay.shapes import Array, Pair, Shape

# Sums may be reordered, so that they can be vectorised; nan and inf keep their meaning.
_compiled: Callable[[Callable[..., None]], Callable[..., None]] = njit(
    nogil=True, fastmath={"reassoc", "contract", "nsz"}
)


class Numba(Convolution):
    """The seven loops of ``loops``, compiled, with the columns of a map innermost.

    The padded maps are laid out so that columns a stride apart lie side by side,
    because only then does the innermost loop become vector instructions. The
    kernels allocate nothing: the memory is these maps and the results. The first
    call in a process compiles, which takes about a second.
    """

    name = "numba"
    dtypes = ("float32", "float64")

    def _forward(self, x: Array, weight: Array, geometry: Geometry) -> Array:
        y = np.zeros(geometry.output_shape(x, weight), x.dtype)
        maps = _apart(pad(x, geometry.padding), geometry.stride[1])
        _correlate(maps, np.ascontiguousarray(weight), geometry.stride[0], geometry.dilation, y)
        return y

    def _backward(self, x: Array, weight: Array, dy: Array, geometry: Geometry) -> tuple[Array, Array]:
        padded = pad(x, geometry.padding)
        maps = _apart(padded, geometry.stride[1])
        dmaps, dweight = np.zeros_like(maps), np.zeros(weight.shape, weight.dtype)
        weight, dy = np.ascontiguousarray(weight), np.ascontiguousarray(dy)
        _differentiate(maps, weight, geometry.stride[0], geometry.dilation, dy, dmaps, dweight)
        return crop(_together(dmaps, padded.shape), geometry.padding), dweight


def _apart(maps: Array, stride: int) -> Array:
    """Lay maps (N, C, H, W) out as (N, C, H, stride, W / stride): column w at [w % stride, w // stride]."""
    n, channels, rows, columns = maps.shape
    blocks = -(-columns // stride)
    whole = np.pad(maps, ((0, 0), (0, 0), (0, 0), (0, blocks * stride - columns)))
    return np.ascontiguousarray(whole.reshape(n, channels, rows, blocks, stride).swapaxes(3, 4))


def _together(maps: Array, shape: Shape) -> Array:
    """Undo `_apart`."""
    return maps.swapaxes(3, 4).reshape(*shape[:3], -1)[..., : shape[3]]


@_compiled
def _correlate(maps: Array, weight: Array, stride: int, dilation: Pair, y: Array) -> None:
    """Add every product to y."""
    outputs, channels, kh, kw = weight.shape
    batch, _, rows, columns = y.shape
    for n in range(batch):
        for o in range(outputs):
            first = o * (maps.shape[1] // channels) // outputs * channels
            for c in range(channels):
                for i in range(kh):
                    for j in range(kw):
                        w = weight[o, c, i, j]
                        block, phase = divmod(j * dilation[1], maps.shape[3])
                        for r in range(rows):
                            row = maps[n, first + c, r * stride + i * dilation[0], phase, block:]
                            for s in range(columns):
                                y[n, o, r, s] += w * row[s]


@_compiled
def _differentiate(
    maps: Array, weight: Array, stride: int, dilation: Pair, dy: Array, dmaps: Array, dweight: Array
) -> None:
    """Add every product to the two gradients."""
    outputs, channels, kh, kw = weight.shape
    batch, _, rows, columns = dy.shape
    for n in range(batch):
        for o in range(outputs):
            first = o * (maps.shape[1] // channels) // outputs * channels
            for c in range(channels):
                for i in range(kh):
                    for j in range(kw):
                        w, total = weight[o, c, i, j], 0 * weight[o, c, i, j]
                        block, phase = divmod(j * dilation[1], maps.shape[3])
                        for r in range(rows):
                            top = r * stride + i * dilation[0]
                            row = maps[n, first + c, top, phase, block:]
                            drow = dmaps[n, first + c, top, phase, block:]
                            for s in range(columns):
                                total += dy[n, o, r, s] * row[s]
                            for s in range(columns):
                                drow[s] += w * dy[n, o, r, s]
                        dweight[o, c, i, j] += total
