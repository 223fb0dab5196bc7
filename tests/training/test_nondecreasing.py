"""A layer that says that it never falls: its values tell."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.nn import (
    ELU,
    GELU,
    SELU,
    Dropout,
    Flatten,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
)
from assay.nn.activation import Activation
from assay.nn.layer import Layer
from assay.training.nondecreasing import false_claim

SHAPES = [(1,), (7,), (2, 3, 4), (3, 40, 40)]


def saying_so(layer: Layer, said: object = True) -> Layer:
    """Return the layer of a class that says that it is nondecreasing."""
    cls = type(layer)
    object.__setattr__(layer, "__class__", type(cls.__name__, (cls,), {"nondecreasing": said}))
    return layer


@dataclass(frozen=True)
class Swish(Activation):
    beta: float = 1.0
    kind: ClassVar[str] = "swish"
    nondecreasing: ClassVar[bool] = True

    def value(self, x):
        return x / (1 + np.exp(-self.beta * x))

    def slope(self, x):
        raise NotImplementedError


@dataclass(frozen=True)
class Steps(Swish):
    def value(self, x):
        return np.floor(x.astype(np.float32) * 3)


@dataclass(frozen=True)
class Slopes(Swish):
    """Each place has a slope of its own."""

    def value(self, x):
        return x * np.linspace(1, 2, x[0].size).reshape(x.shape[1:])


@dataclass(frozen=True)
class Noisy(Swish):
    def forward(self, params, x):
        return np.tanh(x), None

    def forward_training(self, params, x, generator):
        return np.tanh(x) + generator.random(x.shape), None


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("layer", [ReLU(), SELU(), Sigmoid(), Tanh(), Softplus(), Steps()], ids=repr)
def test_what_never_falls(layer, shape):
    assert layer.nondecreasing
    assert false_claim(layer, shape) == ""


@given(st.sampled_from([LeakyReLU, ELU]), st.floats(-100, 100), st.sampled_from(SHAPES))
def test_a_parameter_decides(kind, value, shape):
    layer = kind(value)
    assert layer.nondecreasing == (value >= 0)
    assert false_claim(layer, shape) == ""
    if value < -1e-3:
        assert "y falls" in false_claim(saying_so(kind(value)), shape)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("layer", [saying_so(GELU()), Swish(), Swish(1000.0)], ids=repr)
def test_what_falls_anywhere(layer, shape):
    assert false_claim(layer, shape).startswith("nondecreasing: y falls, it is")


def test_what_falls_is_named():
    layer = saying_so(LeakyReLU(-0.5))
    assert (
        false_claim(layer, (2000,))
        == "nondecreasing: y falls, it is 15 at -30 and 3.40585e-06 at -6.8117e-06"
    )


@pytest.mark.parametrize(
    "layer", [saying_so(MaxPool2d(3, 1, 1)), saying_so(Dropout()), Slopes(), Noisy()], ids=repr
)
def test_what_is_no_function_of_an_entry_alone(layer):
    assert "it is not one function of the entry alone" in false_claim(layer, (2, 3, 4))


@pytest.mark.parametrize("layer", [saying_so(Flatten()), saying_so(Linear(24))], ids=repr)
def test_what_cannot_be_one(layer):
    shape = (24,) if isinstance(layer, Linear) else (2, 3, 4)
    words = "nondecreasing is for layers without parameters whose output has the input's shape"
    assert false_claim(layer, shape) == words


def test_what_is_no_number_is_named():
    @dataclass(frozen=True)
    class Root(Swish):
        def value(self, x):
            return np.sqrt(x)

    assert false_claim(Root(), (7,)) == "nondecreasing: y is nan at -30"


def test_a_method_is_no_answer():
    words = "nondecreasing must be True or False (a property?); got method"
    assert false_claim(saying_so(Tanh(), lambda self: False), (7,)) == words


def test_who_says_nothing_is_not_tried():
    class Untouched(Tanh):
        nondecreasing: ClassVar[bool] = False
        value = None

    assert not false_claim(GELU(), (7,))
    assert not false_claim(Untouched(), (7,))
