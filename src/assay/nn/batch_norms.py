"""Batch normalisation per unit, per feature map and per activation."""

from dataclasses import dataclass

from assay.nn.batch_norm import BatchNorm
from assay.shapes import Array, Shape, expect_maps, expect_vector


@dataclass(frozen=True)
class BatchNormPerActivation(BatchNorm):
    """`BatchNorm` of any (N, ...) with every activation as its own unit: m = N values each.

    On feature maps this is a mistake worth measuring: it gives up the sharing
    over positions that convolution relies on, and learns 2 C H W numbers
    instead of 2 C.
    """

    def units(self, shape: Shape) -> Shape:
        """Every entry."""
        return shape

    def to_rows(self, x: Array) -> Array:
        """One row per example."""
        return x.reshape(len(x), -1)

    def to_batch(self, rows: Array, shape: Shape) -> Array:
        """One example per row."""
        return rows.reshape(shape)


@dataclass(frozen=True)
class BatchNorm1d(BatchNormPerActivation):
    """`BatchNorm` of vectors (N, D) per unit: m = N values each, as ``torch.nn.BatchNorm1d``."""

    def units(self, shape: Shape) -> Shape:
        """(D,)."""
        return (expect_vector(shape),)


@dataclass(frozen=True)
class BatchNorm2d(BatchNorm):
    """`BatchNorm` of maps (N, C, H, W) per map: m = N H W values each, as ``torch.nn.BatchNorm2d``.

    Source: Ioffe and Szegedy 2015, section 3.2.
    """

    def units(self, shape: Shape) -> Shape:
        """(C,)."""
        return (expect_maps(shape)[0],)

    def to_rows(self, x: Array) -> Array:
        """One row per example and position."""
        return x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])

    def to_batch(self, rows: Array, shape: Shape) -> Array:
        """Write maps of ``shape`` again."""
        n, channels, height, width = shape
        return rows.reshape(n, height, width, channels).transpose(0, 3, 1, 2)
