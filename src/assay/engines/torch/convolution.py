"""Convolutions of R runs at once, in the ways of `assay.engines.torch.ways`."""

from math import prod

import torch
from torch import Tensor

from assay.engines.torch.layout import channels_last, unfold
from assay.engines.torch.op import Cache, Op, Site
from assay.engines.torch.winograd_tiles import TiledConvolution
from assay.nn.conv2d import Conv2d
from assay.nn.sliding import Sliding

aten = torch.ops.aten

ALIGNED = 8
"""Matrix columns are padded to a multiple of this, as a GPU's matrix units require."""


def conv2d(site: Site, layer: Conv2d) -> Op:
    """Return what computes a convolution the fastest."""
    if site.ways.by_patches(layer, site.input_shape[0], site.needs_dx):
        return PatchesConv2dOp(site, layer)
    if site.ways.by_winograd(layer, site.input_shape):
        return WinogradConv2dOp(site, layer)
    return (ApartConv2dOp if site.ways.by_own_gradients(layer) else Conv2dOp)(site, layer)


class Conv2dOp(Op):
    """The convolution of R runs in R times the layer's groups."""

    def __init__(self, site: Site, layer: Conv2d) -> None:
        super().__init__(site, layer)
        sliding = layer.sliding
        self._window = [list(sliding.stride), list(sliding.padding), list(sliding.dilation), False, [0, 0]]
        self._groups = site.runs * layer.groups
        self._weight = channels_last(site.weights["weight"].value.flatten(0, 1))
        self._bias = site.weights["bias"].value.flatten() if layer.bias else None

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Correlate and add the bias; keeps x."""
        x = channels_last(x)
        y = aten.convolution(x, self._weight, self._bias, *self._window, self._groups)
        return y, x

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Differentiate all three sums at once."""
        bias = None if self._bias is None else list(self._bias.shape)
        asked = [self.site.needs_dx, True, self._bias is not None]
        dx, dweight, dbias = aten.convolution_backward(
            channels_last(dy), cache, self._weight, bias, *self._window, self._groups, asked
        )
        weights = self.site.weights
        weights["weight"].grad.flatten(0, 1).copy_(dweight)
        if self._bias is not None:
            weights["bias"].grad.flatten().copy_(dbias)
        return dx if self.site.needs_dx else None


class ApartConv2dOp(Conv2dOp):
    """The same, with stride 1; backward, dL/dx is a convolution of dy and dL/dW a product with patches."""

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Differentiate one sum after the other."""
        weights, runs, sliding = self.site.weights, self.site.runs, self.layer.sliding
        padded = aten.constant_pad_nd(cache, _border(sliding), 0)
        seen = windows(unfold(padded, runs, (self.site.input_shape[0], *padded.shape[2:])), sliding)
        in_parts = self.site.ways.in_parts(seen.shape[1] * prod(seen.shape[2:4]))
        _rows(weights["weight"].grad).copy_(products(_positions(dy, runs), seen, in_parts))
        if self._bias is not None:
            weights["bias"].grad.flatten().copy_(dy.sum((0, 2, 3)))
        return self._input_gradient(dy) if self.site.needs_dx else None

    def _input_gradient(self, dy: Tensor) -> Tensor:
        """Correlate dy with the kernels, turned round."""
        sliding = self.layer.sliding
        turned = self.site.weights["weight"].value.transpose(1, 2).flip(3, 4).flatten(0, 1)
        reach = [
            d * (k - 1) - p
            for k, d, p in zip(sliding.kernel_size, sliding.dilation, sliding.padding, strict=True)
        ]
        kernel = turned.contiguous(memory_format=torch.channels_last)
        window = [[1, 1], reach, list(sliding.dilation), False, [0, 0]]
        dx: Tensor = aten.convolution(dy, kernel, None, *window, self._groups)
        return dx


class WinogradConv2dOp(Op):
    """Kernels of 3 x 3 with stride 1, with fewer multiplications; dL/dx is such a convolution of dy."""

    def __init__(self, site: Site, layer: Conv2d) -> None:
        super().__init__(site, layer)
        kernels, (up, left) = site.weights["weight"].value, layer.sliding.padding
        self._forward = TiledConvolution(site.runs, (up, left), kernels)
        self._backward = TiledConvolution(site.runs, (2 - up, 2 - left), kernels)
        self._bias = site.weights["bias"].value.flatten() if layer.bias else None

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Correlate and add the bias; keeps x, as its tiles are more than twice as large."""
        return self._forward.correlate(x, self.site.weights["weight"].value, self._bias), x

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Differentiate one sum after the other."""
        weights = self.site.weights
        weights["weight"].grad.copy_(self._forward.kernel_gradient(cache, dy))
        if self._bias is not None:
            weights["bias"].grad.flatten().copy_(dy.sum((0, 2, 3)))
        if not self.site.needs_dx:
            return None
        turned = weights["weight"].value.transpose(1, 2).flip(3, 4)
        return self._backward.correlate(dy, turned, None)


class PatchesConv2dOp(Op):
    """A first layer of few channels, as products of patches with the kernels; the bias is one extra entry."""

    def __init__(self, site: Site, layer: Conv2d) -> None:
        super().__init__(site, layer)
        self._entries = site.input_shape[0] * layer.sliding.area
        self._size = layer.sliding.output_size(site.input_shape)
        rest = -(self._entries + layer.bias) % ALIGNED + layer.bias
        self._rest = site.weights["weight"].value.new_zeros(rest)
        self._rest[: layer.bias] = 1

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Multiply; keeps the patches."""
        seen, runs, n = self._patches(x), self.site.runs, len(x)
        y = x.new_empty(n, *self._size, runs * self.layer.out_channels)
        by_run = y.view(n * prod(self._size), runs, -1).transpose(0, 1)
        torch.bmm(seen.flatten(1, 3), self._matrix().transpose(1, 2), out=by_run)
        return y.permute(0, 3, 1, 2), seen

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Multiply with the patches once more; before the first layer there is nothing to learn."""
        weights, positions = self.site.weights, len(dy) * prod(self._size)
        gradient = products(_positions(dy, self.site.runs), cache, self.site.ways.in_parts(positions))
        _rows(weights["weight"].grad).copy_(gradient[..., : self._entries])
        if self.layer.bias:
            weights["bias"].grad.copy_(gradient[..., self._entries])
        return None

    def _patches(self, x: Tensor) -> Tensor:
        """Write out what each position sees, 1 for the bias, and zeros up to `ALIGNED`: (R, N, H', W', K)."""
        runs, sliding = self.site.runs, self.layer.sliding
        padded = aten.constant_pad_nd(
            unfold(x, runs, self.site.input_shape).contiguous(), _border(sliding), 0
        )
        view = windows(padded, sliding)
        seen = x.new_empty(*view.shape[:4], self._entries + len(self._rest))
        seen[..., : self._entries].view(view.shape).copy_(view)
        seen[..., self._entries :] = self._rest
        return seen

    def _matrix(self) -> Tensor:
        """Return each run's kernels and bias as rows (R, O, K)."""
        weights = self.site.weights
        rows = _rows(weights["weight"].value)
        matrix = rows.new_zeros(*rows.shape[:2], self._entries + len(self._rest))
        matrix[..., : self._entries] = rows
        if self.layer.bias:
            matrix[..., self._entries] = weights["bias"].value
        return matrix


def windows(x: Tensor, sliding: Sliding) -> Tensor:
    """View padded maps (R, N, C, H, W) as windows (R, N, H', W', kh, kw, C)."""
    (sh, sw), (dh, dw) = sliding.stride, sliding.dilation
    runs, n, channels, height, width = x.shape
    inner = Sliding(sliding.kernel_size, sliding.stride, dilation=sliding.dilation)
    size = inner.output_size((channels, height, width))
    run, image, channel, row, column = x.stride()
    strides = (run, image, row * sh, column * sw, row * dh, column * dw, channel)
    return x.as_strided((runs, n, *size, *sliding.kernel_size, channels), strides, x.storage_offset())


def products(dy: Tensor, seen: Tensor, in_parts: bool) -> Tensor:
    """Return the sums (R, O, K) over all positions of dy (R, N, P, O) times what they saw (R, N, ...).

    In parts, each image is summed first, and patches that are only a
    view are materialised one run at a time.
    """
    runs, n, places, _ = dy.shape
    if in_parts:
        return torch.stack(
            [torch.bmm(own.mT, seen[run].reshape(n, places, -1)).sum(0) for run, own in enumerate(dy)]
        )
    return torch.bmm(dy.flatten(1, 2).mT, seen.reshape(runs, n * places, -1))


def _positions(dy: Tensor, runs: int) -> Tensor:
    """View maps (N, R O, H, W) that lie channels last as (R, N, H W, O)."""
    n, channels, height, width = dy.shape
    return dy.permute(0, 2, 3, 1).reshape(n, height * width, runs, channels // runs).permute(2, 0, 1, 3)


def _rows(weight: Tensor) -> Tensor:
    """View kernels (R, O, C, kh, kw), which lie channels last, as rows (R, O, kh kw C)."""
    return weight.permute(0, 1, 3, 4, 2).flatten(2)


def _border(sliding: Sliding) -> list[int]:
    """Return the padding as PyTorch takes it: left, right, above, below."""
    vertical, horizontal = sliding.padding
    return [horizontal, horizontal, vertical, vertical]
