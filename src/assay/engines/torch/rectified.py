"""ReLU and pooling at once: `compiled_pooling` on the CPU, max pooling by Triton on a GPU.

The layers here stand in for a ReLU with a pooling behind it. Where windows
overlap, or nothing better is available, PyTorch does one after the other.
"""

import torch
from torch import Tensor

from assay.engines.torch import compiled_pooling
from assay.engines.torch.op import Cache, Op, Site
from assay.engines.torch.pooling import AvgPool2dOp, MaxPool2dOp
from assay.nn.avg_pool2d import AvgPool2d
from assay.nn.max_pool2d import MaxPool2d
from assay.nn.sliding import Sliding

aten = torch.ops.aten
INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}


class RectifiedMaxPool2d(MaxPool2d):
    """The largest of each window, or 0 where nothing in it is positive: MaxPool2d and ReLU, in any order."""


class RectifiedAvgPool2d(AvgPool2d):
    """The mean of what is positive in each window, the rest counted as 0."""


class RectifiedMaxPool2dOp(Op):
    """ReLU and MaxPool2d, which are monotonic and so commute."""

    def __init__(self, site: Site, layer: RectifiedMaxPool2d) -> None:
        super().__init__(site, layer)
        self._pool = MaxPool2dOp(site, layer)
        self._apart = _apart(layer.sliding)
        self._fused = bool(self._apart) and site.ways.fused_pooling

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Take the maxima; keeps where they were."""
        if self._fused:
            from assay.engines.torch import triton_pooling

            return triton_pooling.forward(x, self.layer.sliding)
        if not self._apart or x.device.type != "cpu":
            y, cache = self._pool.forward(x)
            y.relu_()
            return y, (cache, y)
        rows = _rows(x)
        y = rows.new_empty(len(x), *self.layer.sliding.output_size(self.site.input_shape), x.shape[1])
        which = torch.empty_like(y, dtype=torch.uint8)
        compiled_pooling.maximum(_bits(rows), self._apart, _bits(y), which.numpy())
        return y.permute(0, 3, 1, 2), which

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Send each gradient to its maximum, if that was positive."""
        if isinstance(cache, tuple):
            kept, y = cache
            return self._pool.backward(kept, aten.threshold_backward(dy, y, 0))
        if self._fused:
            from assay.engines.torch import triton_pooling

            size = self.site.input_shape[1], self.site.input_shape[2]
            return triton_pooling.backward(dy, cache, size, self.layer.sliding)
        dx = _empty(self.site, dy)
        compiled_pooling.maximum_gradient(_bits(_rows(dy)), cache.numpy(), self._apart, _bits(dx))
        return dx.permute(0, 3, 1, 2)


class RectifiedAvgPool2dOp(Op):
    """ReLU and AvgPool2d."""

    def __init__(self, site: Site, layer: RectifiedAvgPool2d) -> None:
        super().__init__(site, layer)
        self._pool = AvgPool2dOp(site, layer)
        self._apart = _apart(layer.sliding) if layer.count_include_pad else None

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Rectify x in place, since its original values are not needed, and take the means."""
        return self._pool.forward(x.relu_())

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Share each gradient out evenly, where x is positive."""
        if not self._apart or dy.device.type != "cpu":
            dx = self._pool.backward(cache, dy)
            return aten.threshold_backward(dx, cache, 0)
        share, dx = _rows(dy) / self.layer.sliding.area, _empty(self.site, dy)
        compiled_pooling.mean_gradient(_bits(share), _bits(_rows(cache)), self._apart, _bits(dx))
        return dx.permute(0, 3, 1, 2)


def _apart(sliding: Sliding) -> compiled_pooling.Windows | None:
    """Return the windows if they do not overlap and their entries can be counted in a byte."""
    windows = compiled_pooling.Windows(sliding.kernel_size, sliding.stride, sliding.padding)
    apart = all(k <= s for k, s in zip(windows.kernel_size, windows.stride, strict=True))
    return windows if apart and sliding.area < 256 else None


def _rows(x: Tensor) -> Tensor:
    """Return maps as (N, H, W, C); a view where they lie channels last."""
    return x.permute(0, 2, 3, 1).contiguous()


def _empty(site: Site, dy: Tensor) -> Tensor:
    """Return room for the gradient of the input, as `_rows` has it."""
    n, channels = dy.shape[:2]
    return dy.new_empty(n, *site.input_shape[1:], channels)


def _bits(x: Tensor) -> compiled_pooling.Bits:
    """See numbers as integers of the same width."""
    bits: compiled_pooling.Bits = x.view(INTEGERS[x.element_size()]).numpy()
    return bits
