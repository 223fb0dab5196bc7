"""Penalties: what the size of the parameters adds to the loss.

A penalty is part of what is minimised, so its gradient goes through the
learning rule with the rest; decoupled weight decay (`assay.optim.AdamW`) does
not. It acts on parameters by their role (`assay.nn.layer.Role`): on weights
by default, not on biases or on the scales of batch normalisation.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assay.errors import finite, require
from assay.nn.authored import Authored
from assay.nn.layer import Gradients, Parameter, Parameters, Role
from assay.shapes import Array


@dataclass(frozen=True)
class Penalty(Authored, ABC):
    """``strength`` times a measure of size, summed over all parameters with one of ``roles``."""

    strength: float
    roles: tuple[Role, ...] = ("weight",)

    def __post_init__(self) -> None:
        """Reject a strength that is not finite or is negative, and unknown roles."""
        holds = finite(self.strength) and self.strength >= 0
        require(holds, "strength", self.strength, "a finite number >= 0")
        known = ("weight", "bias", "scale")
        require(set(self.roles) <= set(known), "roles", self.roles, f"among {', '.join(known)}")

    @abstractmethod
    def value(self, theta: Array) -> float:
        """Return what ``theta`` adds to the loss."""

    @abstractmethod
    def gradient(self, theta: Array) -> Array:
        """Return the derivative of `value`."""


@dataclass(frozen=True)
class L1(Penalty):
    """strength sum ``|theta|``; the gradient is strength sign(theta), 0 at 0 (Tibshirani 1996)."""

    def value(self, theta: Array) -> float:
        """Sum the absolute values."""
        return self.strength * float(np.abs(theta).sum(dtype=np.float64))

    def gradient(self, theta: Array) -> Array:
        """Return strength, with theta's sign."""
        return self.strength * np.sign(theta)


@dataclass(frozen=True)
class L2(Penalty):
    """(strength / 2) sum theta^2; the gradient is strength theta (Goodfellow et al. 2016, eq. 7.2).

    **Half the sum of squares**, so that ``strength`` means what PyTorch's
    ``weight_decay`` means; a text without the half has twice this gradient for the same strength.
    """

    def value(self, theta: Array) -> float:
        """Sum the squares."""
        return self.strength / 2 * float(np.square(theta, dtype=np.float64).sum())

    def gradient(self, theta: Array) -> Array:
        """Return strength times theta."""
        return self.strength * theta


def total(penalties: Sequence[Penalty], specs: Mapping[str, Parameter], params: Parameters) -> float:
    """Return what ``penalties`` add to the loss, given each parameter's description and value."""
    return sum(
        penalty.value(params[name])
        for penalty in penalties
        for name, spec in specs.items()
        if spec.role in penalty.roles
    )


def add_gradients(
    penalties: Sequence[Penalty], specs: Mapping[str, Parameter], params: Parameters, gradients: Gradients
) -> Gradients:
    """Return ``gradients`` with those of ``penalties`` added."""
    result = dict(gradients)
    for penalty in penalties:
        for name, spec in specs.items():
            if spec.role in penalty.roles:
                result[name] = result[name] + penalty.gradient(params[name])
    return result
