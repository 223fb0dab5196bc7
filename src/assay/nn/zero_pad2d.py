"""ZeroPad2d: a border of zeros around the maps."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from assay.nn.layer import Cache, Gradients, Layer, Parameters
from assay.nn.sliding import expect_at_least
from assay.shapes import Array, Shape, check_upstream, expect_maps


@dataclass(frozen=True)
class ZeroPad2d(Layer):
    """x (N, C, H, W) gets zeros around it; backward, the border's gradient is dropped. No arithmetic.

    ``padding`` is one number for all sides or (left, right, top, bottom), the
    order of ``torch.nn.ZeroPad2d``. An even kernel keeps the size of its maps
    only with more padding on one side than on the other, which `Conv2d` itself
    does not have.
    """

    padding: int | tuple[int, int, int, int]
    kind: ClassVar[str] = "zeropad"

    def __post_init__(self) -> None:
        """Reject negative padding."""
        expect_at_least(0, "padding", self.padding)

    @cached_property
    def sides(self) -> tuple[int, int, int, int]:
        """The padding as (left, right, top, bottom)."""
        return (self.padding,) * 4 if isinstance(self.padding, int) else self.padding

    def output_shape(self, shape: Shape) -> Shape:
        """(C, H, W) becomes (C, H + top + bottom, W + left + right)."""
        channels, height, width = expect_maps(shape)
        left, right, top, bottom = self.sides
        return channels, height + top + bottom, width + left + right

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Add the border."""
        del params
        left, right, top, bottom = self.sides
        return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right))), x.shape

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Cut the border off."""
        del params
        n, *shape = cache
        check_upstream(dy, (n, *self.output_shape(tuple(shape))))
        left, _, top, _ = self.sides
        return dy[:, :, top : top + shape[1], left : left + shape[2]], {}
