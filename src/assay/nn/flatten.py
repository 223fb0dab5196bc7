"""Flatten: maps become one vector."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from assay.nn.layer import Cache, Gradients, Layer, Parameters, Window
from assay.shapes import Array, Shape, check_upstream


@dataclass(frozen=True)
class Flatten(Layer):
    """x (N, C, H, W) becomes y (N, C H W), in row-major order; backward, the reverse.

    No arithmetic.
    """

    kind: ClassVar[str] = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        """Any shape becomes (its product,)."""
        return (prod(shape),)

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Lay the entries in a row."""
        del params
        return x.reshape(len(x), -1), x.shape

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Give the gradient the input's shape."""
        del params
        check_upstream(dy, (cache[0], prod(cache[1:])))
        return dy.reshape(cache), {}

    def window(self, shape: Shape) -> Window:
        """Return the whole map: what reads the vector sees all of it."""
        return Window((shape[1], shape[2])) if len(shape) == 3 else Window()
