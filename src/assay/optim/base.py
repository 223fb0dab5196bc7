"""The interface of a learning rule."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.errors import finite, require
from assay.nn.authored import Authored
from assay.shapes import Array

Slots = dict[str, Array]
"""A rule's state for one parameter, by PyTorch's names."""


@dataclass(frozen=True)
class Optimizer(Authored, ABC):
    """A learning rule.

    ``weight_decay`` w adds w theta to the gradient of every parameter, biases
    too, before the rule sees it, as PyTorch does: the gradient of (w/2)|theta|^2.
    `assay.optim.penalties.L2` is the same on weights alone, and in the loss.
    """

    lr: float
    weight_decay: float = 0.0
    decoupled: ClassVar[bool] = False
    """Whether ``weight_decay`` acts on the parameter itself and the rule never sees it."""

    def __post_init__(self) -> None:
        """Reject values with which no step can be taken."""
        require(finite(self.lr) and self.lr > 0, "lr", self.lr, "a finite number > 0")
        decay = self.weight_decay
        require(finite(decay) and decay >= 0, "weight_decay", decay, "a finite number >= 0")

    @abstractmethod
    def slots(self, theta: Array) -> Slots:
        """Return the rule's memory of ``theta`` before the first step."""

    @abstractmethod
    def step(self, theta: Array, grad: Array, slots: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """Return theta and memory after step ``t`` with ``lr``, weight decay already in ``grad``."""

    def update(
        self, theta: Array, grad: Array, slots: Slots, t: int, factor: float = 1.0
    ) -> tuple[Array, Slots]:
        """Return theta and memory after step ``t`` (from 1) along dL/dtheta = ``grad``.

        ``factor`` is what a schedule (`assay.optim.schedules`) multiplies ``lr`` by at this step.
        """
        if self.weight_decay:
            grad = grad + self.weight_decay * theta
        return self.step(theta, grad, slots, t, self.lr * factor)


def root(mean_square: Array, eps: float, inside: bool) -> Array:
    """Return the step's divisor: sqrt(s) + eps, or sqrt(s + eps) if ``inside``.

    Authors differ; with eps inside, steps along a vanishing gradient are far
    smaller (eps = 1e-8 then acts as 1e-4 outside).
    """
    root: Array = np.sqrt(mean_square + eps) if inside else np.sqrt(mean_square) + eps
    return root


def require_betas(betas: tuple[float, float]) -> None:
    """Reject decay rates other than two numbers in [0, 1)."""
    require(len(betas) == 2, "betas", betas, "two numbers")
    require(all(0 <= beta < 1 for beta in betas), "betas", betas, "two numbers in [0, 1)")


def require_eps(eps: float) -> None:
    """Reject an epsilon that does not prevent division by zero."""
    require(finite(eps) and eps > 0, "eps", eps, "a finite number > 0")
