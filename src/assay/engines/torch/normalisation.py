"""Batch normalisation and dropout: the layers that behave differently in training."""

import numpy as np
import torch
from torch import Tensor

from assay.engines.torch.layout import fold
from assay.engines.torch.op import Cache, Generators, Op, Site
from assay.nn.batch_norm import BatchNorm, expect_values
from assay.nn.batch_norms import BatchNorm2d

aten = torch.ops.aten


class BatchNormOp(Op):
    """The units of all runs side by side, as the channels of one normalisation.

    Parameters and statistics are used as they are kept: in bfloat16 a
    running mean would keep too few digits.
    """

    def __init__(self, site: Site, layer: BatchNorm) -> None:
        super().__init__(site, layer)
        self._per_map = isinstance(layer, BatchNorm2d)
        self._scale = [site.weights[name].kept.flatten() for name in ("weight", "bias")]
        self._running = [site.buffers[name].flatten() for name in ("running_mean", "running_var")]
        self._momentum, self._eps = layer.momentum, layer.eps

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Normalise by the running statistics."""
        return self._forward(x, training=False)

    def forward_training(self, x: Tensor, generators: Generators) -> tuple[Tensor, Cache]:
        """Normalise by the batch's own statistics, and move the running ones."""
        del generators
        columns = self._columns(x)
        expect_values(columns.numel() // columns.shape[1], len(columns))
        return self._forward(x, training=True)

    def _forward(self, x: Tensor, training: bool) -> tuple[Tensor, Cache]:
        columns = self._columns(x)
        y, mean, inverse = aten.native_batch_norm(
            columns, *self._scale, *self._running, training, self._momentum, self._eps
        )
        return self._restore(y, x), (columns, mean, inverse)

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Differentiate, through the batch's mean and variance too."""
        columns, mean, inverse = cache
        dx, dweight, dbias = aten.native_batch_norm_backward(
            _laid_out_as(columns, self._columns(dy)),
            columns,
            self._scale[0],
            *self._running,
            mean,
            inverse,
            True,
            self._eps,
            [True, True, True],
        )
        for name, grad in (("weight", dweight), ("bias", dbias)):
            self.site.weights[name].grad.flatten().copy_(grad)
        return self._restore(dx, dy)

    def _columns(self, x: Tensor) -> Tensor:
        """Write values with one unit a channel: (N, R C, H, W) or (N, R U)."""
        if self._per_map:
            return x
        examples_first = x if x.ndim == 4 else x.transpose(0, 1)
        return examples_first.reshape(len(examples_first), -1)

    def _restore(self, columns: Tensor, like: Tensor) -> Tensor:
        if self._per_map:  # of a single example, `view_as` would make up a stride that convolutions trust
            return columns
        if like.ndim == 4:
            return columns.view_as(like)
        runs, n = like.shape[:2]
        return columns.view(n, runs, -1).transpose(0, 1)


def _laid_out_as(columns: Tensor, dy: Tensor) -> Tensor:
    """Return dy in the layout of the columns; of maps one pixel wide PyTorch would mistake another one."""
    return dy if dy.stride() == columns.stride() else torch.empty_like(columns).copy_(dy)


class DropoutOp(Op):
    """Drops what the reference drops: the masks are drawn the same way."""

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Change nothing."""
        return x, None

    def forward_training(self, x: Tensor, generators: Generators) -> tuple[Tensor, Cache]:
        """Leave out; keeps the scaled mask."""
        shape = self.layer.mask_shape(self.site.input_shape)
        n = len(x) if x.ndim == 4 else x.shape[1]
        kept = np.stack([generator.random((n, *shape)) >= self.layer.p for generator in generators()])
        mask = fold(torch.from_numpy(kept).to(x.device, x.dtype) / (1 - self.layer.p))
        return x * mask, mask

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Apply the same mask."""
        return dy * cache
