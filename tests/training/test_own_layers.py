"""What is found of a user's layers, rules and penalties before anything is trained."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from assay.nn import Flatten, Linear, Residual, Sigmoid
from assay.nn.activation import Activation
from assay.nn.init import Constant
from assay.nn.layer import Layer, Parameter
from assay.nn.network import Network
from assay.optim import SGD, Adam
from assay.optim.penalties import L2
from assay.optim.recipe import Recipe
from assay.training.own_layers import check_own

RECIPE = Recipe(SGD(0.1))


@dataclass(frozen=True)
class Cube(Activation):
    factor: float = 3.0
    kind: ClassVar[str] = "cube"

    def value(self, x):
        return x**3

    def slope(self, x):
        return self.factor * x**2


@dataclass(frozen=True)
class Kink(Activation):
    kind: ClassVar[str] = "kink"

    def value(self, x):
        return np.abs(x)

    def slope(self, x):
        return np.sign(x)


@dataclass(frozen=True)
class Weighted(Layer):
    """y = w x, with a mistake that one asks for."""

    mistake: str = ""
    kind: ClassVar[str] = "weighted"

    def output_shape(self, shape):
        return (3,) if self.mistake == "shape" else shape

    def parameters(self, shape):
        return {"x" if self.mistake == "x" else "w": Parameter(shape, Constant(1.0))}

    def forward(self, params, x):
        if self.mistake == "raises":
            raise ValueError("on purpose")
        if self.mistake == "writes":
            x *= 2
        if self.mistake == "alone":
            return params["w"] * x
        noise = np.random.default_rng().normal() if self.mistake == "draws" else 0
        return params["w"] * x + noise, x

    def backward(self, params, cache, dy):
        dw = (dy * cache).sum(axis=0)
        if self.mistake == "mean":
            dw = dw / len(dy)
        if self.mistake == "flat":
            dw = dw[None]
        if self.mistake == "dx alone":
            return params["w"] * dy
        return params["w"] * dy, {} if self.mistake == "none" else {"w": dw}


@dataclass(frozen=True)
class Noisy(Weighted):
    """Differs in training, where alone it is wrong."""

    def forward_training(self, params, x, generator):
        mask = generator.random(x.shape) < 0.5
        return params["w"] * x * mask, x * mask

    def backward(self, params, cache, dy):
        return params["w"] * dy, {"w": (dy * cache).sum(axis=0)}


@dataclass(frozen=True)
class Fast(Cube):
    elementwise = (lambda x, factor: x**3, lambda x, factor: factor * x**2)


@dataclass(frozen=True)
class Unlike(Cube):
    elementwise = (lambda x, factor: x**3 + 1e-3, lambda x, factor: factor * x**2)


@dataclass(frozen=True)
class Rises(Cube):
    nondecreasing: ClassVar[bool] = True


@dataclass(frozen=True)
class Falls(Kink):
    nondecreasing: ClassVar[bool] = True


@dataclass(frozen=True)
class Rule(SGD):
    mistake: str = ""

    def step(self, theta, grad, slots, t, lr):
        if self.mistake == "writes":
            theta -= lr * grad
        wide = np.float64 if self.mistake == "wide" else np.float32
        return (theta - lr * grad).astype(wide), {"m": theta} if self.mistake == "memory" else slots


@dataclass(frozen=True)
class Quartic(L2):
    factor: float = 4.0

    def value(self, theta):
        return self.strength * float((theta**4).sum())

    def gradient(self, theta):
        return self.strength * self.factor * theta**3


def found(layer: Layer, recipe: Recipe = RECIPE) -> list[str]:
    """Return what is wrong, for each of the user's classes."""
    network = Network((Flatten(), layer, Linear(3)), (1, 2, 4))
    return [check.wrong for check in check_own(network, recipe)]


@pytest.mark.parametrize("layer", [Cube(), Kink(), Weighted(), Fast(), Rises()])
def test_what_is_right(layer):
    assert found(layer) == [""]


def test_assays_own_are_not_tried():
    assert found(Sigmoid(), replace(RECIPE, optimizer=Adam(0.1), penalties=(L2(0.1),))) == []


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Cube(2.9), "dL/dx: along a random direction backward gives"),
        (Weighted("mean"), "dL/dw: along a random direction backward gives"),
        (Noisy(), "dL/dx: along a random direction backward gives"),
        (Weighted("flat"), "dL/dw is 1 x 8, w is 8"),
        (Weighted("none"), "backward must return (dx, {'w': dw}), all arrays; got (ndarray, {})"),
        (Weighted("dx alone"), "backward must return (dx, {'w': dw}), all arrays; got ndarray"),
        (Weighted("x"), "a parameter called 'x', as the input is"),
        (Weighted("writes"), "forward writes into its input"),
        (Weighted("draws"), "two forwards of one input differ"),
        (Weighted("alone"), "forward must return (y, cache); got ndarray"),
        (Weighted("shape"), "forward gives 3 x 8 for a batch of 3, output_shape says 3 x 3"),
        (Weighted("raises"), "ValueError: on purpose"),
        (Unlike(), "elementwise: y at"),
        (Falls(), "nondecreasing: y falls, it is 30 at -30 and"),
    ],
    ids=repr,
)
def test_what_is_wrong(layer, words):
    (wrong,) = found(layer)
    assert words in wrong
    assert "\n" not in wrong


def test_each_place_is_tried_once_also_inside_others():
    layers = (Flatten(), Cube(), Residual((Cube(), Linear(8), Cube())), Cube(), Linear(3), Cube())
    places = [check.place for check in check_own(Network(layers, (1, 2, 4)), RECIPE)]
    assert places == ["layer cube1, input 8", "layer cube3, input 3"]


@pytest.mark.parametrize(
    ("mistake", "words"),
    [("", ""), ("writes", "step writes into theta"), ("wide", "of float64"), ("memory", "memory differs")],
)
def test_rules(mistake, words):
    (wrong,) = found(Sigmoid(), replace(RECIPE, optimizer=Rule(0.1, mistake=mistake)))
    assert words in wrong
    assert bool(wrong) == bool(mistake)


@pytest.mark.parametrize(("factor", "right"), [(4.0, True), (4.1, False)])
def test_penalties(factor, right):
    (wrong,) = found(Sigmoid(), replace(RECIPE, penalties=(Quartic(0.1, factor=factor),)))
    assert (wrong == "") == right
