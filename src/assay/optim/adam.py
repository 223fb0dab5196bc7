"""Adam and AdamW."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.optim.base import Optimizer, Slots, require_betas, require_eps, root
from assay.shapes import Array


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, algorithm 1), epsilon outside the root as in PyTorch.

    m <- b1 m + (1 - b1) g and v <- b2 v + (1 - b2) g^2, then
    theta <- theta - lr m^ / (sqrt(v^) + eps) with m^ = m / (1 - b1^t), v^ = v / (1 - b2^t).
    Defaults are the paper's. With ``eps_inside_sqrt`` the divisor is sqrt(v^ + eps);
    without ``bias_correction`` m^ = m and v^ = v.
    """

    lr: float = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    bias_correction: bool = True
    eps_inside_sqrt: bool = False

    def __post_init__(self) -> None:
        """Reject decay rates outside [0, 1) and an epsilon that is not positive."""
        super().__post_init__()
        require_betas(self.betas)
        require_eps(self.eps)

    def slots(self, theta: Array) -> Slots:
        """First and second moment, zero."""
        return {"exp_avg": np.zeros_like(theta), "exp_avg_sq": np.zeros_like(theta)}

    def step(self, theta: Array, grad: Array, slots: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """Take one step, scaled by the moments' estimates."""
        beta1, beta2 = self.betas
        m = beta1 * slots["exp_avg"] + (1 - beta1) * grad
        v = beta2 * slots["exp_avg_sq"] + (1 - beta2) * grad**2
        m_hat = m / (1 - beta1**t) if self.bias_correction else m
        v_hat = v / (1 - beta2**t) if self.bias_correction else v
        theta = theta - lr * m_hat / root(v_hat, self.eps, self.eps_inside_sqrt)
        return theta, {"exp_avg": m, "exp_avg_sq": v}


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay w: theta <- (1 - lr w) theta before the step.

    The gradient and its moments never see the decay, so it is the same for
    every parameter (Loshchilov and Hutter 2019, algorithm 2). Defaults as in PyTorch.
    """

    weight_decay: float = 0.01
    decoupled: ClassVar[bool] = True

    def update(
        self, theta: Array, grad: Array, slots: Slots, t: int, factor: float = 1.0
    ) -> tuple[Array, Slots]:
        """Decay the parameter itself, then step."""
        lr = self.lr * factor
        return self.step(theta * (1 - lr * self.weight_decay), grad, slots, t, lr)
