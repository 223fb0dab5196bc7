"""MaxPool2d: the largest value of each window."""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np

from assay.nn.layer import Cache, Gradients, Layer, Parameters, Window
from assay.nn.sliding import Sliding, expect_pool
from assay.shapes import Array, Pair, Shape, check_upstream, expect_maps, pair


@dataclass(frozen=True)
class MaxPool2d(Layer):
    """y[n, c, r, s] = the maximum of x[n, c] over the window at (r stride - padding, s stride - padding).

    x is (N, C, H, W), y (N, C, H', W'). Backward, each dy goes to the entry
    that was the maximum; where windows overlap, an entry receives the sum. **Among
    equal maxima the first in row-major order gets all of it**, as in PyTorch. The
    border counts as minus infinity; ``padding`` is at most half the kernel.
    ``stride`` is ``kernel_size`` unless given. Source: Ranzato et al. 2007.
    Cost: kh kw operations per output.
    """

    kernel_size: int | Pair
    stride: int | Pair | None = None
    padding: int | Pair = 0
    kind: ClassVar[str] = "maxpool"

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
        """Take the maxima; keeps where they were."""
        del params
        windows = self.sliding.unfold(x, fill=-np.inf)
        windows = windows.reshape(*windows.shape[:4], self.sliding.area)
        first = windows.argmax(axis=4)[..., None]
        return np.take_along_axis(windows, first, axis=4)[..., 0], (first, x.shape)

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Route each gradient to its maximum."""
        del params
        first, shape = cache
        check_upstream(dy, first.shape[:4])
        windows = np.zeros((*dy.shape, self.sliding.area), dy.dtype)
        np.put_along_axis(windows, first, dy[..., None], axis=4)
        windows = windows.reshape(*dy.shape, *self.sliding.kernel_size)
        return self.sliding.fold(windows, shape[2:]), {}

    def flops(self, shape: Shape) -> int:
        """One comparison for each entry of each window."""
        return prod(self.output_shape(shape)) * self.sliding.area

    def window(self, shape: Shape) -> Window:
        """Return the kernel's window."""
        del shape
        return self.sliding.window
