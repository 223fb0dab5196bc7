"""A user's layer with compiled functions, in the numba engine as in the reference engine."""

from dataclasses import dataclass
from typing import ClassVar

import numba
import numpy as np
import pytest
from numba_cases import assert_agree, train

from assay.engines import choose
from assay.engines.base import Recipe
from assay.engines.numba import NumbaEngine
from assay.engines.reference import ReferenceEngine
from assay.nn import AvgPool2d, BatchNorm1d, BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU
from assay.nn.activation import Activation
from assay.nn.network import Network
from assay.optim import SGD


@numba.njit(error_model="numpy")
def bend(x, a, b):
    return a * x / (1 + abs(b * x)) + 0.1  # not 0 at 0, as what lies beyond a batch's end must not matter


@numba.njit(error_model="numpy")
def slope(x, a, b):
    return a / (1 + abs(b * x)) ** 2


@dataclass(frozen=True)
class Softsign(Activation):
    a: float = 1.5
    b: float = 2.0
    kind: ClassVar[str] = "softsign"
    elementwise = (bend, slope)

    def value(self, x):
        return self.a * x / (1 + np.abs(self.b * x)) + x.dtype.type(0.1)

    def slope(self, x):
        return self.a / (1 + np.abs(self.b * x)) ** 2


@dataclass(frozen=True)
class Named(Softsign):
    name: str = "no number"


@dataclass(frozen=True)
class Plain(Softsign):
    elementwise = (lambda x, a, b: x, slope)


S, T = Softsign(), Softsign(b=0.5)
DENSE = Network(
    (Flatten(), S, Linear(9), T, Linear(8), BatchNorm1d(), S, Dropout(0.2), S, Linear(5)), (1, 4, 5)
)
SMALL = Network((Flatten(), Linear(9), S, Linear(5)), (1, 4, 5))
MAPS = Network(
    (
        Conv2d(3, 3, padding=1), S, Conv2d(4, 3, padding=2), BatchNorm2d(), S, MaxPool2d(2), S, ReLU(),
        Conv2d(3, 3, padding=1), MaxPool2d(2), S, AvgPool2d(2), S, Flatten(), S, Linear(5),
    ),
    (1, 12, 10),
)  # fmt: skip


@pytest.mark.parametrize("network", [DENSE, MAPS], ids=["dense", "maps"])
def test_everywhere_that_relu_stands_it_agrees_with_the_reference_engine(network):
    recipe = Recipe(SGD(0.05, momentum=0.5), 17, dtype="float64")
    compiled = train(NumbaEngine(), network, recipe, epochs=1, count=30)
    assert_agree(compiled, train(ReferenceEngine(), network, recipe, epochs=1, count=30), network)


def test_in_float32_too():
    recipe = Recipe(SGD(0.05), 17)
    engines = (NumbaEngine(), ReferenceEngine())
    a, b = (train(engine, SMALL, recipe, epochs=1, count=30).states()[0] for engine in engines)
    for name, value in a.parameters.items():
        np.testing.assert_allclose(value, b.parameters[name], rtol=2e-4, atol=2e-6)


def test_auto_takes_it():
    recipe = Recipe(SGD(0.05))
    assert choose("auto", DENSE, recipe).engine.name == "numba"


@pytest.mark.parametrize("layer", [Named(), Plain()], ids=["field that is no number", "not compiled"])
def test_auto_says_why_not(layer):
    network = Network((Flatten(), layer, Linear(5)), (1, 4, 5))
    choice = choose("auto", network, Recipe(SGD(0.05)))
    assert choice.engine.name == "reference"
    assert choice.why.startswith(f"the slowest one: numba has no {type(layer).__name__}")
