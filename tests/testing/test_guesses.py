"""A guess at a mistake is made where the mistake is, and not for another."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from assay.nn import Layer
from assay.testing.check import check_layer

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
    found = check_layer(Leaky(mistake), "Own", input_shape=(5,))
    assert [each.guess for each in found.mismatches] == [FORGOTTEN]


@pytest.mark.parametrize("mistake", ["squares it", "another slope"])
def test_it_is_not_guessed_for_other_mistakes(mistake):
    found = check_layer(Leaky(mistake), "Own", input_shape=(5,))
    assert found.mismatches
    assert FORGOTTEN not in [each.guess for each in found.mismatches]


def test_nothing_is_guessed_of_what_is_right():
    assert check_layer(Leaky("right"), "Own", input_shape=(5,)).mismatches == ()
