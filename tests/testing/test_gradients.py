"""The gradient check finds planted mistakes and names them."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_close, gradient
from strategies import generators

from assay.errors import ShapeError
from assay.nn import Dropout, Linear, Tanh
from assay.testing import central_differences, gradient_check

X = np.random.default_rng(0).normal(size=(4, 3))
PARAMS = {"weight": np.random.default_rng(1).normal(size=(2, 3)), "bias": np.zeros(2)}


@dataclass(frozen=True)
class Planted(Linear):
    """Linear with one entry of one gradient off by ``error``."""

    where: str = "weight"
    index: tuple[int, ...] = (1, 2)
    error: float = 0.1

    def backward(self, params, cache, dy):
        dx, grads = super().backward(params, cache, dy)
        (dx if self.where == "x" else grads[self.where])[self.index] += self.error
        return dx, grads


@given(
    st.one_of(
        st.tuples(st.just("x"), st.tuples(st.integers(0, 3), st.integers(0, 2))),
        st.tuples(st.just("weight"), st.tuples(st.integers(0, 1), st.integers(0, 2))),
        st.tuples(st.just("bias"), st.tuples(st.integers(0, 1))),
    ),
    st.sampled_from([1.0, -0.1, 1e-4, np.nan]),
)
def test_one_wrong_entry_is_found_and_named(place, error):
    where, index = place
    (found,) = gradient_check(Planted(2, where=where, index=index, error=error), X, PARAMS)
    assert (found.argument, found.index, found.wrong) == (where, index, 1)
    np.testing.assert_allclose(found.found - found.expected, error, atol=1e-7)


def test_the_message_names_entry_argument_and_size():
    (found,) = gradient_check(Planted(2), X, PARAMS)
    assert str(found).startswith("dL/dweight[1, 2]: backward gives ")
    assert "(off by 0.1); 1 of 6 entries of dL/dweight are wrong" in str(found)


def test_the_first_of_several_wrong_entries_is_named():
    class Flipped(Linear):
        def backward(self, params, cache, dy):
            dx, grads = super().backward(params, cache, dy)
            return -dx, {**grads, "bias": 2 * grads["bias"]}

    x, bias = gradient_check(Flipped(2), X, PARAMS)
    assert (x.argument, x.index, x.wrong, x.entries) == ("x", (0, 0), 12, 12)
    assert x.relative_error == pytest.approx(2)
    assert bias.argument == "bias"


def test_what_is_right_passes_in_training_under_one_mask_too():
    assert gradient_check(Linear(2), X, PARAMS) == []
    assert gradient_check(Dropout(0.5), X, {}, training=True) == []


def test_arrays_of_the_caller_are_left_alone():
    x, params = X.copy(), {name: value.copy() for name, value in PARAMS.items()}
    gradient_check(Linear(2), x, params)
    assert (x == X).all()
    assert all((params[name] == PARAMS[name]).all() for name in params)


def test_missing_and_misshapen_gradients_are_refused():
    class Missing(Linear):
        def backward(self, params, cache, dy):
            dx, grads = super().backward(params, cache, dy)
            return dx, {"bias": grads["bias"]}

    class Transposed(Linear):
        def backward(self, params, cache, dy):
            dx, grads = super().backward(params, cache, dy)
            return dx, {**grads, "weight": grads["weight"].T}

    wanted = r"\(dx, {'weight': dweight, 'bias': dbias}\), all arrays; got \(ndarray, {'bias': ndarray}\)$"
    with pytest.raises(ShapeError, match=wanted):
        gradient_check(Missing(2), X, PARAMS)
    with pytest.raises(ShapeError, match="dL/dweight is 3 x 2, weight is 2 x 3"):
        gradient_check(Transposed(2), X, PARAMS)


@given(generators)
def test_central_differences_agree_with_autograd(rng):
    x, dy = rng.normal(size=(2, 3, 4))
    found = central_differences(lambda: Tanh().forward({}, x)[0], x, dy)
    leaf = torch.tensor(x, requires_grad=True)
    leaf.tanh().backward(torch.tensor(dy))
    assert_close("dx", found, gradient(leaf), 1e-8)
