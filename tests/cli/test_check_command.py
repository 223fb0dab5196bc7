"""``assay check``: what it prints, and the exit status that a script reads."""

from pathlib import Path
from textwrap import dedent

import pytest
from planted_layers import PLANTED
from said import Assay

from assay.testing.classroom import check_class

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


def test_a_course_package_is_checked_as_a_student_would(assay: Assay, tmp_path, monkeypatch):
    source = (PLANTED / "course.py").read_text("utf-8")
    (tmp_path / "mlp").mkdir()
    (tmp_path / "mlp" / "__init__.py").write_text("DEFAULT_SEED = 1\n")
    (tmp_path / "mlp" / "layers.py").write_text(
        f"from mlp import DEFAULT_SEED\nimport mlp\n{source}", "utf-8"
    )
    monkeypatch.chdir(tmp_path)
    for name in (
        "AffineLayer", "SigmoidLayer", "ReluLayer", "TanhLayer", "SoftmaxLayer", "RadialBasisFunctionLayer",
        "ConvolutionalLayer", "DropoutLayer", "ReshapeLayer",
    ):  # fmt: skip
        said = assay("check", f"mlp/layers.py:{name}")
        assert (said.status, said.err) == (0, ""), (name, said.out)
    monkeypatch.chdir(tmp_path / "mlp")
    assert assay("check", "layers.py:AffineLayer", "-s", "input_dim=3").status == 0
    said = assay("check", "layers.py:ReluLayer", "layers.py:TanhLayer")
    assert said.status == 2


def test_a_class_ends_in_status_1_where_some_are_wrong_and_shows_each_form(assay: Assay, monkeypatch):
    Path("ann.py").write_text(dedent(SCALE))
    Path("ben.py").write_text(dedent(SCALE).replace("claimed: float = 2.0", "claimed: float = 3.0"))
    found = []
    of_class = "assay.testing.classroom.check_class"
    monkeypatch.setattr(of_class, lambda places, spec: found.extend(check_class(places, spec)) or found)
    said = assay("check", "ann.py", "ben.py")
    assert (said.status, said.err) == (1, "")
    assert said.out.splitlines()[1].split()[:3] == ["ann.py", "Scale", "right"]
    assert said.out.splitlines()[2].split()[:4] == ["ben.py", "Scale", "wrong", "dL/dx"]
    assert said.out.splitlines()[-1] == "1 of 2 right"
    assert assay("check", "nothing.py").status == 2
    monkeypatch.setattr(of_class, lambda *_: found[:1])  # a file takes a process
    said = assay("check", "ann.py", "--format", "junit")
    assert (said.status, said.out.startswith("<testsuites>")) == (0, True)
    assert (
        assay("check", "ann.py", "--format", "csv").out.splitlines()[1].startswith("ann.py,Scale,right,right")
    )
    said = assay("check", "ann.py", "--format", "xml")
    assert (said.status, said.out) == (2, "")
