"""Activations against PyTorch, far from zero and at zero too."""

from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_agrees_with_torch
from strategies import any_shapes, batches, generators
from torch.nn import functional as F

from assay import nn

ORACLES = {
    nn.LeakyReLU(): F.leaky_relu,
    nn.LeakyReLU(0.3): lambda x: F.leaky_relu(x, 0.3),
    nn.ELU(): F.elu,
    nn.ELU(0.7): lambda x: F.elu(x, 0.7),
    nn.SELU(): F.selu,
    nn.Sigmoid(): F.sigmoid,
    nn.Tanh(): F.tanh,
    # without PyTorch's shortcut: beyond its threshold it returns x and the slope 1
    nn.Softplus(): lambda x: F.softplus(x, threshold=1e6),
    nn.GELU(): F.gelu,
}


@pytest.mark.parametrize("layer", ORACLES, ids=repr)
@given(rng=generators, n=batches, shape=any_shapes, scale=st.sampled_from([0.0, 1.0, 30.0]))
def test_agrees_with_torch(layer, rng, n, shape, scale):
    if isinstance(layer, nn.Sigmoid | nn.Tanh | nn.GELU):
        scale /= 30  # farther out, PyTorch's 1 - f and 1 + erf are all rounding
    x = scale * rng.normal(size=(n, *shape))
    assert_agrees_with_torch(layer, lambda x, _: ORACLES[layer](x), x, rng)


@pytest.mark.parametrize("layer", ORACLES, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_numbers_neither_overflow_nor_warn(layer, dtype):
    x = np.array([[-1e30, -1e4, 1e4, 1e30]], dtype)
    y, cache = layer.forward({}, x)
    dx, _ = layer.backward({}, cache, np.ones_like(x))
    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()
    assert y.dtype == dx.dtype == dtype


@pytest.mark.parametrize(
    ("layer", "exact"),
    [
        (nn.Sigmoid(), lambda x: F.logsigmoid(x).exp()),
        (nn.GELU(), lambda x: x * torch.special.erfc(-x / sqrt(2)) / 2),
    ],
    ids=lambda value: repr(value) if isinstance(value, nn.Layer) else "",
)
@given(rng=generators, n=batches, shape=any_shapes)
def test_digits_are_kept_far_from_zero(layer, exact, rng, n, shape):
    x = 10 * rng.normal(size=(n, *shape))
    assert_agrees_with_torch(layer, lambda x, _: exact(x), x, rng)


def test_each_entry_counts_once():
    assert nn.Tanh().flops((2, 3, 4)) == 24
