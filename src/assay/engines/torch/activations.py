"""Functions of one number; each keeps x or y, whichever PyTorch's derivative takes."""

import torch
from torch import Tensor

from assay.engines.torch.op import Cache, Op
from assay.engines.torch_modules import SOFTPLUS_THRESHOLD
from assay.nn.rectifiers import SELU
from assay.nn.relu import ReLU

aten = torch.ops.aten


class ReLUOp(Op):
    """max(x, 0)."""

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Keep what is positive."""
        y = torch.relu(x)
        return y, y

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Let the gradient through where y is positive."""
        return aten.threshold_backward(dy, cache, 0)


class OwnReLU(ReLU):
    """A ReLU behind a layer that does not need its own output any more: it may be overwritten."""


class OwnReLUOp(Op):
    """max(x, 0), overwriting x; backward overwrites dy."""

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Keep what is positive."""
        y = torch.relu_(x)
        return y, y

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Let the gradient through where y is positive."""
        return aten.threshold_backward.grad_input(dy, cache, 0, grad_input=dy)


class LeakyReLUOp(Op):
    """x or a x."""

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Scale what is negative."""
        return aten.leaky_relu(x, self.layer.negative_slope), x

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """1 or a."""
        return aten.leaky_relu_backward(dy, cache, self.layer.negative_slope, False)


class ELUOp(Op):
    """x or alpha (e^x - 1), scaled."""

    @property
    def _constants(self) -> tuple[float, float, float]:
        return self.layer.alpha, 1.0, 1.0

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Bend what is negative."""
        return aten.elu(x, *self._constants), x

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """1 or alpha e^x, scaled."""
        return aten.elu_backward(dy, *self._constants, False, cache)


class SELUOp(ELUOp):
    """The ELU that keeps mean 0 and variance 1."""

    @property
    def _constants(self) -> tuple[float, float, float]:
        return SELU.ALPHA, SELU.SCALE, 1.0


class SigmoidOp(Op):
    """1 / (1 + e^-x)."""

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Squash to (0, 1)."""
        y = torch.sigmoid(x)
        return y, y

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Multiply by y (1 - y)."""
        return aten.sigmoid_backward(dy, cache)


class TanhOp(Op):
    """The hyperbolic tangent."""

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Squash to (-1, 1)."""
        y = torch.tanh(x)
        return y, y

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """1 - y^2."""
        return aten.tanh_backward(dy, cache)


class SoftplusOp(Op):
    """log(1 + e^x)."""

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Bend smoothly from 0 to x."""
        return aten.softplus(x, 1, SOFTPLUS_THRESHOLD), x

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Return the sigmoid."""
        return aten.softplus_backward(dy, cache, 1, SOFTPLUS_THRESHOLD)


class GELUOp(Op):
    """x times the normal distribution function."""

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Weigh x by how large it is among normal numbers."""
        return aten.gelu(x), x

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """P + x p."""
        return aten.gelu_backward(dy, cache)
