"""ReLU and Flatten against PyTorch, on any shape."""

import numpy as np
from hypothesis import given
from oracles import assert_agrees_with_torch
from strategies import any_shapes, batches, generators

from assay.nn import Flatten, ReLU


@given(generators, batches, any_shapes)
def test_relu_agrees_with_torch_at_zero_too(rng, n, shape):
    x = rng.normal(size=(n, *shape)).round()
    assert_agrees_with_torch(ReLU(), lambda x, _: x.relu(), x, rng)


@given(generators, batches, any_shapes)
def test_flatten_agrees_with_torch(rng, n, shape):
    assert_agrees_with_torch(Flatten(), lambda x, _: x.flatten(1), rng.normal(size=(n, *shape)), rng)


def test_relu_passes_nan_on():
    assert np.isnan(ReLU().forward({}, np.array([[np.nan]]))[0]).all()


def test_operations():
    assert ReLU().flops((2, 3, 4)) == 24
    assert Flatten().flops((2, 3, 4)) == 0
