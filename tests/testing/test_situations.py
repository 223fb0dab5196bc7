"""What the check tries besides random inputs, and what it says of layers that are right but awkward."""

import re
from textwrap import dedent

import pytest
from planted_layers import PLANTED

from assay.errors import AssayError, UsageError
from assay.testing.check import check
from assay.testing.check_text import lines


def said_of(target, **arguments):
    found = check(f"{PLANTED / target}", **arguments)
    return found, "\n".join(lines(found))


def written(folder, text, name="mine.py"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")
    return path


def layer(folder, fprop, bprop, more=""):
    return written(
        folder,
        f"""
        import numpy as np
        class Layer:
            {more}
            def fprop(self, inputs): {fprop}
            def bprop(self, inputs, outputs, grads_wrt_outputs): {bprop}
        """,
    )


def test_what_is_written_into_is_named_though_the_arithmetic_is_right():
    found, said = said_of("awkward.py:ReluInPlace")
    assert found.passed
    assert found.writes == ("fprop writes into inputs", "bprop writes into grads_wrt_outputs")
    assert "gradients: right, but fprop writes into inputs and bprop writes into grads_wrt_outputs" in said


def test_caches_are_watched_too(tmp_path):
    path = written(
        tmp_path,
        """
        from dataclasses import dataclass
        from assay.nn import Layer
        @dataclass(frozen=True)
        class Exp(Layer):
            kind = "exp"
            def output_shape(self, shape): return shape
            def forward(self, params, x):
                import numpy as np
                y = np.exp(-x * x)
                return y, [x.copy(), y.copy()]
            def backward(self, params, cache, dy):
                cache[1] *= -2 * cache[0]
                return cache[1] * dy, {}
        """,
    )
    found = check(f"{path}:Exp")
    assert found.passed
    assert found.writes == ("backward writes into its cache",)


def test_arrays_are_copies_so_that_writing_hides_nothing(tmp_path):
    path = layer(tmp_path, "return 3 * inputs", "grads_wrt_outputs *= 2; return 3 * grads_wrt_outputs")
    found = check(f"{path}:Layer", input_shape=(4,))
    assert [(each.argument, each.guess) for each in found.mismatches] == [
        ("x", "twice too large: a factor 2 too many")
    ]
    assert found.writes == ("bprop writes into grads_wrt_outputs",)


@pytest.mark.parametrize(
    ("fprop", "bprop", "situation"),
    [
        ("return inputs", "return np.ascontiguousarray(grads_wrt_outputs).ravel(order='K').reshape(inputs.shape)"
         " if len(inputs) > 1 else 2 * grads_wrt_outputs", "one example"),
        ("return inputs", "return grads_wrt_outputs + (not grads_wrt_outputs.any())", "upstream gradient of zero"),
        ("return np.abs(inputs)", "return np.where(inputs < 0, -1, 1) * grads_wrt_outputs * (1 + (np.abs(inputs) > 1e4))",
         "inputs of 1e6"),
        ("return inputs", "return grads_wrt_outputs.ravel(order='K').reshape(inputs.shape)", "transposed"),
        ("return inputs**2", "return 2 * inputs * grads_wrt_outputs * (inputs.min() < 0)", "positive inputs"),
    ],
)  # fmt: skip
def test_a_mistake_that_shows_only_there_is_found(tmp_path, fprop, bprop, situation):
    found = check(f"{layer(tmp_path, fprop, bprop)}:Layer", input_shape=(2, 3, 4))
    assert situation in found.mismatches[0].situation


def test_strides_that_leave_a_rest_are_tried(tmp_path):
    path = layer(
        tmp_path,
        "h = inputs.shape[2] // 2 * 2; return inputs[:, :, 0:h:2]",
        "g = np.zeros(inputs.shape); n = outputs.shape[2]; g[:, :, -2 * n :: 2] = grads_wrt_outputs; return g",
    )
    found = check(f"{path}:Layer")
    assert found.mismatches[0].situation == "an input of 3 x 7 x 9"


def test_overflow_is_seen_as_such():
    found, said = said_of("awkward.py:SoftmaxForVectors")
    assert found.passed
    assert found.input_shape == (12,)
    assert "note: overflows: forward gives nan for inputs of 1e3" in said
    assert "note: not right for an input of 1 x 8 x 8: " in said


def test_randomness_is_seen_and_its_expectation_checked():
    found, said = said_of("course.py:DropoutLayer", input_shape=(6,))
    assert found.passed
    assert "note: random: checked with what it draws held still" in said
    assert "is not told whether it trains" in said_of("awkward.py:RandomAlways", input_shape=(6,))[1]


def test_single_precision_is_said(tmp_path):
    found, said = said_of("awkward.py:AlwaysSingle", input_shape=(6,))
    assert "note: computes in float32 whatever it is given: checked to 0.5% only" in said
    path = layer(
        tmp_path, "return np.tanh(inputs.astype('f'))", "return (grads_wrt_outputs * 0.5).astype('f')"
    )
    assert not check(f"{path}:Layer", input_shape=(6,)).passed
    assert found.passed


def test_a_jump_is_no_kink_and_settles_nothing(tmp_path):
    path = layer(tmp_path, "return inputs * (inputs > 1)", "return grads_wrt_outputs * (inputs > 1)")
    assert check(f"{path}:Layer", input_shape=(6,)).passed


def test_names_say_what_constructors_need():
    found, said = said_of("course.py:ConvolutionalLayer")
    assert found.passed
    assert found.input_shape == (2, 6, 7)
    assert "note: num_input_channels=2 was assumed (give --set num_input_channels=VALUE)" in said


def test_arguments_of_functions_have_shapes():
    found = check(
        f"{PLANTED / 'functions.py'}:conv_forward_naive",
        settings={"w": [2, 1, 2, 2], "b": [2], "conv_param.stride": 2, "conv_param.pad": 0},
        input_shape=(1, 5, 4),
    )
    assert found.passed
    assert found.entries == 3 * 20 + 8 + 2


def test_a_function_without_its_backward_is_refused(tmp_path):
    path = written(tmp_path, "def lonely_forward(x): return x, None")
    with pytest.raises(UsageError, match="no function lonely_backward beside lonely_forward"):
        check(f"{path}:lonely_forward")


@pytest.mark.parametrize(
    ("returned", "got"),
    [
        ("{}", "{}"),
        ("dy", "ndarray"),
        ("None", "NoneType"),
        ("(dy, {}, 1)", "(ndarray, {}, int)"),
        ("(dy, dy)", "(ndarray, ndarray)"),
        ("(None, {})", "(NoneType, {})"),
        ("(dy.tolist(), {})", "(list, {})"),
        ("dict.fromkeys(range(12), dy)", f"{{{', '.join(f'{k}: ndarray' for k in range(10))}, and 2 more}}"),
    ],
)
def test_what_backward_must_return_is_said(returned, got, tmp_path):
    path = written(
        tmp_path,
        f"""
        from dataclasses import dataclass
        from assay.nn import Layer
        @dataclass(frozen=True)
        class Same(Layer):
            kind = "same"
            def output_shape(self, shape): return shape
            def forward(self, params, x): return x, None
            def backward(self, params, cache, dy): return {returned}
        """,
    )
    why = f"backward must return (dx, {{}}), all arrays; got {got}"
    with pytest.raises(AssayError, match=f"{re.escape(why)}$"):
        said_of(f"{path}:Same")
