"""Learning rules against PyTorch: trajectories of 1, 10 and 100 steps in float64."""

import numpy as np
import pytest
import torch
from oracles import assert_close

from assay.errors import StudyError
from assay.optim import SGD, Adam, Optimizer
from assay.shapes import Array

CURVATURE = np.array([[1.0, 0.1, 3.0], [0.01, 2.0, 0.5]])


def gradient_at(theta: Array, step: int) -> Array:
    """Return the gradient of a bowl that shakes: it never settles, so a slip in a moment shows."""
    return CURVATURE * theta + np.sin(step + np.arange(6.0).reshape(2, 3))


def trajectory(rule: Optimizer, steps: int) -> Array:
    theta = np.linspace(-1, 1, 6).reshape(2, 3)
    slots = rule.slots(theta)
    for t in range(1, steps + 1):
        theta, slots = rule.update(theta, gradient_at(theta, t), slots, t)
    return theta


def torch_trajectory(make, steps: int) -> Array:
    theta = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(2, 3).requires_grad_()
    rule = make([theta])
    for t in range(1, steps + 1):
        theta.grad = torch.tensor(gradient_at(theta.detach().numpy(), t))
        rule.step()
    return theta.detach().numpy()


@pytest.mark.parametrize("steps", [1, 10, 100])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("lr", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (SGD, torch.optim.SGD),
        (Adam, torch.optim.Adam),
        (
            lambda **options: Adam(betas=(0.5, 0.9), eps=1e-3, **options),
            lambda p, **options: torch.optim.Adam(p, betas=(0.5, 0.9), eps=1e-3, **options),
        ),
    ],
)
def test_trajectory_agrees_with_torch(ours, theirs, lr, weight_decay, steps):
    options = {"lr": lr, "weight_decay": weight_decay}
    expected = torch_trajectory(lambda p: theirs(p, **options), steps)
    assert_close("theta", trajectory(ours(**options), steps), expected)


@pytest.mark.parametrize("rule", [SGD(), Adam()])
def test_defaults_are_those_of_torch(rule):
    expected = getattr(torch.optim, type(rule).__name__)([torch.zeros(1)]).defaults
    for key in ("lr", "weight_decay", "betas", "eps"):
        if hasattr(rule, key):
            assert getattr(rule, key) == expected.get(key), key


@pytest.mark.parametrize("rule", [SGD(weight_decay=0.1), Adam(weight_decay=0.1)])
def test_precision_is_kept_and_nothing_changed_in_place(rule):
    theta, grad = np.ones(3, np.float32), np.ones(3, np.float32)
    slots = rule.slots(theta)
    before = {name: value.copy() for name, value in slots.items()}
    after, memory = rule.update(theta, grad, slots, 1)
    assert after.dtype == np.float32
    assert all(value.dtype == np.float32 for value in memory.values())
    assert (theta == 1).all()
    assert (grad == 1).all()
    assert all((slots[name] == value).all() for name, value in before.items())


@pytest.mark.parametrize("lr", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_learning_rate_with_which_no_step_is_taken_is_refused(kind, lr):
    with pytest.raises(StudyError, match="lr must be a finite number > 0; got"):
        kind(lr=lr)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight_decay": -0.1}, "weight_decay must be a finite number >= 0; got -0.1"),
        ({"betas": (0.9, 1.0)}, r"betas must be two numbers in \[0, 1\); got \(0.9, 1.0\)"),
        ({"betas": (0.9,)}, "betas must be two numbers"),
        ({"eps": 0.0}, "eps must be a finite number > 0; got 0.0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(StudyError, match=message):
        Adam(**options)
