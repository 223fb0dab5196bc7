"""Penalties against PyTorch's autograd, and against its weight decay."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_close, gradient
from strategies import any_shapes, generators

from assay.errors import StudyError
from assay.nn import BatchNorm1d, Linear
from assay.nn.network import Network
from assay.optim import SGD, penalties
from assay.optim.penalties import L1, L2

strengths = st.sampled_from([0.0, 1e-3, 2.0])
NETWORK = Network((Linear(3), BatchNorm1d(), Linear(2)), (4,))


@given(generators, any_shapes, strengths)
def test_l1_agrees_with_autograd_at_zero_too(rng, shape, strength):
    check(L1(strength), rng.normal(size=shape).round(), lambda theta: strength * theta.abs().sum())


@given(generators, any_shapes, strengths)
def test_l2_is_half_the_sum_of_squares(rng, shape, strength):
    check(L2(strength), rng.normal(size=shape), lambda theta: strength / 2 * (theta**2).sum())


def check(penalty, theta, reference):
    leaf = torch.tensor(theta, requires_grad=True)
    expected = reference(leaf)
    expected.backward()
    assert penalty.value(theta) == pytest.approx(expected.item(), rel=1e-9)
    assert_close("gradient", penalty.gradient(theta), gradient(leaf))


def test_l2_of_a_strength_is_torch_s_weight_decay_of_the_same():
    theta = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    theta.grad = torch.zeros(2, dtype=torch.float64)
    torch.optim.SGD([theta], lr=0.1, weight_decay=0.3).step()
    start = np.array([1.0, -2.0])
    ours, _ = SGD(0.1).update(start, L2(0.3).gradient(start), {}, 1)
    assert_close("theta", ours, theta.detach().numpy())


def test_weights_are_penalised_and_biases_and_scales_are_not():
    specs, params = NETWORK.parameters, NETWORK.initialise(0, np.float64)
    zeros = {name: np.zeros_like(value) for name, value in params.items()}
    result = penalties.add_gradients((L1(1.0), L2(2.0)), specs, params, zeros)
    changed = {name for name, value in result.items() if (value != 0).any()}
    assert changed == {"linear1.weight", "linear2.weight"}
    weights = np.concatenate([params[name].ravel() for name in sorted(changed)])
    value = penalties.total((L1(1.0), L2(2.0)), specs, params)
    assert value == pytest.approx(np.abs(weights).sum() + (weights**2).sum())
    assert all((value == 0).all() for value in zeros.values())


def test_other_roles_on_demand():
    specs, params = NETWORK.parameters, NETWORK.initialise(0, np.float64)
    # the scales of batch normalisation start at 1, three of them
    assert penalties.total([L1(0.5, roles=("scale", "bias"))], specs, params) == 1.5


def test_value_is_float64_and_gradient_keeps_the_precision():
    theta = np.full(10**5, 0.1, np.float32)
    for penalty in (L1(1.0), L2(1.0)):
        assert penalty.gradient(theta).dtype == np.float32
    assert L1(1.0).value(theta) == pytest.approx(float(np.float32(0.1)) * 10**5, rel=1e-12)


@pytest.mark.parametrize("strength", [-1.0, float("nan"), float("inf")])
def test_a_strength_that_is_no_penalty_is_refused(strength):
    with pytest.raises(StudyError, match="strength must be a finite number >= 0"):
        L2(strength)


def test_an_unknown_role_is_refused():
    with pytest.raises(StudyError, match="roles must be among weight, bias, scale"):
        L1(1.0, roles=("wieght",))
