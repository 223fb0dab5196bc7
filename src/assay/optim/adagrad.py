"""Rules that divide by the root of past squared gradients: their sum, or their running mean."""

from dataclasses import dataclass

import numpy as np

from assay.errors import require
from assay.optim.base import Optimizer, Slots, require_eps, root
from assay.shapes import Array


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """s <- s + g^2, then theta <- theta - lr g / (sqrt(s) + eps); defaults as in PyTorch.

    Source: Duchi et al. 2011, figure 1. With ``eps_inside_sqrt`` the divisor is sqrt(s + eps).
    """

    lr: float = 0.01
    eps: float = 1e-10
    eps_inside_sqrt: bool = False

    def __post_init__(self) -> None:
        """Reject an epsilon that is not positive."""
        super().__post_init__()
        require_eps(self.eps)

    def slots(self, theta: Array) -> Slots:
        """Return the sum, zero."""
        return {"sum": np.zeros_like(theta)}

    def step(self, theta: Array, grad: Array, slots: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """Take one step, shorter the more gradient this parameter has accumulated."""
        del t
        total = slots["sum"] + grad**2
        return theta - lr * grad / root(total, self.eps, self.eps_inside_sqrt), {"sum": total}


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """s <- a s + (1 - a) g^2, then theta <- theta - lr g / (sqrt(s) + eps); defaults as in PyTorch.

    a is ``alpha``. Source: Tieleman and Hinton 2012, lecture 6.5. With
    ``eps_inside_sqrt`` the divisor is sqrt(s + eps).
    """

    lr: float = 0.01
    alpha: float = 0.99
    eps: float = 1e-8
    eps_inside_sqrt: bool = False

    def __post_init__(self) -> None:
        """Reject a decay rate outside [0, 1) and an epsilon that is not positive."""
        super().__post_init__()
        require(0 <= self.alpha < 1, "alpha", self.alpha, "a number in [0, 1)")
        require_eps(self.eps)

    def slots(self, theta: Array) -> Slots:
        """Return the running mean, zero."""
        return {"square_avg": np.zeros_like(theta)}

    def step(self, theta: Array, grad: Array, slots: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """Take one step of about lr, whatever the gradient's size."""
        del t
        mean = self.alpha * slots["square_avg"] + (1 - self.alpha) * grad**2
        return theta - lr * grad / root(mean, self.eps, self.eps_inside_sqrt), {"square_avg": mean}
