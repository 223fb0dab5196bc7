"""Layers without arithmetic."""

import torch
from torch import Tensor

from assay.engines.torch.layout import fold, unfold
from assay.engines.torch.op import Cache, Op
from assay.shapes import Shape

aten = torch.ops.aten


class ReshapeOp(Op):
    """The same entries under another shape, in row-major order; Flatten too."""

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Give each run's batch the new shape."""
        return self._reshaped(x, self.site.input_shape, self._output_shape), None

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Give the gradient the old one."""
        del cache
        return self._reshaped(dy, self._output_shape, self.site.input_shape)

    @property
    def _output_shape(self) -> Shape:
        return self.layer.output_shape(self.site.input_shape)

    def _reshaped(self, x: Tensor, old: Shape, new: Shape) -> Tensor:
        entries = unfold(x, self.site.runs, old)
        return fold(entries.reshape(*entries.shape[:2], *new))


class ZeroPad2dOp(Op):
    """A border of zeros."""

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Add the border."""
        return aten.constant_pad_nd(x, list(self.layer.sides), 0), None

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Cut the border off."""
        del cache
        return aten.constant_pad_nd(dy, [-side for side in self.layer.sides], 0)
