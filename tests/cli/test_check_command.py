"""``assay check``: what it prints, and the exit status that a script reads."""

from pathlib import Path
from textwrap import dedent

import pytest
from said import Assay

SCALE = """
from dataclasses import dataclass
from assay.nn import Layer

@dataclass(frozen=True)
class Scale(Layer):
    factor: float = 2.0
    claimed: float = 2.0
    kind = "scale"
    def output_shape(self, shape): return shape
    def forward(self, params, x): return x * self.factor, x
    def backward(self, params, cache, dy): return dy * self.claimed, {}
"""


@pytest.fixture(autouse=True)
def scale(assay: Assay) -> None:
    Path("mine.py").write_text(dedent(SCALE))


def test_a_right_layer_is_said_to_be_right(assay: Assay):
    said = assay("check", "mine.py:Scale", "--input-shape", "2,3,5")
    assert (said.status, said.err) == (0, "")
    assert said.out.splitlines() == [
        "Scale, input 2 x 3 x 5, batch of 3",
        "gradients: right, 90 entries agree with central differences",
        "built-in: no built-in layer has its name (give --against NAME to choose one)",
    ]


def test_a_wrong_layer_is_named_and_ends_in_status_1(assay: Assay):
    said = assay("check", "mine.py:Scale", "-s", "claimed=2.5", "--set", "factor=2", "--input-shape", "7")
    assert (said.status, said.err) == (1, "")
    assert said.out.splitlines()[1] == "gradients: wrong"
    assert said.out.splitlines()[2].startswith("  dL/dx[0, 0]: backward gives ")
    assert "21 of 21 entries of dL/dx are wrong, relative error 0.25" in said.out


def test_a_layer_unlike_the_built_in_ends_in_status_1_too(assay: Assay):
    said = assay("check", "mine.py:Scale", "--against", "Tanh")
    assert said.status == 1
    assert "gradients: right" in said.out
    assert "built-in: Tanh()" in said.out
    assert "  y[0, 0, 0, 0] is " in said.out
