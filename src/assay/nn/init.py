"""Initialisers: how weights are drawn before the first step.

Each is a frozen dataclass called with a generator, the parameter's shape and
its fans; it returns float64, which an engine rounds to the precision it uses,
so that a seed gives the same weights in every precision.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod, sqrt

import numpy as np

from assay.shapes import Array, Shape


class Initializer(ABC):
    """Draws the initial values of a parameter."""

    @abstractmethod
    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Return an array of ``shape``, float64."""


@dataclass(frozen=True)
class Constant(Initializer):
    """A constant; zero by default, as for biases."""

    value: float = 0.0

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Return ``value`` everywhere."""
        del generator, fan_in, fan_out
        return np.full(shape, self.value)


@dataclass(frozen=True)
class Uniform(Initializer):
    """U(low, high), whatever the fans; PyTorch's defaults."""

    low: float = 0.0
    high: float = 1.0

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Draw from the uniform distribution."""
        del fan_in, fan_out
        return generator.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class Normal(Initializer):
    """N(mean, std^2), whatever the fans; PyTorch's defaults."""

    mean: float = 0.0
    std: float = 1.0

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Draw from the normal distribution."""
        del fan_in, fan_out
        return generator.normal(self.mean, self.std, shape)


@dataclass(frozen=True)
class GlorotUniform(Initializer):
    """U(-b, b) with b = sqrt(6 / (fan_in + fan_out)); Glorot and Bengio 2010, eq. 16."""

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Draw from the uniform distribution."""
        bound = sqrt(6 / (fan_in + fan_out))
        return generator.uniform(-bound, bound, shape)


@dataclass(frozen=True)
class GlorotNormal(Initializer):
    """N(0, 2 / (fan_in + fan_out)); Glorot and Bengio 2010, eq. 12."""

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Draw from the normal distribution."""
        return generator.normal(0, sqrt(2 / (fan_in + fan_out)), shape)


@dataclass(frozen=True)
class HeUniform(Initializer):
    """U(-b, b) with b = sqrt(6 / ((1 + a^2) fan_in)); He et al. 2015, eq. 15.

    ``negative_slope`` is the a of a leaky ReLU. PyTorch draws the weights of its
    ``Conv2d`` and ``Linear`` with a = sqrt(5), that is b = 1 / sqrt(fan_in).
    """

    negative_slope: float = 0.0

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Draw from the uniform distribution."""
        del fan_out
        bound = sqrt(6 / ((1 + self.negative_slope**2) * fan_in))
        return generator.uniform(-bound, bound, shape)


@dataclass(frozen=True)
class HeNormal(Initializer):
    """N(0, 2 / ((1 + a^2) fan_in)); He et al. 2015, eq. 10 and 15."""

    negative_slope: float = 0.0

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Draw from the normal distribution."""
        del fan_out
        return generator.normal(0, sqrt(2 / ((1 + self.negative_slope**2) * fan_in)), shape)


@dataclass(frozen=True)
class LeCunUniform(Initializer):
    """U(-b, b) with b = sqrt(3 / fan_in): variance 1 / fan_in (LeCun et al. 1998, eq. 16)."""

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Draw from the uniform distribution."""
        del fan_out
        bound = sqrt(3 / fan_in)
        return generator.uniform(-bound, bound, shape)


@dataclass(frozen=True)
class LeCunNormal(Initializer):
    """N(0, 1 / fan_in); LeCun et al. 1998, eq. 16. What SELU asks for (Klambauer et al. 2017)."""

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Draw from the normal distribution."""
        del fan_out
        return generator.normal(0, sqrt(1 / fan_in), shape)


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """``gain`` times a random matrix with orthonormal rows, or columns if these are fewer.

    Source: Saxe et al. 2014.
    The matrix is (first size, product of the others), so each of a convolution's
    kernels is a row. It is Q of the QR decomposition of normal numbers, with R's
    diagonal made positive: without that, Q is not uniform (Mezzadri 2007).
    """

    gain: float = 1.0

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Draw a normal matrix and orthonormalise it."""
        del fan_in, fan_out
        rows, columns = shape[0], prod(shape[1:])
        q, r = np.linalg.qr(generator.normal(size=(max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


PYTORCH_DEFAULT = HeUniform(negative_slope=sqrt(5))
"""The distribution from which ``torch.nn.Linear`` and ``torch.nn.Conv2d`` draw their weights."""

GLOROT_UNIFORM = GlorotUniform()
"""The default for weights."""

ZEROS = Constant(0.0)
"""The default for biases."""
