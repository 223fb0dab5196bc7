"""Learning rules: the formula of each, once.

A rule is a frozen dataclass. `Optimizer.update` takes one parameter, its
gradient and the rule's memory of it, and returns the new values of both; t
counts steps from 1. The reference engine calls it as it stands and every other
engine is tested against it.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import isfinite

import numpy as np

from assay.errors import StudyError
from assay.shapes import Array

Slots = dict[str, Array]
"""What a rule remembers of one parameter, by the name that PyTorch gives it."""


@dataclass(frozen=True)
class Optimizer(ABC):
    """A learning rule.

    ``weight_decay`` w adds w theta to the gradient before the rule sees it, as
    PyTorch does: the gradient of (w/2)|theta|^2, so half the usual L2 penalty's factor.
    """

    lr: float
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values with which no step can be taken."""
        _require(isfinite(self.lr) and self.lr > 0, "lr", self.lr, "a finite number > 0")
        decay = self.weight_decay
        _require(isfinite(decay) and decay >= 0, "weight_decay", decay, "a finite number >= 0")

    @abstractmethod
    def slots(self, theta: Array) -> Slots:
        """Return the rule's memory of ``theta`` before the first step."""

    @abstractmethod
    def step(self, theta: Array, grad: Array, slots: Slots, t: int) -> tuple[Array, Slots]:
        """Return theta and memory after step ``t``, weight decay already in ``grad``."""

    def update(self, theta: Array, grad: Array, slots: Slots, t: int) -> tuple[Array, Slots]:
        """Return theta and memory after step ``t`` (from 1) along dL/dtheta = ``grad``."""
        if self.weight_decay:
            grad = grad + self.weight_decay * theta
        return self.step(theta, grad, slots, t)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent: theta <- theta - lr g (Robbins and Monro 1951)."""

    lr: float = 0.001

    def slots(self, theta: Array) -> Slots:
        """Nothing is remembered."""
        del theta
        return {}

    def step(self, theta: Array, grad: Array, slots: Slots, t: int) -> tuple[Array, Slots]:
        """Take one step downhill."""
        del t
        return theta - self.lr * grad, slots


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, algorithm 1), epsilon outside the root as in PyTorch.

    m <- b1 m + (1 - b1) g and v <- b2 v + (1 - b2) g^2, then
    theta <- theta - lr m^ / (sqrt(v^) + eps) with m^ = m / (1 - b1^t), v^ = v / (1 - b2^t).
    Defaults are the paper's.
    """

    lr: float = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        """Refuse decay rates outside [0, 1) and an epsilon that is not positive."""
        super().__post_init__()
        _require(len(self.betas) == 2, "betas", self.betas, "two numbers")
        _require(all(0 <= beta < 1 for beta in self.betas), "betas", self.betas, "two numbers in [0, 1)")
        _require(isfinite(self.eps) and self.eps > 0, "eps", self.eps, "a finite number > 0")

    def slots(self, theta: Array) -> Slots:
        """First and second moment, zero."""
        return {"exp_avg": np.zeros_like(theta), "exp_avg_sq": np.zeros_like(theta)}

    def step(self, theta: Array, grad: Array, slots: Slots, t: int) -> tuple[Array, Slots]:
        """Take one step, scaled by the moments' estimates."""
        beta1, beta2 = self.betas
        m = beta1 * slots["exp_avg"] + (1 - beta1) * grad
        v = beta2 * slots["exp_avg_sq"] + (1 - beta2) * grad**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        theta = theta - self.lr * m_hat / (np.sqrt(v_hat) + self.eps)
        return theta, {"exp_avg": m, "exp_avg_sq": v}


def _require(holds: bool, key: str, found: object, expected: str) -> None:
    if not holds:
        raise StudyError(f"{key} must be {expected}; got {found}")
