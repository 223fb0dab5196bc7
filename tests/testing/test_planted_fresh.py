"""Kinds that are thin elsewhere, right and with a mistake each: windows, norms, attention, cells, losses, rules."""

import ast
import re

import pytest
from planted_layers import PLANTED

from assay.testing.check import check
from assay.testing.check_text import lines

SOURCE = (PLANTED / "fresh.py").read_text("utf-8")
NAMES = [
    node.name
    for node in ast.parse(SOURCE).body
    if isinstance(node, ast.ClassDef | ast.FunctionDef)
    and not node.name.startswith("_")
    and "backward" not in node.name
]
DIFFERS = ("TemperatureInEvaluation", "DropConnectByScaling", "DepthExpectation")

SMALL = {
    "SoftmaxOfTemperature": (5,),
    "TemperatureInEvaluation": (5,),
    "DepthExpectation": (4,),
    "MaxPoolPadded": (1, 5, 6),
    "AveragePoolCeil": (1, 5, 6),
    "lp_pool_forward": (1, 4, 5),
    "Dilated": (4, 4, 5),
    "Grouped": (4, 5, 6),
    "Depthwise": (4, 4, 5),
    "Transposed": (2, 3, 4),
    "PadReflect": (1, 4, 5),
    "CropCentre": (1, 5, 6),
    "SpaceToDepth": (1, 4, 6),
    "LayerNormOfMaps": (3, 3, 4),
    "InstanceNormAffine": (2, 3, 4),
    "PReLUPerMap": (2, 3, 4),
    "SelfAttention": (3, 4),
}
"""Small inputs, as the test has to be quick."""

MISTAKES = {
    "MaxPoolPadded": [
        ("dxp[:, :, 1:-1, 1:-1]", "dxp[:, :, 2:, 2:]", "dL/dx.*shifted by 1"),
    ],
    "AveragePoolCeil": [("/ (window.shape[2] * window.shape[3])", "/ 4", "an input of|dL/dx")],
    "lp_pool_forward": [("/ out", "/ out[:, :, :1]", "dL/dx"), ("+= dout", "= dout", "dL/dx")],
    "Transposed": [
        ("grads[:, :, i, j] =", "grads[:, :, j, i] =", r"dL/dparams\[0\]"),
        ("grads += np", "grads = np", "dL/dx"),
    ],
    "PadReflect": [
        ("g[:, :, 2] += g[:, :, 0]", "g[:, :, 1] += g[:, :, 0]", "dL/dx"),
        ("g[..., -3]", "g[..., -2]", "dL/dx"),
    ],
    "CropCentre": [("dx[:, :, 1:-2, 2:-1] = dout", "dx[:, :, 2:-1, 2:-1] = dout", "dL/dx")],
    "SpaceToDepth": [(".transpose(0, 3, 4, 1, 5, 2)", ".transpose(0, 3, 4, 2, 5, 1)", "dL/dx")],
    "LayerNormOfMaps": [
        ("- self.xhat * (d * self.xhat).mean(axes, keepdims=True)", "", "dL/dx.*term of the variance"),
        ("d, axes = dout * self.gamma, (1, 2, 3)", "d, axes = dout, (1, 2, 3)", "dL/dx"),
    ],
    "RmsNorm": [
        ("inputs / self.rms**2", "inputs / self.rms", "dL/dx"),
        (".sum(axis=0)]", ".mean(axis=0)]", "a mean over the batch"),
    ],
    "InstanceNormAffine": [
        ("mean = d.mean((2, 3), keepdims=True)", "mean = d.mean((0, 2, 3), keepdims=True)", "dL/dx")
    ],
    "weightnorm_forward": [
        ("(dv - unit * (dv * unit).sum(axis=0))", "dv", "dL/dw"),
        ("gamma[:4] / norm", "gamma[:4]", "dL/dw"),
    ],
    "Embedding": [("np.add.at(self.dW, self.index, dout)", "self.dW[self.index] += dout", "dL/dW")],
    "gru_step_forward": [
        ("np.roll(dc, -1, axis=1)", "np.roll(dc, 1, axis=1)", "dL/dx"),
        ("dout * (1 - z) + da", "da", "dL/dx"),
    ],
    "SelfAttention": [
        ("/ np.sqrt(self.x.shape[2])", "", "dL/dWq"),
        ("ds.swapaxes(1, 2) @ self.q", "ds @ self.q", "dL/dWk"),
        (" + dv @ self.Wv.T", "", "dL/dx"),
    ],
    "FeatureAttention": [
        ("+ through", "", "dL/dx"),
        ("- (da * a).sum(axis=1, keepdims=True)", "", r"dL/dparams\[0\]"),
    ],
    "ResidualBlock": [("return dout + dh", "return dh", "dL/dx"), ("* (self.h > 0)", "", r"dL/dx")],
    "RecurrentCell": [
        (
            "np.outer(self.h, da.sum(axis=0))",
            "np.outer(da.sum(axis=0), self.h)",
            r"dL/dparams\[1\].*transposed",
        )
    ],
    "MaxoutAffine": [("pieces.argmax(axis=0)", "np.abs(pieces).argmax(axis=0)", "dL/d")],
    "PReLUPerMap": [("np.minimum(inputs, 0)", "inputs", r"dL/dparams\[0\]")],
    "RadialBasis": [
        ("return -(g[..., None]", "return (g[..., None]", "dL/dx.*sign"),
        ("-(g * self.params[1] *", "-(g *", r"dL/dparams\[1\]"),
    ],
    "SoftmaxOfTemperature": [(" / self.temperature\n\n", "\n\n", "2.5 times")],
    "DropConnectByScaling": [
        (
            "inputs @ self.params[0] * (1 if stochastic else self.keep)",
            "inputs @ self.params[0] if stochastic else np.ones((len(inputs), 3))",
            "does not depend on the input",
        ),
        (
            "inputs @ self.params[0] * (1 if stochastic else self.keep)",
            "inputs @ self.params[0] * (np.array([1, 0, 1]) if stochastic else self.keep)",
            "drawn once for all|dL/d",
        ),
    ],
    "DropConnectThenTanh": [("if training else 1", "if training else 2", "on average training gives")],
    "masked_mse_loss": [
        ("2 * kept", "2", "mask is not applied"),
        (", 2 * kept * (x - y) / count", ", 2 * kept * (x - y) / x.size", "dL/dx"),
    ],
    "masked_softmax_loss": [("(p - onehot) / mask.sum()", "(p - onehot) / len(x)", "dL/dx")],
    "SumOfCrossEntropies": [("keepdims=True) - targets", "keepdims=True) / len(outputs) - targets", "dL/dx")],
    "LabelSmoothingCrossEntropy": [
        ("(self.p - self.q) / len", "(self.p - np.eye(self.p.shape[1])[self.p.argmax(1)]) / len", "dL/dx")
    ],
    "bce_with_logits_loss": [("np.exp(-x)) - y) / x.size", "np.exp(-x)) - y)", "a sum over all 15 entries")],
    "squared_hinge_loss": [("-2 * y * gap", "-y * gap", "half")],
    "LogCoshError": [
        ("np.tanh(outputs - targets) / len(outputs)", "np.sinh(outputs - targets) / len(outputs)", "dL/dx")
    ],
    "SGDWithDecay": [("g = p.grad + self.weight_decay * p.data", "g = p.grad", "weight decay is missing")],
    "AMSGrad": [("np.maximum(most, v)", "v", "the largest second moment is not kept")],
    "adam_warm_up": [("t / config", "(t + 1) / config", "at step 1"), ("0.1 * dw", "dw", "at step 1")],
    "AdamWithL2": [("0.001 * g * g", "0.001 * grad * grad", "at step 1")],
}


@pytest.mark.parametrize("name", NAMES)
def test_right_is_called_right(name):
    found = check(f"{PLANTED / 'fresh.py'}:{name}", input_shape=SMALL.get(name))
    assert found.passed, lines(found)
    assert not found.writes
    said = any("evaluation" in remark for remark in found.remarks)
    assert said == (name in DIFFERS), found.remarks


CASES = [(name, *case) for name, cases in MISTAKES.items() for case in cases]


@pytest.mark.parametrize(
    ("name", "old", "new", "says"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)]
)
def test_a_mistake_is_found_and_named(tmp_path, name, old, new, says):
    assert SOURCE.count(old) >= 1
    begins = re.search(rf"^(class|def) {name}\b", SOURCE, re.M).start()
    spoilt = SOURCE[:begins] + SOURCE[begins:].replace(old, new, 1)
    (tmp_path / "fresh.py").write_text(spoilt)
    found = check(f"{tmp_path / 'fresh.py'}:{name}", input_shape=SMALL.get(name))
    assert not found.passed
    assert re.search(says, " ".join(lines(found))), lines(found)


def test_there_are_forty_of_each():
    assert len(NAMES) >= 40
    assert len(CASES) >= 40
