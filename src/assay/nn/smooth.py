"""Smooth activations."""

from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar

import numpy as np

from assay.nn.activation import Activation
from assay.shapes import Array


@dataclass(frozen=True)
class Sigmoid(Activation):
    """f(x) = 1 / (1 + e^-x); f' = f (1 - f). Computed so that no exponential overflows."""

    kind: ClassVar[str] = "sigmoid"
    nondecreasing: ClassVar[bool] = True

    def value(self, x: Array) -> Array:
        """Squash to (0, 1)."""
        return np.exp(-np.logaddexp(0, -x))

    def slope(self, x: Array) -> Array:
        """Return f (1 - f), where 1 - f(x) = f(-x)."""
        return self.value(x) * self.value(-x)


@dataclass(frozen=True)
class Tanh(Activation):
    """f(x) = tanh x; f' = 1 - f^2."""

    kind: ClassVar[str] = "tanh"
    nondecreasing: ClassVar[bool] = True

    def value(self, x: Array) -> Array:
        """Squash to (-1, 1)."""
        return np.tanh(x)

    def slope(self, x: Array) -> Array:
        """1 - f^2."""
        return 1 - np.tanh(x) ** 2


@dataclass(frozen=True)
class Softplus(Activation):
    """f(x) = log(1 + e^x); f' = sigmoid(x) (Dugas et al. 2001).

    Exact for every x; PyTorch returns x itself beyond its ``threshold`` of 20, which differs by 2e-9.
    """

    kind: ClassVar[str] = "softplus"
    nondecreasing: ClassVar[bool] = True

    def value(self, x: Array) -> Array:
        """Bend smoothly from 0 to x."""
        return np.logaddexp(0, x)

    def slope(self, x: Array) -> Array:
        """Return the sigmoid."""
        return Sigmoid().value(x)


@dataclass(frozen=True)
class GELU(Activation):
    """f(x) = x P(x), P the normal distribution function; f' = P(x) + x p(x), p its density.

    Hendrycks and Gimpel 2016, section 2; exact, not the tanh approximation, as in PyTorch by default.
    """

    kind: ClassVar[str] = "gelu"

    def value(self, x: Array) -> Array:
        """Weight x by its normal distribution function."""
        return x * _normal_cdf(x)

    def slope(self, x: Array) -> Array:
        """P + x p."""
        density = np.exp(-(np.clip(x, -40, 40) ** 2) / 2) / sqrt(2 * pi)  # 0 beyond, and no overflow
        return _normal_cdf(x) + x * density


def _normal_cdf(x: Array) -> Array:
    from scipy.special import ndtr  # here, since SciPy takes longer to import than all of nn

    y: Array = ndtr(x)
    return y
