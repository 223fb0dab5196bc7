"""Layers with weights: matrix products and convolutions."""

import torch
from torch import Tensor

from assay.engines.torch.op import Cache, Op, Site
from assay.nn.conv2d import Conv2d

aten = torch.ops.aten


class LinearOp(Op):
    """y = x W^T + b as one batched product: x (R, N, D), W (R, O, D)."""

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Multiply; keeps x."""
        weights = self.site.weights
        transposed = weights["weight"].value.transpose(1, 2)
        if "bias" not in weights:
            return torch.bmm(x, transposed), x
        return torch.baddbmm(weights["bias"].value[:, None], x, transposed), x

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """dL/dW = dy^T x, dL/db = sum of dy, dL/dx = dy W."""
        weights = self.site.weights
        weights["weight"].grad.copy_(torch.bmm(dy.transpose(1, 2), cache))
        if "bias" in weights:
            weights["bias"].grad.copy_(dy.sum(1))
        return torch.bmm(dy, weights["weight"].value) if self.site.needs_dx else None


class Conv2dOp(Op):
    """The convolution of R runs in R times the layer's groups."""

    def __init__(self, site: Site, layer: Conv2d) -> None:
        super().__init__(site, layer)
        sliding = layer.sliding
        self._window = [list(sliding.stride), list(sliding.padding), list(sliding.dilation), False, [0, 0]]
        self._groups = site.runs * layer.groups
        self._weight = _channels_last(site.weights["weight"].value.flatten(0, 1))
        self._bias = site.weights["bias"].value.flatten() if layer.bias else None

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Correlate and add the bias; keeps x."""
        y = aten.convolution(x, self._weight, self._bias, *self._window, self._groups)
        return y, x

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Differentiate all three sums at once."""
        bias = None if self._bias is None else list(self._bias.shape)
        asked = [self.site.needs_dx, True, self._bias is not None]
        dx, dweight, dbias = aten.convolution_backward(
            dy, cache, self._weight, bias, *self._window, self._groups, asked
        )
        weights = self.site.weights
        weights["weight"].grad.flatten(0, 1).copy_(dweight)
        if self._bias is not None:
            weights["bias"].grad.flatten().copy_(dbias)
        return dx if self.site.needs_dx else None


def _channels_last(weight: Tensor) -> Tensor:
    """Say of a kernel that it lies channels last: with one channel that is left open, and costs a layout."""
    _, channels, rows, columns = weight.shape
    strides = (rows * columns * channels, 1, columns * channels, channels)
    return weight.as_strided(weight.shape, strides)
