"""The interface of a convolution method: the formula of `assay.nn.Conv2d` and its two derivatives."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.errors import ShapeError, UnsupportedError
from assay.nn.sliding import Sliding, expect_at_least
from assay.shapes import Array, Pair, Shape, check_upstream, text


@dataclass(frozen=True)
class Geometry:
    """How a kernel moves over the maps; each pair is (vertical, horizontal)."""

    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1

    def __post_init__(self) -> None:
        """Reject an empty geometry."""
        expect_at_least(1, "groups", self.groups)
        _ = self.sliding((1, 1))

    def sliding(self, kernel_size: Pair) -> Sliding:
        """Return the window of a kernel that moves so."""
        return Sliding(kernel_size, self.stride, self.padding, self.dilation)

    def first_channel(self, output: int, weight: Array) -> int:
        """Return the first of the input channels that the channel ``output`` sees."""
        outputs: int = weight.shape[0]
        return output * self.groups // outputs * int(weight.shape[1])

    def output_shape(self, x: Array, weight: Array) -> Shape:
        """Return (N, O, H', W'); `ShapeError` if ``weight`` does not fit ``x``."""
        outputs, channels, kh, kw = weight.shape
        if x.ndim != 4 or x.shape[1] != channels * self.groups or outputs % self.groups:
            raise ShapeError(
                f"a weight of {text(weight.shape)} with groups {self.groups} cannot take a batch of "
                f"{text(x.shape)} (expected N x {channels * self.groups} x H x W)"
            )
        size = self.sliding((kh, kw)).output_size(x.shape[1:])
        if min(size) < 1:
            raise ShapeError(f"no {kh} x {kw} kernel fits into maps of {text(x.shape[2:])}")
        return (len(x), outputs, *size)


class Convolution(ABC):
    """A way to compute a convolution. It has no state and allocates its working memory on each call.

    For x (N, C, H, W) and weight (O, C / G, kh, kw), zeros beyond the border::

        y[n, o, r, s] = sum over c, i, j of weight[o, c, i, j] x[n, c, r stride + i dilation - padding, ...]

    A subclass defines ``_forward`` and ``_backward``, which may trust their
    arguments, and ``dtypes`` where it lacks some.
    """

    name: ClassVar[str]
    dtypes: ClassVar[tuple[str, ...] | None] = None
    """The precisions that the method supports; None for all of NumPy's."""

    def forward(self, x: Array, weight: Array, geometry: Geometry) -> Array:
        """Return y (N, O, H', W'), an array of its own.

        Raises `ShapeError` where the shapes do not fit, and `UnsupportedError`
        for a precision that the method lacks.
        """
        self._check(x.dtype)
        geometry.output_shape(x, weight)
        return self._forward(x, weight, geometry)

    def backward(self, x: Array, weight: Array, dy: Array, geometry: Geometry) -> tuple[Array, Array]:
        """Return dL/dx and dL/dweight, given ``dy`` = dL/dy; raises as `forward` does."""
        self._check(x.dtype)
        check_upstream(dy, geometry.output_shape(x, weight))
        return self._backward(x, weight, dy, geometry)

    def _check(self, dtype: np.dtype[np.floating]) -> None:
        if self.dtypes is not None and dtype.name not in self.dtypes:
            raise UnsupportedError(
                f"convolution method {self.name!r} has no {dtype.name}, only {' and '.join(self.dtypes)} "
                "(use method 'im2col', which has all)"
            )

    @abstractmethod
    def _forward(self, x: Array, weight: Array, geometry: Geometry) -> Array: ...

    @abstractmethod
    def _backward(self, x: Array, weight: Array, dy: Array, geometry: Geometry) -> tuple[Array, Array]: ...
