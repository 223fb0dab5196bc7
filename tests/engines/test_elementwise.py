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
from assay.engines.numba.kernels.lanes import VECTOR_BYTES, load, store
from assay.engines.numba.kernels.spelling import takes_vectors
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
    s = 1 + abs(b * x)
    return a / (s * s)


@numba.njit(error_model="numpy")
def leak(x):
    return x if x > 0 else 0.1 * x


@numba.njit(error_model="numpy")
def leak_slope(x):
    return 1.0 if x > 0 else 0.1


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
class Leak(Activation):
    """Has a condition, so that numbers are taken one by one."""

    kind: ClassVar[str] = "leak"
    elementwise = (leak, leak_slope)

    def value(self, x):
        return np.where(x > 0, x, 0.1 * x)

    def slope(self, x):
        return np.where(x > 0, 1.0, 0.1)


@dataclass(frozen=True)
class Named(Softsign):
    name: str = "no number"


@dataclass(frozen=True)
class Plain(Softsign):
    elementwise = (lambda x, a, b: x, slope)


S, T, C = Softsign(), Softsign(b=0.5), Leak()
DENSE = Network(
    (Flatten(), S, Linear(9), T, Linear(8), BatchNorm1d(), C, Dropout(0.2), C, Linear(5)), (1, 4, 5)
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


def test_which_functions_take_vectors():
    assert [takes_vectors(f, 2) for f in (bend, slope)] == [True, True]
    assert [takes_vectors(f, 0) for f in (leak, leak_slope)] == [False, False]


@numba.njit
def spelt(x):
    return np.exp(x), abs(-x), np.sqrt(abs(x)), max(x, 0), np.minimum(1.5, x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_vectors_are_computed_as_numbers_are(dtype):
    """Also where e^x overflows or underflows, and of nan."""

    @numba.njit
    def run(memory, out):
        a, b, c, d, e = spelt(load(memory, 0))
        store(out, 0, a)
        store(out, 16, b)
        store(out, 32, c)
        store(out, 48, d)
        store(out, 64, e)

    few = [0, -0.0, 1e-7, -3, 0.5, 80, -80, 200, -200, 2000, -2000, np.inf, -np.inf, np.nan, 1, -1]
    memory, out = np.array(few, dtype), np.zeros(5 * 16, dtype)
    run(memory, out)
    lanes = VECTOR_BYTES // memory.itemsize
    with np.errstate(all="ignore"):
        x = memory[:lanes]
        expected = [np.exp(x), abs(x), np.sqrt(abs(x)), np.maximum(x, 0), np.minimum(1.5, x)]
    for found, value in zip(out.reshape(5, 16), expected, strict=True):
        np.testing.assert_allclose(found[:lanes], value, rtol=40 * np.finfo(dtype).eps, atol=1e-37)


def test_auto_takes_it():
    recipe = Recipe(SGD(0.05))
    assert choose("auto", DENSE, recipe).engine.name == "numba"


@pytest.mark.parametrize("layer", [Named(), Plain()], ids=["field that is no number", "not compiled"])
def test_auto_says_why_not(layer):
    network = Network((Flatten(), layer, Linear(5)), (1, 4, 5))
    choice = choose("auto", network, Recipe(SGD(0.05)))
    assert choice.engine.name == "reference"
    assert choice.why.startswith(f"the slowest one: numba has no {type(layer).__name__}")
