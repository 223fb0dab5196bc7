"""Mistakes planted in what is right: each is found, in the argument that it spoils, and many are guessed."""

import ast
import re
from pathlib import Path
from shutil import copy
from typing import NamedTuple

import pytest
from planted_layers import PLANTED, SETTINGS

from assay.testing.check import check
from assay.testing.check_text import lines


class Mistake(NamedTuple):
    """``old`` becomes ``new`` in the source of a class or function; what is then said to be wrong."""

    target: str
    old: str
    new: str
    wrong: str
    """An argument whose gradient is wrong, or a pattern of words."""
    says: str = ""


MEAN = "a mean over the batch of 3 in the place of a sum"
SUM = "a sum over the batch of 3 in the place of a mean"

MISTAKES = [
    # affine
    Mistake("course.py:AffineLayer", "axis=0)", "axis=0) / len(inputs)", "params[1]", MEAN),
    Mistake("course.py:AffineLayer", "np.dot(grads_wrt_outputs.T, inputs)",
            "np.dot(grads_wrt_outputs.T, inputs) / len(inputs)", "params[0]", MEAN),
    Mistake("course.py:SquareLayer", "grads_wrt_outputs.T @ inputs", "inputs.T @ grads_wrt_outputs", "params[0]",
            "transposed"),
    Mistake("course.py:SquareLayer", "grads_wrt_outputs.T @ inputs", "grads_wrt_outputs.T @ inputs + self.weights",
            "params[0]", "proportional to the argument"),
    Mistake("course.py:SquareLayer", "square_weights, g", "2 * square_weights, g", "params[0]", "a factor 2 too many"),
    Mistake("book.py:Affine", "self.x.T @ dout", "np.zeros_like(self.W)", "W", "never written"),
    Mistake("book.py:Affine", "dout.sum(axis=0)", "dout.mean(axis=0)", "b", MEAN),
    Mistake("book.py:Affine", "dout @ self.W.T", "-dout @ self.W.T", "x", "sign"),
    Mistake("functions.py:affine_forward", "dout.sum(axis=0)", "dout[0]", "b"),
    Mistake("functions.py:affine_forward", "dout.dot(w.T).reshape(x.shape)", "dout.dot(w.T) * 0.5", "x", "half"),
    Mistake("book.py:MatMul", "= self.x.T @ dout", "= self.x.T @ dout / 3", "params[0]", MEAN),
    Mistake("book.py:Gated", "+ inner *", "+ 0 * inner *", "x"),
    Mistake("book.py:Gated", "(inner * self.x)", "(inner)", "w"),
    Mistake("own.py:Bilinear", '"a": x.T @ (dy * right)', '"a": x.T @ (dy * left)', "a"),
    Mistake("own.py:Bilinear", '(dy * right) @ params["a"].T + ', "", "x"),
    Mistake("own.py:PReLU", "np.minimum(x, 0)).sum", "x).sum", "slope"),
    Mistake("own.py:PReLU", "np.where(x > 0, 1.0,", "np.where(x > 0.1, 1.0,", "x"),
    # convolution
    Mistake("course.py:ConvolutionalLayer", "[grads[:, :, ::-1, ::-1], g", "[grads, g", "params[0]", "180 degrees"),
    Mistake("course.py:ConvolutionalLayer", "columns] += part", "columns] = part", "x", "'=' where '+='"),
    Mistake("course.py:ConvolutionalLayer", 'grads_wrt_outputs, turned[', 'grads_wrt_outputs, self.kernels[', "x"),
    Mistake("course.py:ConvolutionalLayer", "sum(axis=(0, 2, 3))", "mean(axis=(0, 2, 3))", "params[1]"),
    Mistake("book.py:Convolution", "dx[:, :, self.pad : rows, self.pad : columns]",
            "dx[:, :, 2 * self.pad :, 2 * self.pad :]", "x", "shifted by 1: the padding is forgotten"),
    Mistake("book.py:Convolution", "self.dW += np", "self.dW = np", "W"),
    Mistake("functions.py:conv_forward_naive", "dxp[window] += np", "dxp[window] = np", "x"),
    Mistake("functions.py:conv_forward_naive", "dout.sum(axis=(0, 2, 3))", "dout.sum(axis=(0, 2, 3)) / len(x)", "b",
            MEAN),
    Mistake("functions.py:conv_forward_naive", "window = np.s_[:, :, i * stride", "stride = 1; window = np.s_[:, :, i * stride",
            "x", "stride of 2 is forgotten"),
    Mistake("functions.py:conv_forward_naive", "dw += np.einsum(", "dw += np.flip(xp, 2).mean() + np.einsum(", "w"),
    Mistake("book.py:Convolution", "top, left = r * self.stride, c * self.stride\n                self.dW",
            "top, left = r, c\n                self.dW", "x", "stride of 2 is forgotten"),
    Mistake("own.py:DepthwiseConvolution", "top, left = i * s, j * s", "top, left = i, j", "x", "stride of 2 is forgotten"),
    Mistake("own.py:DepthwiseConvolution", "p : p + x.shape[2], p : p + x.shape[3]",
            ": x.shape[2], : x.shape[3]", "x", "shifted by 1: the padding is forgotten"),
    Mistake("functions.py:conv_forward_naive", "pad : xp.shape[2] - pad, pad : xp.shape[3] - pad",
            ": x.shape[2], : x.shape[3]", "x", "shifted by 1: the padding is forgotten"),
    # pooling
    Mistake("course.py:SumPoolingLayer", "top, left = r * self.stride, c * self.stride", "top, left = r, c", "x",
            "stride of 2 is forgotten"),
    Mistake("course.py:SumPoolingLayer", "p : p + high, p : p + wide", ":high, :wide", "x",
            "shifted by 1: the padding is forgotten"),
    Mistake("course.py:MaxPoolingLayer", "/ largest.sum(axis=(2, 3), keepdims=True)", "", "x", "that tie"),
    Mistake("course.py:MaxPoolingLayer", "grads[window] += ", "grads[window] = ", "x"),
    Mistake("course.py:MaxPoolingLayer", "share * grads_wrt_outputs", "inputs[window] * share * grads_wrt_outputs", "x"),
    Mistake("functions.py:max_pool_forward_naive", "+= dout[n, c, i, j]", "+= dout[n, 0, i, j]", "x"),
    Mistake("functions.py:max_pool_forward_naive", "stride + a, j", "stride, j", "x"),
    Mistake("functions.py:max_pool_forward_naive", "i * stride + a, j * stride + b", "i + a, j + b", "x",
            "stride of 2 is forgotten"),
    Mistake("book.py:AveragePooling", " / 4", "", "x", "4 times"),
    Mistake("book.py:AveragePooling", "dx[:, :, : spread.shape[2], : spread.shape[3]] = spread",
            "dx[:, :, -spread.shape[2] :, -spread.shape[3] :] = spread", "x"),
    # activations
    Mistake("course.py:SigmoidLayer", "* (1.0 - outputs)", "", "x"),
    Mistake("course.py:ReluLayer", "(outputs > 0) * grads", "grads", "x", "mask is not applied"),
    Mistake("course.py:ReluLayer", "* grads_wrt_outputs", "* 1.0", "x"),
    Mistake("course.py:TanhLayer", "outputs**2", "inputs**2", "x"),
    Mistake("course.py:EluLayer", "outputs + self.alpha", "outputs", "x"),
    Mistake("course.py:SoftmaxLayer", "- along", "", "x"),
    Mistake("course.py:RadialBasisFunctionLayer", "(outputs * grads_wrt_outputs)", "grads_wrt_outputs", "x"),
    Mistake("course.py:RadialBasisFunctionLayer", "self.scales**2", "self.scales", "x", "0.25 times"),
    Mistake("book.py:Relu", "dout[self.mask] = 0", "dout[self.mask] = 1e-4", "x"),
    Mistake("functions.py:relu_forward", "cache > 0", "cache >= -0.5", "x", "mask is not applied"),
    # normalisation
    Mistake("course.py:BatchNormalizationLayer", "- of_variance", "", "x", "term of the variance"),
    Mistake("course.py:BatchNormalizationLayer", "- of_mean", "", "x"),
    Mistake("course.py:BatchNormalizationLayer", "(grads_wrt_outputs * self.normalised).sum",
            "(grads_wrt_outputs * inputs).sum", "params[0]"),
    Mistake("book.py:BatchNormalization", "0.5 * dstd", "dstd", "x", "term of the variance"),
    Mistake("book.py:BatchNormalization", "(self.xn * dout).sum", "(self.xn * dout).mean", "gamma", MEAN),
    Mistake("functions.py:batchnorm_forward", "- xhat * (dxhat * xhat).mean(axis=0)", "", "x", "term of the variance"),
    Mistake("functions.py:layernorm_forward", "centred - xhat * (dxhat * xhat).mean(axis=1, keepdims=True)",
            "centred", "x", "term of the variance"),
    Mistake("own.py:InstanceNorm", "- of_variance", "", "x", "term of the variance"),
    # running statistics
    Mistake("course.py:BatchNormalizationLayer", "0.9 * self.running_var + 0.1", "0.1 * self.running_var + 0.9",
            "different rates in a step"),
    Mistake("course.py:BatchNormalizationLayer", "0.1 * mean", "0.1 * self.running_mean", "running mean is not"),
    Mistake("course.py:BatchNormalizationLayer", "0.1 * var", "0.1 * np.sqrt(var)", "running variance is"),
    Mistake("course.py:BatchNormalizationLayer", "self.running_mean, self.running_var)",
            "inputs.mean(axis=0), inputs.var(axis=0))", "depends on the others"),
    Mistake("book.py:BatchNormalization", "+ (1 - 0.9) * var", "+ 0.9 * var", "running variance is 9 times"),
    Mistake("book.py:BatchNormalization", "return self.gamma * xn + self.beta\n        mu", "return x\n        mu",
            "running mean is not"),
    Mistake("functions.py:batchnorm_forward", 'bn_param["running_mean"], bn_param["running_var"] =', "_ =",
            "not updated by every batch"),
    Mistake("functions.py:batchnorm_forward", "(1 - momentum) * mean", "(1 - momentum) * x.sum(axis=0)", "running mean"),
    Mistake("own.py:Whitening", "(len(x) - 1)", "(len(x) - 2)", "1.5 times the batch's"),
    Mistake("own.py:Whitening", '+ self.momentum * mean', '+ mean', "running mean is not"),
    # random layers
    Mistake("course.py:DropoutLayer", "grads_wrt_outputs * self.mask", "grads_wrt_outputs", "x", "mask is not applied"),
    Mistake("course.py:DropoutLayer", "return inputs * self.incl_prob", "return inputs", "on average training gives 0.5"),
    Mistake("functions.py:dropout_forward", "dout * cache[1]", "dout * (cache[1] > 0)", "x", "half"),
    Mistake("book.py:Dropout", "x * (1.0 - self.dropout_ratio)", "x * np.random.rand()", "two outputs for one input"),
    Mistake("own.py:Noise", "dy * factor", "dy", "x"),
    # losses
    Mistake("course.py:CrossEntropySoftmaxError", "(probs - targets) / outputs.shape[0]", "probs - targets", "x", SUM),
    Mistake("course.py:SumOfSquaredDiffsError", "(outputs - targets) / out", "2 * (outputs - targets) / out", "x",
            "factor 2"),
    Mistake("course.py:CrossEntropyError", "-(targets / outputs)", "(targets / outputs)", "x", "sign"),
    Mistake("book.py:SoftmaxWithLoss", "dx[np.arange(len(self.t)), self.t] -= 1", "", "x"),
    Mistake("functions.py:softmax_loss", "dx /= len(x)", "", "x", SUM),
    Mistake("functions.py:softmax_loss", "np.arange(len(x)), y].sum() / len(x)", "np.arange(len(x)), y - 1].mean()", "value"),
    Mistake("functions.py:svm_loss", "dx[rows, y] -= dx.sum(axis=1)", "", "x"),
    Mistake("functions.py:temporal_softmax_loss", "dflat *= kept[:, None]", "", "x", "mask is not applied"),
    # learning rules
    Mistake("course.py:GradientDescentLearningRule", "param -=", "param +=", "at step 1", "uphill"),
    Mistake("course.py:MomentumLearningRule", "mom *= self.mom_coeff", "mom *= 0", "at step 2", "velocity is forgotten"),
    Mistake("course.py:AdamLearningRule", "second / first *", "", "at step 1", "bias correction is missing"),
    Mistake("course.py:RMSPropLearningRule", "(1 - self.beta) *", "", "at step 1", "multiplied by 1 - decay"),
    Mistake("course.py:RMSPropLearningRule", "np.sqrt(square)", "square", "at step 1", "root"),
    Mistake("book.py:Nesterov", "params[key] += self.momentum * self.momentum * self.v[key]", "", "at step 2"),
    Mistake("book.py:AdaGrad", "self.h[key] += grads", "self.h[key] = grads", "at step 2", "only the last counts"),
    Mistake("book.py:Adam", "self.iter += 1", "self.iter += 1 + (self.iter == 0)", "at step 1", "counted from 2"),
    Mistake("functions.py:sgd_momentum", 'config["velocity"] = v', "", "at step 2", "momentum has no effect"),
    Mistake("functions.py:adam", 'm_hat / (np', 'config["m"] / (np', "at step 1", "of the first moment is missing"),
    Mistake("functions.py:adam", 'np.sqrt(v_hat)', 'np.sqrt(config["v"])', "at step 1", "of the second moment is missing"),
    Mistake("functions.py:adam", "* dw**2", "* np.abs(dw)", "at step 1", "not squared"),
    Mistake("functions.py:rmsprop", '- config["learning_rate"]', '- 2 * config["learning_rate"]', "at step 1", "twice"),
]  # fmt: skip

SHAPES = {
    "book.py:Convolution": (2, 4, 5),
    "functions.py:conv_forward_naive": (3, 4, 5),
    "own.py:DepthwiseConvolution": (3, 4, 5),
    "own.py:InstanceNorm": (2, 3, 4),
    **dict.fromkeys(
        ["course.py:SumPoolingLayer", "course.py:MaxPoolingLayer", "book.py:AveragePooling"], (1, 4, 6)
    ),
    "functions.py:max_pool_forward_naive": (2, 4, 6),
    **{f"course.py:{name}Layer": (10,) for name in ("Sigmoid", "Relu", "Tanh", "Elu", "Softmax", "Dropout")},
    **dict.fromkeys(
        ["book.py:Relu", "functions.py:relu_forward", "functions.py:dropout_forward", "own.py:Noise"], (10,)
    ),
}
"""Small inputs for those that take any, as the test has to be quick."""
STRIDE = {"conv_param": {"stride": 2, "pad": 1}}


def spoilt(mistake, folder):
    """Write the module with the mistake, in the function backward too, and return what to check in it."""
    module, _, name = mistake.target.partition(":")
    copy(PLANTED / "course.py", folder)
    source = (PLANTED / module).read_text("utf-8")
    names = {name, name.replace("forward", "backward")}
    pieces = [
        ast.get_source_segment(source, node)
        for node in ast.parse(source).body
        if getattr(node, "name", None) in names
    ]
    assert sum(mistake.old in piece for piece in pieces) == 1, "the text to be spoilt must be in one place"
    for piece in pieces:
        source = source.replace(piece, piece.replace(mistake.old, mistake.new))
    (folder / module).write_text(source, "utf-8")
    return f"{folder / module}:{name}"


def settings_of(mistake):
    if mistake.new.startswith("top, left = r, c\n"):
        return {"stride": 2}
    return STRIDE if "stride = 1;" in mistake.new else SETTINGS.get(mistake.target)


def test_there_are_sixty_over_twelve_kinds_in_four_styles():
    assert len(MISTAKES) >= 60
    assert len({mistake.target for mistake in MISTAKES}) >= 12
    assert len({mistake.target.partition(":")[0] for mistake in MISTAKES}) == 4


@pytest.mark.parametrize("mistake", MISTAKES, ids=[f"{i}-{m.target}" for i, m in enumerate(MISTAKES)])
def test_is_found_and_named(tmp_path: Path, mistake: Mistake):
    target = spoilt(mistake, tmp_path)
    found = check(target, settings=settings_of(mistake), input_shape=SHAPES.get(mistake.target))
    assert not found.passed
    arguments = {each.argument for each in found.mismatches}
    assert mistake.wrong in arguments or any(mistake.wrong in fault for fault in found.faults), found
    assert re.search(re.escape(mistake.says), " ".join(lines(found))), lines(found)
