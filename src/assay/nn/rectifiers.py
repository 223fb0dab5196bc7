"""Relatives of ReLU that pass some of the negative side."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.errors import finite, require
from assay.nn.activation import Activation
from assay.shapes import Array


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """f(x) = x where x > 0, else a x; f' = 1 or a.

    a is ``negative_slope``, and f'(0) as in PyTorch. Source: Maas et al. 2013, eq. 2.
    """

    negative_slope: float = 0.01
    kind: ClassVar[str] = "leakyrelu"

    def __post_init__(self) -> None:
        """Reject a slope that is not a number."""
        require(finite(self.negative_slope), "negative_slope", self.negative_slope, "a finite number")

    @property
    def nondecreasing(self) -> bool:
        """Unless a is negative."""
        return self.negative_slope >= 0

    def value(self, x: Array) -> Array:
        """Scale what is negative."""
        return np.where(x > 0, x, self.negative_slope * x)

    def slope(self, x: Array) -> Array:
        """1 or a."""
        return np.where(x > 0, x.dtype.type(1), x.dtype.type(self.negative_slope))


@dataclass(frozen=True)
class ELU(Activation):
    """f(x) = x where x > 0, else a (e^x - 1); f' = 1 or a e^x.

    a is ``alpha``. Source: Clevert et al. 2016, eq. 15.
    """

    alpha: float = 1.0
    kind: ClassVar[str] = "elu"

    def __post_init__(self) -> None:
        """Reject an alpha that is not a number."""
        require(finite(self.alpha), "alpha", self.alpha, "a finite number")

    @property
    def nondecreasing(self) -> bool:
        """Unless a is negative."""
        return self.alpha >= 0

    def value(self, x: Array) -> Array:
        """Bend what is negative towards -a."""
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

    def slope(self, x: Array) -> Array:
        """1 or a e^x."""
        return np.where(x > 0, x.dtype.type(1), self.alpha * np.exp(np.minimum(x, 0)))


@dataclass(frozen=True)
class SELU(Activation):
    """f(x) = s ELU(x), with the s and alpha that preserve mean 0 and variance 1.

    Source: Klambauer et al. 2017, eq. 2 and 14. Weights should start `LeCunNormal`.
    """

    kind: ClassVar[str] = "selu"
    nondecreasing: ClassVar[bool] = True
    SCALE: ClassVar[float] = 1.0507009873554804934193349852946
    ALPHA: ClassVar[float] = 1.6732632423543772848170429916717

    def value(self, x: Array) -> Array:
        """Scale an ELU."""
        return self.SCALE * ELU(self.ALPHA).value(x)

    def slope(self, x: Array) -> Array:
        """Scale an ELU's."""
        return self.SCALE * ELU(self.ALPHA).slope(x)
