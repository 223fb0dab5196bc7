"""The fully connected layer."""

import torch
from torch import Tensor

from assay.engines.torch.op import Cache, Op


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
