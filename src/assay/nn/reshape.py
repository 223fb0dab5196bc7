"""Reshape: the same entries under another shape."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from assay.errors import ShapeError
from assay.nn.layer import Cache, Gradients, Layer, Parameters, Window
from assay.nn.sliding import expect_at_least
from assay.shapes import Array, Shape, check_upstream, text


@dataclass(frozen=True)
class Reshape(Layer):
    """x (N, ...) becomes y ``(N, *shape)``, in row-major order; backward, the reverse. No arithmetic."""

    shape: Shape
    kind: ClassVar[str] = "reshape"

    def __post_init__(self) -> None:
        """Reject an empty shape: every size is given, none is inferred."""
        expect_at_least(1, "shape", self.shape)

    def output_shape(self, shape: Shape) -> Shape:
        """Any shape of as many entries becomes ``self.shape``."""
        if prod(shape) != prod(self.shape):
            raise ShapeError(f"{text(shape)} cannot become {text(self.shape)}: the numbers of entries differ")
        return self.shape

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Give the batch the new shape."""
        del params
        return x.reshape(len(x), *self.shape), x.shape

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Give the gradient the old one."""
        del params
        check_upstream(dy, (cache[0], *self.shape))
        return dy.reshape(cache), {}

    def window(self, shape: Shape) -> Window:
        """Return the whole map: rows and columns do not survive a reshape."""
        return Window((shape[1], shape[2])) if len(shape) == 3 else Window()
