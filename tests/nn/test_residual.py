"""Residual and Sequential against PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_agrees_with_torch
from strategies import batches, channels, generators, sizes
from torch.nn import functional as F

from assay.errors import ShapeError
from assay.nn import BatchNorm2d, Conv2d, Dropout, Linear, ReLU, Residual, Sequential
from assay.nn.network import Network

CONV = {"kernel_size": 3, "padding": 1}


@given(generators, batches, channels, sizes, sizes)
def test_identity_block_agrees_with_torch(rng, n, c, height, width):
    layer = Residual((Conv2d(c, **CONV), ReLU(), Conv2d(c, **CONV)))

    def reference(x, p):
        hidden = F.conv2d(x, p["conv1.weight"], p["conv1.bias"], padding=1).relu()
        return x + F.conv2d(hidden, p["conv2.weight"], p["conv2.bias"], padding=1)

    assert_agrees_with_torch(layer, reference, rng.normal(size=(n, c, height, width)), rng)


@given(generators, batches, channels, channels, sizes, sizes, st.integers(1, 3))
def test_projection_block_agrees_with_torch(rng, n, c, out, height, width, stride):
    layer = Residual((Conv2d(out, stride=stride, **CONV), ReLU()), (Conv2d(out, 1, stride, bias=False),))

    def reference(x, p):
        added = F.conv2d(x, p["conv1.weight"], p["conv1.bias"], stride, 1).relu()
        return added + F.conv2d(x, p["shortcut.conv1.weight"], None, stride)

    assert_agrees_with_torch(layer, reference, rng.normal(size=(n, c, height, width)), rng)


@given(generators, batches, st.integers(1, 5))
def test_sequential_agrees_with_torch(rng, n, width):
    layer = Sequential((Linear(4), ReLU(), Linear(3, bias=False)))

    def reference(x, p):
        return F.linear(F.linear(x, p["linear1.weight"], p["linear1.bias"]).relu(), p["linear2.weight"])

    assert_agrees_with_torch(layer, reference, rng.normal(size=(n, width)), rng)


def test_buffers_of_both_ways_are_kept_and_updated():
    layer = Residual(
        (Conv2d(2, **CONV), BatchNorm2d(momentum=1.0)), (Conv2d(2, 1), BatchNorm2d(momentum=1.0))
    )
    rng, shape = np.random.default_rng(0), (1, 4, 4)
    params = {name: spec.draw(rng) for name, spec in layer.parameters(shape).items()} | layer.buffers(shape)
    x = rng.normal(size=(3, *shape))
    _, cache = layer.forward_training(params, x, rng)
    after = layer.updated_buffers(params, cache)
    assert after.keys() == layer.buffers(shape).keys()
    for way, options in (("", CONV), ("shortcut.", {"kernel_size": 1})):
        hidden, _ = Conv2d(2, **options).forward(
            {"weight": params[f"{way}conv1.weight"], "bias": params[f"{way}conv1.bias"]}, x
        )
        np.testing.assert_allclose(after[f"{way}batchnorm1.running_mean"], hidden.mean(axis=(0, 2, 3)))


def test_training_and_evaluation_differ_inside_a_block():
    layer, x = Residual((Dropout(0.5),)), np.ones((2, 8))
    assert (layer.forward({}, x)[0] == 2).all()
    y, cache = layer.forward_training({}, x, np.random.default_rng(0))
    assert set(np.unique(y)) == {1.0, 3.0}
    dx, _ = layer.backward({}, cache, np.ones_like(y))
    assert (dx == y).all()


def test_a_block_without_layers_doubles():
    y, cache = Residual(()).forward({}, np.ones((1, 3)))
    assert (y == 2).all()
    assert (Residual(()).backward({}, cache, y)[0] == 4).all()


def test_ways_that_do_not_meet_are_refused_with_what_to_do():
    with pytest.raises(
        ShapeError, match=r"the layers make 4 x 3 x 3 of 2 x 6 x 6, the shortcut 2 x 6 x 6 \(project"
    ):
        Residual((Conv2d(4, 3, stride=2, padding=1),)).output_shape((2, 6, 6))
    with pytest.raises(ShapeError, match="layer residual1: layer conv2: the feature map shrinks to nothing"):
        Network((Residual((Conv2d(4, 3), Conv2d(4, 3))),), (2, 4, 4))


def test_receptive_field_and_operations_are_those_of_both_ways():
    block = Residual((Conv2d(2, 3, 2, 1), Conv2d(2, **CONV)), (Conv2d(2, 1, 2, bias=False),))
    network = Network((block, Conv2d(1, 3)), (1, 32, 32))
    assert network.receptive_fields == ((7, 7), (11, 11))
    x = torch.zeros(1, 1, 32, 32, requires_grad=True)
    ones = [torch.ones(2, 1, 3, 3), torch.ones(2, 2, 3, 3), torch.ones(1, 2, 3, 3)]
    added = F.conv2d(F.conv2d(x, ones[0], None, 2, 1), ones[1], None, 1, 1)
    y = F.conv2d(added + F.conv2d(x, torch.ones(2, 1, 1, 1), None, 2), ones[2])
    y[0, 0, 7, 7].backward()
    rows, _ = np.nonzero(x.grad[0, 0].numpy())
    assert np.ptp(rows) + 1 == 11
    ways = (*block.layers, *block.shortcut)
    shapes = ((1, 32, 32), (2, 16, 16), (1, 32, 32))
    assert (
        block.flops((1, 32, 32)) == sum(w.flops(s) for w, s in zip(ways, shapes, strict=True)) + 2 * 16 * 16
    )
