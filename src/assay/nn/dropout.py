"""Dropout: in training, some of the activations are dropped."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.errors import require
from assay.nn.layer import Cache, Gradients, Layer, Parameters
from assay.shapes import Array, Shape, check_upstream, expect_maps


@dataclass(frozen=True)
class Dropout(Layer):
    """y = x m / (1 - p) in training, with m = 1 where a uniform number is at least p, else 0; y = x else.

    ``p`` is the probability of leaving an entry out, as in PyTorch: **the
    inclusion probability is 1 - p**. Included entries are scaled up (inverted
    scaling), so that E[y] = x, and evaluation does nothing; in the paper
    (Srivastava et al. 2014) evaluation scales down the weights instead.
    Backward, dL/dx = dy m / (1 - p) with the same m. x has any shape.

    The mask is drawn in float64 from the generator of `Layer.forward_training`, entry
    by entry in row-major order, so it is the same in every precision.
    """

    p: float = 0.5
    kind: ClassVar[str] = "dropout"

    def __post_init__(self) -> None:
        """Reject a p that is not a probability, or with which nothing would be left."""
        require(0 <= self.p < 1, "p", self.p, "a number in [0, 1)")

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``shape`` unchanged."""
        return shape

    def mask_shape(self, shape: Shape) -> Shape:
        """Return how many decisions an example takes: one per entry."""
        return shape

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Change nothing."""
        del params
        return x, (np.ones((), x.dtype), x.shape)

    def forward_training(
        self, params: Parameters, x: Array, generator: np.random.Generator
    ) -> tuple[Array, Cache]:
        """Leave out; keeps the scaled mask."""
        del params
        kept = generator.random((len(x), *self.mask_shape(x.shape[1:]))) >= self.p
        mask = kept.astype(x.dtype) / (1 - self.p)
        return x * mask, (mask, x.shape)

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Apply the same mask."""
        del params
        mask, shape = cache
        check_upstream(dy, shape)
        return dy * mask, {}


@dataclass(frozen=True)
class Dropout2d(Dropout):
    """`Dropout` of whole feature maps: one decision for each of the C maps of an example.

    x is (N, C, H, W). Neighbours in a map are similar, so dropping single
    entries hides little (Tompson et al. 2015, section 3.2). As ``torch.nn.Dropout2d``.
    """

    def output_shape(self, shape: Shape) -> Shape:
        """(C, H, W) stays as it is."""
        return expect_maps(shape)

    def mask_shape(self, shape: Shape) -> Shape:
        """One decision per map."""
        return (expect_maps(shape)[0], 1, 1)
