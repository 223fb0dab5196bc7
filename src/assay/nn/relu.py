"""ReLU: negative values become zero."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from assay.nn.layer import Cache, Gradients, Layer, Parameters
from assay.shapes import Array, Shape, check_upstream


@dataclass(frozen=True)
class ReLU(Layer):
    """y = max(x, 0), for x of any shape; dL/dx = dy where x > 0, else 0.

    The derivative at 0 is taken as 0, as in PyTorch. Source: Nair and Hinton
    2010. Cost: 1 operation per entry.
    """

    kind: ClassVar[str] = "relu"
    nondecreasing: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``shape`` unchanged."""
        return shape

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Keep what is positive, and where."""
        del params
        return np.maximum(x, 0), x > 0

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Let the gradient through where x was positive."""
        del params
        check_upstream(dy, cache.shape)
        return dy * cache, {}

    def flops(self, shape: Shape) -> int:
        """One comparison per entry."""
        return prod(shape)
