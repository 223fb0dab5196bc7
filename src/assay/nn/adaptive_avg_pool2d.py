"""AdaptiveAvgPool2d: the mean over a grid of regions, one per output."""

from dataclasses import dataclass
from math import gcd, prod
from typing import ClassVar

import numpy as np

from assay.nn.layer import Cache, Gradients, Layer, Parameters, Window
from assay.nn.sliding import expect_at_least
from assay.shapes import Array, Pair, Shape, check_upstream, expect_maps, pair


@dataclass(frozen=True)
class AdaptiveAvgPool2d(Layer):
    """Means of x (N, C, H, W) over a grid of h x w = ``output_size`` regions, as in PyTorch.

    Region i covers the rows from floor(i H / h) up to, not including,
    ceil((i + 1) H / h), and the columns likewise; regions overlap where the
    sizes do not divide, and repeat where the output is larger. With the means
    along each axis written as matrices A (h, H) and B (w, W)::

        y = A x B^T        dL/dx = A^T dy B

    ``AdaptiveAvgPool2d(1)`` is global average pooling (Lin et al. 2014,
    section 3.2). Cost: one operation per entry of each region.
    """

    output_size: int | Pair
    kind: ClassVar[str] = "adaptiveavgpool"

    def __post_init__(self) -> None:
        """Reject an empty output."""
        expect_at_least(1, "output_size", self.output_size)

    def output_shape(self, shape: Shape) -> Shape:
        """(C, H, W) becomes (C, h, w)."""
        return (expect_maps(shape)[0], *pair(self.output_size))

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Average along both axes."""
        del params
        a, b = self._means(x.shape[1:], x.dtype)
        return a @ x @ b.T, x.shape

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Distribute each gradient over its region."""
        del params
        n, *shape = cache
        check_upstream(dy, (n, *self.output_shape(tuple(shape))))
        a, b = self._means(tuple(shape), dy.dtype)
        return a.T @ dy @ b, {}

    def _means(self, shape: Shape, dtype: np.dtype[np.floating]) -> tuple[Array, Array]:
        _, height, width = expect_maps(shape)
        rows, columns = pair(self.output_size)
        return mean_matrix(height, rows).astype(dtype), mean_matrix(width, columns).astype(dtype)

    def flops(self, shape: Shape) -> int:
        """One for each entry of each region."""
        channels, *sizes = expect_maps(shape)
        regions = zip(sizes, pair(self.output_size), strict=True)
        return channels * prod(size + output - gcd(size, output) for size, output in regions)

    def window(self, shape: Shape) -> Window:
        """Return the window of the largest region; where the sizes do not divide, the regions differ."""
        _, *sizes = expect_maps(shape)
        regions = tuple(zip(sizes, pair(self.output_size), strict=True))
        kh, kw = (-(-(size + output - gcd(size, output)) // output) for size, output in regions)
        sh, sw = (max(1, size // output) for size, output in regions)
        return Window((kh, kw), (sh, sw))


def mean_matrix(size: int, output: int) -> Array:
    """Return the matrix (output, size) whose rows take the mean of each region."""
    index = np.arange(output)[:, None]
    first, last = index * size // output, -(-(index + 1) * size // output)
    inside = (np.arange(size) >= first) & (np.arange(size) < last)
    return inside / (last - first)
