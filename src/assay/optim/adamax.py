"""Adamax."""

from dataclasses import dataclass

import numpy as np

from assay.optim.base import Optimizer, Slots, require_betas, require_eps
from assay.shapes import Array


@dataclass(frozen=True)
class Adamax(Optimizer):
    """Adam with the largest gradient in place of the mean square (Kingma and Ba 2015, algorithm 2).

    m <- b1 m + (1 - b1) g and u <- max(b2 u, ``|g|`` + eps), then
    theta <- theta - lr / (1 - b1^t) m / u. Epsilon, which the paper does not
    have, and defaults as in PyTorch.
    """

    lr: float = 0.002
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        """Reject decay rates outside [0, 1) and an epsilon that is not positive."""
        super().__post_init__()
        require_betas(self.betas)
        require_eps(self.eps)

    def slots(self, theta: Array) -> Slots:
        """First moment and largest gradient, zero."""
        return {"exp_avg": np.zeros_like(theta), "exp_inf": np.zeros_like(theta)}

    def step(self, theta: Array, grad: Array, slots: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """Take one step of at most about lr."""
        beta1, beta2 = self.betas
        m = beta1 * slots["exp_avg"] + (1 - beta1) * grad
        u = np.maximum(beta2 * slots["exp_inf"], np.abs(grad) + self.eps)
        return theta - lr / (1 - beta1**t) * m / u, {"exp_avg": m, "exp_inf": u}
