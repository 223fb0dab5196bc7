"""Evaluation that differs from training where nothing is drawn or kept: by design, or wrong."""

import re

import pytest

from assay.testing.check import check
from assay.testing.check_text import lines
from assay.testing.marks import parts

LAYER = """
import numpy as np

class NAME:
    def __init__(self):
        self.params = [np.ones((4, 6)), np.zeros(4)]
        self.mask = np.random.default_rng(0).random(6) < 0.5

    def fprop(self, inputs, stochastic=True):
        w, b = self.params
        if not stochastic:
            return EVALUATION
        return TRAINING

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs @ self.params[0]

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [grads_wrt_outputs.T @ inputs, grads_wrt_outputs.sum(axis=0)]
"""

SIGMOID = """
import numpy as np

class NAME:
    def __init__(self):
        self.mask = np.arange(5) % 2 * 2.0

    def fprop(self, inputs, stochastic=True):
        assert inputs.shape[1] == 5
        return TRAINING if stochastic else EVALUATION

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * self.mask
"""

PLAIN = "inputs @ w.T + b"


def checked(folder, name, training, evaluation, layer=LAYER):
    text = layer.replace("NAME", name).replace("TRAINING", training).replace("EVALUATION", evaluation)
    (folder / "layers.py").write_text(text)
    return check(f"{folder / 'layers.py'}:{name}")


@pytest.mark.parametrize(
    ("name", "evaluation", "says"),
    [
        (
            "Scaled",
            f"0.5 * ({PLAIN})",
            r"note: evaluation gives 0\.5 times what training gives, .*by design\?",
        ),
        (
            "Curved",
            f"np.tanh({PLAIN})",
            r"note: evaluation differs from training, .*by design\? \(y\[0, 0\] is ",
        ),
    ],
)
def test_what_may_be_by_design_is_remarked_on(tmp_path, name, evaluation, says):
    found = checked(tmp_path, name, PLAIN, evaluation)
    assert found.passed
    assert re.search(says, "\n".join(lines(found)))
    assert parts(found)["modes"] == "right"


@pytest.mark.parametrize(
    ("name", "evaluation", "says"),
    [
        ("AffineLayer", f"0.5 * ({PLAIN})", "y in evaluation.* is .*, Linear gives"),
        ("Constant", "np.ones((len(inputs), 4))", "the output does not depend on the input"),
        ("NoBias", "inputs @ w.T", r"params\[1\] has no effect, in training it has"),
        ("Nan", f"np.log(-np.abs({PLAIN}))", "not finite where training's are"),
        ("Exchanged", f"2 * ({PLAIN}) * (np.random.rand(len(inputs), 4) < 0.5)", "draws at random"),
        ("OfBatch", f"{PLAIN} - inputs.mean()", "depends on the others of its batch"),
        ("DropoutLinear", f"0.5 * ({PLAIN})", "its name says that it drops"),
    ],
)  # fmt: skip
def test_what_no_purpose_explains_is_wrong(tmp_path, name, evaluation, says):
    found = checked(tmp_path, name, PLAIN, evaluation)
    assert not found.passed
    assert re.search(says, "\n".join(lines(found))), lines(found)
    assert parts(found)["modes"] == "wrong"


def test_a_mask_that_is_drawn_once_for_all_is_found(tmp_path):
    found = checked(tmp_path, "Sometimes", "inputs * self.mask", "inputs", SIGMOID)
    assert "depend on the input that in training never do: a mask that is drawn once" in "\n".join(
        lines(found)
    )
    assert not found.passed
