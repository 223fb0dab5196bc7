"""Convolution as one large matrix product: every window is copied to a row."""

from assay.nn.convolution.contract import Convolution, Geometry
from assay.shapes import Array


class Im2col(Convolution):
    """Unfold every window to a row of a matrix X, and multiply (Chellapilla et al. 2006).

    ::

        Y = X W^T        dL/dx = fold(dY W)        dL/dW = dY^T X

    one matrix per group. X takes kh kw times the memory of y's positions for every
    input channel; backward rebuilds it rather than keeping it in between.
    """

    name = "im2col"

    def _forward(self, x: Array, weight: Array, geometry: Geometry) -> Array:
        n, outputs, *size = geometry.output_shape(x, weight)
        kernel = weight.reshape(geometry.groups, outputs // geometry.groups, -1)
        rows = _windows(x, weight, geometry) @ kernel.transpose(0, 2, 1)
        maps = rows.reshape(geometry.groups, n, *size, -1).transpose(1, 0, 4, 2, 3)
        return maps.reshape(n, outputs, *size)

    def _backward(self, x: Array, weight: Array, dy: Array, geometry: Geometry) -> tuple[Array, Array]:
        groups, channels = geometry.groups, weight.shape[1]
        rows = _rows(dy[..., None, None], groups)
        dweight = (rows.transpose(0, 2, 1) @ _windows(x, weight, geometry)).reshape(weight.shape)
        dwindows = (rows @ weight.reshape(groups, -1, channels * weight[0, 0].size)).reshape(
            groups, len(x), *dy.shape[2:], *weight.shape[1:]
        )
        dwindows = dwindows.transpose(1, 0, 4, 2, 3, 5, 6).reshape(
            *x.shape[:2], *dy.shape[2:], *weight.shape[2:]
        )
        sliding = geometry.sliding((weight.shape[2], weight.shape[3]))
        return sliding.fold(dwindows, (x.shape[2], x.shape[3])), dweight


def _windows(x: Array, weight: Array, geometry: Geometry) -> Array:
    """Return the matrices X: (G, N H' W', (C / G) kh kw)."""
    sliding = geometry.sliding((weight.shape[2], weight.shape[3]))
    return _rows(sliding.unfold(x), geometry.groups)


def _rows(windows: Array, groups: int) -> Array:
    """Copy (N, C, H', W', kh, kw) to one matrix a group: (G, N H' W', (C / G) kh kw)."""
    n, channels, rows, columns, kh, kw = windows.shape
    grouped = windows.reshape(n, groups, channels // groups, rows, columns, kh, kw)
    return grouped.transpose(1, 0, 3, 4, 2, 5, 6).reshape(groups, n * rows * columns, -1)
