"""NAdam."""

from dataclasses import dataclass

import numpy as np

from assay.errors import finite, require
from assay.optim.base import Optimizer, Slots, require_betas, require_eps
from assay.shapes import Array


@dataclass(frozen=True)
class NAdam(Optimizer):
    """Adam with Nesterov's momentum (Dozat 2016, algorithm 2), as PyTorch has it.

    With u_t = b1 (1 - 0.96^(t d) / 2), d = ``momentum_decay``, and U_t their
    product up to t; m and v^ as in `Adam`::

        theta <- theta - lr / (sqrt(v^) + eps) ((1 - u_t) g / (1 - U_t) + u_(t+1) m / (1 - U_(t+1)))

    The slot ``mu_product`` holds U_t, a single number. Defaults as in PyTorch.
    """

    lr: float = 0.002
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    momentum_decay: float = 0.004

    def __post_init__(self) -> None:
        """Reject decay rates outside their range and an epsilon that is not positive."""
        super().__post_init__()
        require_betas(self.betas)
        require_eps(self.eps)
        require(self.momentum_decay >= 0, "momentum_decay", self.momentum_decay, "a number >= 0")
        require(finite(self.momentum_decay), "momentum_decay", self.momentum_decay, "a finite number")

    def slots(self, theta: Array) -> Slots:
        """Return both moments, zero, and the product of momenta, one."""
        zeros = {"exp_avg": np.zeros_like(theta), "exp_avg_sq": np.zeros_like(theta)}
        return {**zeros, "mu_product": np.ones((), theta.dtype)}

    def step(self, theta: Array, grad: Array, slots: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """Take one step, applying this gradient's share of the momentum early."""
        beta1, beta2 = self.betas
        m = beta1 * slots["exp_avg"] + (1 - beta1) * grad
        v = beta2 * slots["exp_avg_sq"] + (1 - beta2) * grad**2
        now, ahead = self._momentum(t), self._momentum(t + 1)
        product = np.asarray(slots["mu_product"] * now, theta.dtype)
        direction = (1 - now) * grad / (1 - product) + ahead * m / (1 - product * ahead)
        theta = theta - lr * direction / (np.sqrt(v / (1 - beta2**t)) + self.eps)
        return theta, {"exp_avg": m, "exp_avg_sq": v, "mu_product": product}

    def _momentum(self, t: int) -> float:
        return float(self.betas[0] * (1 - 0.5 * 0.96 ** (t * self.momentum_decay)))
