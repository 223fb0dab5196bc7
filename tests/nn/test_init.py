"""Initialisers against the distributions that PyTorch and the papers name."""

from math import sqrt

import numpy as np
import pytest
import torch
from scipy import stats

from assay.nn import Conv2d, Linear, init
from assay.streams import stream

WEIGHT = Conv2d(16, 5, weight_init=init.ZEROS).parameters((8, 9, 9))["weight"]
TORCH = torch.empty(WEIGHT.shape, dtype=torch.float64)
FAN_IN, FAN_OUT = torch.nn.init._calculate_fan_in_and_fan_out(TORCH)


def draw(initializer: init.Initializer) -> np.ndarray:
    return initializer(stream(0, "init"), WEIGHT.shape, WEIGHT.fan_in, WEIGHT.fan_out)


def uniform(bound: float):
    return stats.uniform(-bound, 2 * bound)


def normal(std: float):
    return stats.norm(0, std)


@pytest.mark.parametrize(
    ("initializer", "expected"),
    [
        (init.Uniform(), stats.uniform(0, 1)),
        (init.Uniform(-2, 3), stats.uniform(-2, 5)),
        (init.Normal(), normal(1)),
        (init.Normal(1, 0.5), stats.norm(1, 0.5)),
        (init.GlorotUniform(), uniform(sqrt(6 / (FAN_IN + FAN_OUT)))),
        (init.GlorotNormal(), normal(sqrt(2 / (FAN_IN + FAN_OUT)))),
        (init.HeUniform(), uniform(sqrt(6 / FAN_IN))),
        (init.HeNormal(), normal(sqrt(2 / FAN_IN))),
        (init.HeNormal(1.0), normal(sqrt(1 / FAN_IN))),
        (init.LeCunUniform(), uniform(sqrt(3 / FAN_IN))),
        (init.LeCunNormal(), normal(sqrt(1 / FAN_IN))),
        (init.PYTORCH_DEFAULT, uniform(1 / sqrt(FAN_IN))),
    ],
    ids=lambda value: repr(value) if isinstance(value, init.Initializer) else "",
)
def test_distribution(initializer, expected):
    assert stats.kstest(draw(initializer).ravel(), expected.cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("initializer", "theirs"),
    [
        (init.GlorotUniform(), torch.nn.init.xavier_uniform_),
        (init.GlorotNormal(), torch.nn.init.xavier_normal_),
        (init.HeUniform(), torch.nn.init.kaiming_uniform_),
        (init.HeNormal(0.3), lambda w: torch.nn.init.kaiming_normal_(w, 0.3)),
        (init.Uniform(), torch.nn.init.uniform_),
        (init.Normal(), torch.nn.init.normal_),
    ],
    ids=lambda value: repr(value) if isinstance(value, init.Initializer) else "",
)
def test_distribution_is_that_of_torch(initializer, theirs):
    torch.manual_seed(0)
    assert stats.ks_2samp(draw(initializer).ravel(), theirs(TORCH).numpy().ravel()).pvalue > 1e-3


@pytest.mark.parametrize("bias", [True, False])
def test_pytorch_default_is_what_its_layers_start_from(bias):
    torch.manual_seed(0)
    theirs = torch.nn.Linear(50, 400, bias).state_dict()
    layer = Linear(400, bias, init.PYTORCH_DEFAULT, init.PYTORCH_DEFAULT)
    for name, spec in layer.parameters((50,)).items():
        ours = spec.draw(stream(0, name))
        assert stats.ks_2samp(ours.ravel(), theirs[name].numpy().ravel()).pvalue > 1e-3


@pytest.mark.parametrize("shape", [(3, 8), (8, 3), (5, 5), (6, 2, 3, 3), (1, 4), (4,)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape):
    q = init.Orthogonal(2.0)(stream(0, "init"), shape, 1, 1).reshape(shape[0], -1) / 2
    gram = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_orthogonal_matrices_are_uniform():
    """The trace of a uniform orthogonal 2 x 2 matrix is 0 for reflections, else 2 cos of a uniform angle."""
    draws = [init.Orthogonal()(stream(i, "init"), (2, 2), 1, 1) for i in range(500)]
    angles = [np.arctan2(q[1, 0], q[0, 0]) for q in draws]
    assert stats.kstest(angles, uniform(np.pi).cdf).pvalue > 1e-3
    assert stats.binomtest(sum(np.linalg.det(q) > 0 for q in draws), 500).pvalue > 1e-3


def test_constant():
    assert (draw(init.Constant(0.1)) == 0.1).all()
    assert (draw(init.ZEROS) == 0).all()


def test_parameters_say_what_they_do():
    assert {name: spec.role for name, spec in Linear(3).parameters((2,)).items()} == {
        "weight": "weight",
        "bias": "bias",
    }
