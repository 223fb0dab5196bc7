"""Pooling; the runs' maps are pooled side by side, like channels."""

import torch
from torch import Tensor

from assay.engines.torch.op import Cache, Op, Site
from assay.nn.adaptive_avg_pool2d import AdaptiveAvgPool2d
from assay.nn.avg_pool2d import AvgPool2d
from assay.nn.max_pool2d import MaxPool2d
from assay.shapes import pair

aten = torch.ops.aten


class MaxPool2dOp(Op):
    """The largest of each window."""

    def __init__(self, site: Site, layer: MaxPool2d) -> None:
        super().__init__(site, layer)
        sliding = layer.sliding
        self._window = [list(sliding.kernel_size), list(sliding.stride), list(sliding.padding), [1, 1], False]

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Take the maxima; keeps where they were."""
        y, index = aten.max_pool2d_with_indices(x, *self._window)
        return y, (x, index)

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Send each gradient to its maximum."""
        x, index = cache
        dx: Tensor = aten.max_pool2d_with_indices_backward(dy, x, *self._window, index)
        return dx


class AvgPool2dOp(Op):
    """The mean of each window."""

    def __init__(self, site: Site, layer: AvgPool2d) -> None:
        super().__init__(site, layer)
        sliding = layer.sliding
        sizes = [list(sliding.kernel_size), list(sliding.stride), list(sliding.padding)]
        self._window = [*sizes, False, layer.count_include_pad, None]
        self._padded = any(sliding.padding)

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Take the means; x is kept for its shape alone."""
        return aten.avg_pool2d(x, *self._window), x

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Share each gradient out evenly.

        PyTorch's CUDA kernel for channels-last maps forgets the padding, up to 2.13 at least (its issue
        188344), so that maps with padding are laid channel by channel for it, and back.
        """
        if not (self._padded and dy.is_cuda):
            dx: Tensor = aten.avg_pool2d_backward(dy, cache, *self._window)
            return dx
        dx = aten.avg_pool2d_backward(dy.contiguous(), cache.contiguous(), *self._window)
        return dx.contiguous(memory_format=torch.channels_last)


class AdaptiveAvgPool2dOp(Op):
    """The mean over as many regions as the output has."""

    def __init__(self, site: Site, layer: AdaptiveAvgPool2d) -> None:
        super().__init__(site, layer)
        self._size = list(pair(layer.output_size))

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Take the means; x is kept for its shape alone."""
        return aten._adaptive_avg_pool2d(x, self._size), x

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Share each gradient out evenly."""
        dx: Tensor = aten._adaptive_avg_pool2d_backward(dy, cache)
        return dx
