"""A guess at a mistake is made where the mistake is, and not for another."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from assay.nn import Layer
from assay.nn.init import Constant
from assay.nn.layer import Parameter
from assay.testing.check import check_subject
from assay.testing.subject import Subject

FORGOTTEN = "the upstream gradient is forgotten there"


@dataclass(frozen=True)
class Leaky(Layer):
    """A leaky ReLU whose backward has one of a few mistakes."""

    mistake: str
    kind: ClassVar[str] = "leaky"

    def output_shape(self, shape):
        return shape

    def forward(self, params, x):
        return np.where(x > 0, x, 0.1 * x), x

    def backward(self, params, cache, dy):
        slope = np.where(cache > 0, 1.0, 0.1)
        return {
            "right": slope * dy,
            "forgets it": slope,
            "forgets it on one side": np.where(cache > 0, dy, 0.1),
            "squares it": slope * dy * np.abs(dy),
            "another slope": np.where(cache > 0, dy, 0.2 * dy),
        }[self.mistake], {}


@pytest.mark.parametrize("mistake", ["forgets it", "forgets it on one side"])
def test_a_forgotten_upstream_gradient_is_guessed(mistake):
    found = check_subject(Subject(Leaky(mistake), "Own"), input_shape=(5,))
    assert [each.guess for each in found.mismatches] == [FORGOTTEN]


@pytest.mark.parametrize("mistake", ["squares it", "another slope"])
def test_it_is_not_guessed_for_other_mistakes(mistake):
    found = check_subject(Subject(Leaky(mistake), "Own"), input_shape=(5,))
    assert found.mismatches
    assert FORGOTTEN not in [each.guess for each in found.mismatches]


def test_nothing_is_guessed_of_what_is_right():
    assert check_subject(Subject(Leaky("right"), "Own"), input_shape=(5,)).mismatches == ()


@dataclass(frozen=True)
class Slope(Layer):
    """y = max(x, 0) + a min(x, 0) with one learnt a, whose gradient counts positive inputs too."""

    kind: ClassVar[str] = "slope"

    def output_shape(self, shape):
        return shape

    def parameters(self, shape):
        return {"a": Parameter((1,), Constant(0.25))}

    def forward(self, params, x):
        return np.maximum(x, 0) + params["a"] * np.minimum(x, 0), x

    def backward(self, params, cache, dy):
        return dy * np.where(cache > 0, 1, params["a"]), {"a": (dy * cache).sum(keepdims=True).reshape(1)}


def test_a_factor_of_a_single_entry_is_no_guess():
    """Any wrong number is some multiple of the right one."""
    (mismatch,) = check_subject(Subject(Slope(), "Own"), input_shape=(6,)).mismatches
    assert (mismatch.argument, mismatch.entries) == ("a", 1)
    assert not mismatch.guess


class Averaged(Slope):
    """A slope for each feature map, whose gradient is a mean over examples and pixels."""

    def parameters(self, shape):
        return {"a": Parameter((shape[0], 1, 1), Constant(0.25))}

    def backward(self, params, cache, dy):
        slopes = (dy * np.minimum(cache, 0)).mean((0, 2, 3)).reshape(-1, 1, 1)
        return dy * np.where(cache > 0, 1, params["a"]), {"a": slopes}


def test_a_mean_over_examples_and_pixels_is_told_as_a_share():
    (mismatch,) = check_subject(Subject(Averaged(), "Own"), input_shape=(2, 4, 5)).mismatches
    assert mismatch.guess == "1/60 of what it should be, in every entry"
