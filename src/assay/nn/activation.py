"""Activation: a function of one number, applied to every entry."""

from abc import ABC, abstractmethod
from math import prod

from assay.nn.layer import Cache, Gradients, Layer, Parameters
from assay.shapes import Array, Shape, check_upstream


class Activation(Layer, ABC):
    """y = f(x) for every entry of an x of any shape; backward, dL/dx = dy f'(x).

    A subclass gives `value` f and `slope` f'. Cost: counted as one operation
    per entry, whatever the function.
    """

    @abstractmethod
    def value(self, x: Array) -> Array:
        """Return f(x)."""

    @abstractmethod
    def slope(self, x: Array) -> Array:
        """Return f'(x)."""

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``shape`` unchanged."""
        return shape

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Apply f; keeps x."""
        del params
        return self.value(x), x

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Multiply by f'."""
        del params
        check_upstream(dy, cache.shape)
        return dy * self.slope(cache), {}

    def flops(self, shape: Shape) -> int:
        """Count one operation per entry."""
        return prod(shape)
