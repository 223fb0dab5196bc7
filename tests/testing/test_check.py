"""The check of a user's layer: what it finds, what it says, and how it fails."""

from dataclasses import dataclass
from textwrap import dedent
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from assay.errors import AssayError, ShapeError, UsageError
from assay.nn import AvgPool2d, BatchNorm1d, Conv2d, Layer, Linear, MaxPool2d, ReLU
from assay.nn.activation import Activation
from assay.nn.coursework import FromCoursework, ToCoursework
from assay.nn.init import GLOROT_UNIFORM
from assay.nn.layer import Parameter
from assay.testing.check import check, check_subject
from assay.testing.check_text import lines
from assay.testing.source import input_shape
from assay.testing.subject import Subject


@dataclass(frozen=True)
class Dense(Layer):
    """y = x w, with weights the other way round than Linear's, and room for a mistake."""

    planted: tuple[int, int] | None = None
    off_by: float = 0.0
    argument: str = "w"
    kind: ClassVar[str] = "dense"

    def output_shape(self, shape):
        if len(shape) != 1:
            raise ShapeError("expected a vector")
        return (3,)

    def parameters(self, shape):
        return {"w": Parameter((*shape, 3), GLOROT_UNIFORM)}

    def forward(self, params, x):
        return x @ params["w"], x

    def backward(self, params, cache, dy):
        gradients = {"x": dy @ params["w"].T, "w": cache.T @ dy}
        if self.planted:
            gradients[self.argument][self.planted] += self.off_by
        return gradients["x"], {"w": gradients["w"]}


class ConvolutionalLayer:
    """True convolution, in the course's style, with a mistake on request."""

    def __init__(self, kernels=None, forgets_to_turn=False):
        self.kernels = np.zeros((2, 3, 3, 2)) if kernels is None else kernels
        self.forgets_to_turn = forgets_to_turn
        self.params = [self.kernels]

    def fprop(self, inputs):
        return np.array([[self.one(maps, kernel) for kernel in self.kernels] for maps in inputs])

    def one(self, maps, kernel):
        return sum(signal.convolve2d(m, k, mode="valid") for m, k in zip(maps, kernel, strict=True))

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return np.array(
            [
                [
                    sum(signal.correlate2d(g, k[c]) for g, k in zip(maps, self.kernels, strict=True))
                    for c in range(inputs.shape[1])
                ]
                for maps in grads_wrt_outputs
            ]
        )

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        found = sum(
            np.array([[signal.correlate2d(m, g, mode="valid") for m in maps] for g in grads])
            for maps, grads in zip(inputs, grads_wrt_outputs, strict=True)
        )
        return [found if self.forgets_to_turn else found[:, :, ::-1, ::-1]]


@settings(max_examples=20)
@given(st.sampled_from("xw"), st.tuples(st.integers(0, 1), st.integers(0, 2)), st.sampled_from([-0.3, 1e-3]))
def test_names_the_entry_that_is_wrong_by_how_much_and_whose_it_is(argument, planted, off_by):
    found = check_subject(Subject(Dense(planted, off_by, argument), "Dense"), input_shape=(4,))
    assert not found.passed
    (mismatch,) = found.mismatches
    assert (mismatch.argument, mismatch.index, mismatch.wrong) == (argument, planted, 1)
    assert mismatch.found - mismatch.expected == pytest.approx(off_by, rel=1e-4)


def test_a_tolerance_allows_more_than_rounding_explains():
    layer = Dense((0, 1), 1e-3, "w")
    assert not check_subject(Subject(layer, "Dense"), input_shape=(4,)).passed
    assert check_subject(Subject(layer, "Dense", tolerance=0.2), input_shape=(4,)).passed


def test_says_so_when_all_is_right_and_counts_what_it_compared():
    found = check_subject(Subject(Dense(), "Dense"), input_shape=(4,))
    assert found.passed
    assert found.entries == 3 * 4 + 4 * 3
    assert lines(found)[1] == "gradients: right, 24 entries agree with central differences"


def test_compares_with_the_built_in_of_the_same_name_or_the_one_asked_for():
    assert check_subject(Subject(Dense(), "Dense")).comparison is None
    assert "no built-in layer has its name" in lines(check_subject(Subject(Dense(), "Dense")))[-1]
    found = check_subject(Subject(Dense(), "Linear"))
    assert found.comparison.built_in == Linear(3, bias=False)
    assert found.comparison.turns == {"w": "transposed"}
    assert found.passed
    assert check_subject(Subject(Dense(), "Dense"), against="Linear").comparison.built_in == Linear(
        3, bias=False
    )


def test_a_convolution_is_recognised_by_its_flipped_kernels():
    found = check_subject(Subject(FromCoursework(ConvolutionalLayer()), "ConvolutionalLayer"))
    assert found.passed
    assert found.comparison.built_in == Conv2d(2, (3, 2), bias=False)
    assert found.comparison.turns == {"params[0]": "flipped"}
    assert "  forward and backward give the same numbers, with params[0] flipped" in lines(found)


def test_finds_the_gradient_that_was_not_turned():
    found = check_subject(
        Subject(FromCoursework(ConvolutionalLayer(forgets_to_turn=True)), "ConvolutionalLayer")
    )
    assert [mismatch.argument for mismatch in found.mismatches] == ["params[0]"]
    assert [difference.argument for difference in found.comparison.differences] == ["dL/dparams[0]"]
    assert lines(found)[1] == "gradients: wrong"
    assert lines(found)[2].startswith("  dL/dparams[0][0, 0, 0, 0]: backward gives ")


def test_a_right_gradient_of_a_wrong_formula_is_found_beside_the_built_in():
    class Doubled(ConvolutionalLayer):
        def fprop(self, inputs):
            return 2 * super().fprop(inputs)

        def bprop(self, inputs, outputs, grads_wrt_outputs):
            return 2 * super().bprop(inputs, outputs, grads_wrt_outputs)

        def grads_wrt_params(self, inputs, grads_wrt_outputs):
            return [2 * super().grads_wrt_params(inputs, grads_wrt_outputs)[0]]

    found = check_subject(Subject(FromCoursework(Doubled()), "ConvolutionalLayer"))
    assert not found.mismatches
    assert not found.passed
    assert [difference.argument for difference in found.comparison.differences] == [
        "y",
        "dL/dx",
        "dL/dparams[0]",
    ]


@pytest.mark.parametrize(
    "layer", [Conv2d(2, (3, 3), 2, 1), MaxPool2d(2, 1), AvgPool2d((2, 3)), ReLU(), Linear(4), BatchNorm1d()]
)
def test_every_built_in_agrees_with_itself(layer):
    found = check_subject(Subject(layer, type(layer).__name__))
    assert found.passed
    assert found.comparison.built_in == layer


def test_settings_say_what_attributes_do_not():
    pooling = FromCoursework(ToCoursework(MaxPool2d(2), (3, 6, 8)))
    found = check_subject(Subject(pooling, "MaxPoolingLayer"))
    assert found.comparison is None
    assert "cannot tell the kernel_size" in found.note
    assert check_subject(Subject(pooling, "MaxPoolingLayer", {"kernel_size": 2})).passed


def test_a_file_may_import_its_neighbours(tmp_path):
    write(tmp_path / "helpers.py", "FACTOR = 3.0\n")
    path = write(
        tmp_path / "mine.py",
        """
        class Scale:
            def fprop(self, inputs):
                from helpers import FACTOR
                return inputs * FACTOR
            def bprop(self, inputs, outputs, grads_wrt_outputs):
                return grads_wrt_outputs * 3
        """,
    )
    assert check(f"{path}:Scale").passed


def test_settings_are_the_constructors_arguments(tmp_path):
    path = write(
        tmp_path / "mine.py",
        """
        class Scale:
            def __init__(self, factor, shape=()):
                assert isinstance(shape, tuple)
                self.factor = factor
            def fprop(self, inputs):
                return inputs * self.factor
            def bprop(self, inputs, outputs, grads_wrt_outputs):
                return grads_wrt_outputs * 3
        """,
    )
    assert check(f"{path}:Scale", settings={"factor": 3, "shape": [1, 2]}).passed
    assert not check(f"{path}:Scale", settings={"factor": 2}).passed


USER_ERRORS = {
    "constructor": ("mine.py:NeedsMore", r"needs size \(give --set size=VALUE\)"),
    "unknown class": ("mine.py:Brken", r"no class 'Brken' \(did you mean 'Broken'\?\)"),
    "no class": ("mine.py:number", "expected a class or function, found int"),
    "no layer": (
        "mine.py:Nothing",
        "a class with fprop and bprop or with forward and backward, .* found none",
    ),
    "bad constructor": (
        "mine.py:Refuses",
        r"constructor failed: ValueError: not today \(mine.py, line \d+\)",
    ),
    "bad forward": (
        "mine.py:Broken",
        r"mine.py:Broken: fprop raised ZeroDivisionError: .* \(mine.py, line 12\)$",
    ),
    "bad backward": (
        "mine.py:BackwardRaises",
        r"Raises, input 3 x 6 x 8, batch of 3: bprop raised KeyError: 'cache' \(mine.py, line 14\)$",
    ),
    "bad forward of a layer": (
        "mine.py:Deep",
        r"mine.py:Deep, input 3 x 6 x 8, batch of 3: forward raised ValueError: .* \(mine.py, line 27\)$",
    ),
    "parameters that nothing names": (
        "mine.py:Unnamed",
        r"forward raised KeyError: 'gain' \(mine.py, line \d+\); params is empty \(name parameters in",
    ),
    "wrong shape": ("mine.py:WrongShape", r"dL/dx is 1 x 3 x 6 x 8, x is 3 x 3 x 6 x 8"),
    "not written": ("mine.py:Unwritten", r"Unwritten, .* bprop is not written yet \(mine.py, line 18\)$"),
    "methods left out": (
        "mine.py:Halves",
        r"mine.py:Halves: has no backward and no output_shape \(write def backward\(self, params, cache, "
        r"dy\), def output_shape\(self, shape\) in class Halves\)$",
    ),
    "a parameter with the input's name": (
        "mine.py:Named",
        r"3: a parameter called 'x', as the input is \(give",
    ),
    "method of a rule left out": ("mine.py:Rule", r"Rule: has no step \(write def step\(self, theta, grad, "),
    "no file": ("other.py:Broken", "other.py: no such file"),
    "no colon": ("mine.py", "mine.py: expected PATH.py:ClassName"),
    "syntax": ("typo.py:Broken", r"typo.py: SyntaxError: [^()]* \(typo.py, line 2\)$"),
    "exits": ("exits.py:Broken", "exits.py: SystemExit: 3"),
}


@pytest.mark.parametrize(("target", "message"), USER_ERRORS.values(), ids=USER_ERRORS)
def test_every_users_error_is_one_line(tmp_path, monkeypatch, target, message):
    write(tmp_path / "typo.py", "x = 1\nclass Broken(:\n")
    write(tmp_path / "exits.py", "import sys\nsys.exit(3)\n")
    write(
        tmp_path / "mine.py",
        """
        number = 3
        class Nothing: pass
        class Good:
            def fprop(self, inputs): return inputs
            def bprop(self, inputs, outputs, grads_wrt_outputs): return grads_wrt_outputs
        class NeedsMore(Good):
            def __init__(self, size): pass
        class Refuses(Good):
            def __init__(self): raise ValueError("not today\\nnor tomorrow")
        class Broken(Good):
            def fprop(self, inputs): return inputs / (1 // 0)
        class BackwardRaises(Good):
            def bprop(self, inputs, outputs, grads_wrt_outputs): return {}["cache"]
        class WrongShape(Good):
            def bprop(self, inputs, outputs, grads_wrt_outputs): return grads_wrt_outputs[:1]
        class Unwritten(Good):
            def bprop(self, inputs, outputs, grads_wrt_outputs): raise NotImplementedError
        from assay.nn import Layer
        from assay.nn.init import Constant
        from assay.nn.layer import Parameter
        from assay.optim import Optimizer
        class Deep(Layer):
            kind = "deep"
            def output_shape(self, shape): return shape
            def forward(self, params, x): return self.helper(x), None
            def helper(self, x): return x.reshape(7)
            def backward(self, params, cache, dy): return dy, {}
        class Named(Deep):
            def parameters(self, shape): return {"x": Parameter(shape, Constant(1))}
        class Halves(Layer):
            kind = "halves"
            def forward(self, params, x): return x / 2, None
        class Unnamed(Deep):
            def forward(self, params, x): return params["gain"] * x, x
        class Rule(Optimizer):
            def slots(self, theta): return {}
        """,
    )
    with pytest.raises(AssayError, match=message) as caught:
        check(f"{tmp_path / target}")
    assert "\n" not in str(caught.value)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssayError, match=message):
        check(target)


def test_refuses_an_unknown_argument_a_shape_and_a_built_in(tmp_path):
    path = write(
        tmp_path / "mine.py",
        """
        class Scale:
            def __init__(self, factor=3): pass
            def fprop(self, inputs): return inputs
            def bprop(self, inputs, outputs, grads_wrt_outputs): return grads_wrt_outputs
        """,
    )
    with pytest.raises(UsageError, match=r"no argument 'factr' \(did you mean 'factor'\?\)"):
        check(f"{path}:Scale", settings={"factr": 3})
    with pytest.raises(UsageError, match=r"no built-in layer 'Conv2' \(did you mean 'Conv2d'\?\)"):
        check(f"{path}:Scale", against="Conv2")
    with pytest.raises(ShapeError, match="for an input of 3 x 6 x 8 it gives 3 x 6 x 8 with parameters"):
        check(f"{path}:Scale", against="Flatten")


@pytest.mark.parametrize("text", ["", "3,", "3,x", "0,8", "3 8"])
def test_refuses_what_is_no_shape(text):
    with pytest.raises(UsageError, match="expected sizes such as 3,8,8"):
        input_shape(text)


def test_reads_a_shape():
    assert input_shape("3,8,9") == (3, 8, 9)
    assert input_shape("12") == (12,)


def write(path, text):
    path.write_text(dedent(text), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Hump(Activation):
    kind: ClassVar[str] = "hump"
    nondecreasing: ClassVar[bool] = True

    def value(self, x):
        return np.exp(-(x**2))

    def slope(self, x):
        return -2 * x * np.exp(-(x**2))


def test_a_layer_that_says_it_never_falls_but_does_is_wrong():
    found = check_subject(Subject(Hump(), "Hump"))
    assert not found.passed
    assert not found.mismatches
    (fault,) = (line for line in lines(found) if line.startswith("wrong: "))
    assert fault.startswith("wrong: nondecreasing: y falls, it is ")
