"""AvgPool2d: the mean of each window."""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np

from assay.nn.layer import Cache, Gradients, Layer, Parameters, Window
from assay.nn.sliding import Sliding, expect_pool
from assay.shapes import Array, Pair, Shape, check_upstream, expect_maps, pair


@dataclass(frozen=True)
class AvgPool2d(Layer):
    """y[n, c, r, s] = the mean of x[n, c] over the window at (r stride - padding, s stride - padding).

    x is (N, C, H, W), y (N, C, H', W'). Backward, every entry of a window
    receives dy / count; where windows overlap, the sum. **The zeros of the
    border count** as entries unless ``count_include_pad`` is False, as in
    PyTorch; ``padding`` is at most half the kernel. ``stride`` is
    ``kernel_size`` unless given. Source: LeCun et al. 1998, without the
    trained coefficient. Cost: kh kw operations per output.
    """

    kernel_size: int | Pair
    stride: int | Pair | None = None
    padding: int | Pair = 0
    count_include_pad: bool = True
    kind: ClassVar[str] = "avgpool"

    def __post_init__(self) -> None:
        """Reject empty windows and too much padding."""
        expect_pool(self.sliding)

    @cached_property
    def sliding(self) -> Sliding:
        """The window, every size as a pair."""
        stride = self.kernel_size if self.stride is None else self.stride
        return Sliding(pair(self.kernel_size), pair(stride), pair(self.padding))

    def output_shape(self, shape: Shape) -> Shape:
        """(C, H, W) becomes (C, H', W')."""
        return (expect_maps(shape)[0], *self.sliding.output_size(shape))

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Take the means."""
        del params
        return self.sliding.unfold(x).sum(axis=(4, 5)) / self._count(x), x

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Distribute each gradient evenly."""
        del params
        x = cache
        check_upstream(dy, (len(x), *self.output_shape(x.shape[1:])))
        share = (dy / self._count(x))[..., None, None]
        windows = np.broadcast_to(share, (*dy.shape, *self.sliding.kernel_size))
        return self.sliding.fold(windows, x.shape[2:]), {}

    def _count(self, x: Array) -> Array:
        """Return the divisor of each window's sum, (H', W') or one number."""
        if self.count_include_pad:
            return np.asarray(self.sliding.area, x.dtype)
        inside = np.ones((1, 1, *x.shape[2:]), x.dtype)
        count: Array = self.sliding.unfold(inside).sum(axis=(4, 5))[0, 0]
        return count

    def flops(self, shape: Shape) -> int:
        """One addition per entry of a window except the first, and one division."""
        return prod(self.output_shape(shape)) * self.sliding.area

    def window(self, shape: Shape) -> Window:
        """Return the kernel's window."""
        del shape
        return self.sliding.window
