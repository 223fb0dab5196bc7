"""Networks: names, shapes, counts and reach against PyTorch; the same weights for the same seed."""

from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_close, draw_parameters, gradient
from strategies import generators
from torch.nn import functional as F

from assay.errors import ShapeError
from assay.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
)
from assay.nn.network import Network
from assay.streams import stream

CNN = Network(
    (Conv2d(5, 5), ReLU(), MaxPool2d(2), Conv2d(10, 5), ReLU(), MaxPool2d(2), Flatten(), Linear(47))
)


def torch_cnn() -> torch.nn.Sequential:
    conv = (torch.nn.Conv2d(1, 5, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(2))
    conv2 = (torch.nn.Conv2d(5, 10, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(2))
    return torch.nn.Sequential(*conv, *conv2, torch.nn.Flatten(), torch.nn.Linear(160, 47)).double()


def test_layers_are_named_by_kind_and_order():
    names = ["conv1", "relu1", "maxpool1", "conv2", "relu2", "maxpool2", "flatten1", "linear1"]
    assert [node.name for node in CNN.nodes] == names
    assert list(CNN.parameters) == [
        f"{layer}.{name}" for layer in ("conv1", "conv2", "linear1") for name in ("weight", "bias")
    ]


def test_shapes_and_counts_are_those_of_torch():
    x, model = torch.zeros(1, 1, 28, 28, dtype=torch.float64), torch_cnn()
    for node, module in zip(CNN.nodes, model, strict=True):
        x = module(x)
        assert node.output_shape == tuple(x.shape[1:])
    assert CNN.output_shape == (47,)
    assert CNN.parameter_count == sum(parameter.numel() for parameter in model.parameters())
    assert [spec.shape for spec in CNN.parameters.values()] == [tuple(p.shape) for p in model.parameters()]


def test_forward_and_backward_agree_with_torch():
    rng, model = np.random.default_rng(0), torch_cnn()
    params = CNN.initialise(0, np.float64)
    with torch.no_grad():
        for leaf, value in zip(model.parameters(), params.values(), strict=True):
            leaf.copy_(torch.tensor(value))
    x = rng.normal(size=(3, 1, 28, 28))
    x_leaf = torch.tensor(x, requires_grad=True)
    y, caches = CNN.forward(params, x)
    dy = rng.normal(size=y.shape)
    dx, grads = CNN.backward(params, caches, dy)
    expected = model(x_leaf)
    expected.backward(torch.tensor(dy))
    assert_close("forward", y, expected.detach().numpy())
    assert_close("dx", dx, gradient(x_leaf))
    for name, leaf in zip(CNN.parameters, model.parameters(), strict=True):
        assert_close(name, grads[name], gradient(leaf))


spatial = st.one_of(
    st.builds(Conv2d, st.just(1), st.integers(1, 3), st.integers(1, 2), st.integers(0, 1), st.integers(1, 3)),
    st.builds(AvgPool2d, st.integers(2, 3), st.integers(1, 3), st.integers(0, 1)),
)


@given(generators, st.lists(spatial, min_size=1, max_size=3))
def test_receptive_field_is_as_far_as_a_gradient_reaches(rng, layers):
    """The middle output's gradient through PyTorch spans what the recurrence says."""
    network = Network(tuple(layers), (1, 121, 121))
    x = torch.zeros(1, 1, 121, 121, dtype=torch.float64, requires_grad=True)
    y = x
    for layer in layers:
        if isinstance(layer, Conv2d):
            weight = torch.ones(1, 1, layer.kernel_size, layer.kernel_size, dtype=torch.float64)
            y = F.conv2d(y, weight, None, layer.stride, layer.padding, layer.dilation)
        else:
            y = F.avg_pool2d(y, layer.kernel_size, layer.stride, layer.padding)
    y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
    rows, columns = np.nonzero(gradient(x)[0, 0])
    assert network.receptive_fields[-1] == (np.ptp(rows) + 1, np.ptp(columns) + 1)


def test_receptive_field_ends_at_the_border_and_at_the_vector():
    assert CNN.receptive_fields == ((5, 5), (5, 5), (6, 6), (14, 14), (14, 14), (16, 16), (28, 28), (28, 28))
    # 7 columns: the pool leaves the last one out, so the vector sees 6
    assert Network((MaxPool2d(2), Flatten(), Linear(3)), (1, 8, 7)).receptive_fields[-1] == (8, 6)
    pooled = Network((Conv2d(2, 3), AdaptiveAvgPool2d(1)), (1, 9, 9))
    assert pooled.receptive_fields[-1] == (9, 9)
    assert Network((Conv2d(1, 9, padding=4),), (1, 4, 4)).receptive_fields == ((4, 4),)


def test_equal_seeds_give_equal_weights_wherever_name_and_shape_agree():
    wide = Network((Conv2d(5, 5), MaxPool2d(4), Flatten(), Linear(100), Linear(47)))
    narrow = Network((Conv2d(5, 5), AvgPool2d(4), Conv2d(3, 1), Flatten(), Linear(100), Linear(47)))
    a, b = wide.initialise(3), narrow.initialise(3)
    shared = [name for name in a if name in b and a[name].shape == b[name].shape]
    assert {"conv1.weight", "linear2.weight"} <= set(shared)
    assert "linear1.weight" not in shared
    for name in shared:
        assert (a[name] == b[name]).all()


def test_other_seeds_and_other_names_give_other_weights():
    network = Network((Linear(4), Linear(4)), (4,))
    params = network.initialise(0)
    assert (params["linear1.weight"] != params["linear2.weight"]).all()
    assert (params["linear1.weight"] != network.initialise(1)["linear1.weight"]).all()


def test_one_seed_means_the_same_weights_in_every_precision():
    single, double = CNN.initialise(0), CNN.initialise(0, np.float64)
    for name, value in double.items():
        assert single[name].dtype == np.float32
        assert (single[name] == value.astype(np.float32)).all()
    assert sum(prod(value.shape) for value in single.values()) == CNN.parameter_count


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), "a network needs at least one layer"),
        ((Conv2d(2, 3), Linear(3)), r"layer linear1: expected a vector \(D\), found 2 x 4 x 6"),
        ((Flatten(), Linear(4), Conv2d(2, 3)), r"layer conv1: expected feature maps"),
        (
            (MaxPool2d(2), MaxPool2d(2), MaxPool2d(2)),
            r"layer maxpool3: the feature map shrinks to nothing, 1 x 1 x 2 becomes 1 x 0 x 1",
        ),
        ((Conv2d(1, 3), Conv2d(1, 3), Conv2d(1, 3)), "layer conv3: the feature map shrinks to nothing"),
    ],
)
def test_layers_that_do_not_fit_are_named(layers, message):
    with pytest.raises(ShapeError, match=message):
        Network(layers, (1, 6, 8))


def test_an_upstream_gradient_of_another_shape_is_refused_by_every_layer():
    rng = np.random.default_rng(0)
    for node in CNN.nodes:
        params = draw_parameters(node.layer, node.input_shape, rng)
        y, cache = node.layer.forward(params, rng.normal(size=(2, *node.input_shape)))
        for wrong in (y[:1], y[..., :-1], y[..., None]):
            with pytest.raises(ShapeError, match="upstream gradient is"):
                node.layer.backward(params, cache, wrong)


REGULARISED = Network(
    (
        Conv2d(2, 3),
        BatchNorm2d(),
        Residual((ReLU(), Dropout(0.5))),
        Flatten(),
        BatchNorm1d(),
        Dropout(0.5),
        Linear(3),
    ),
    (1, 5, 5),
)


def draw(name):
    return stream(0, "mask", 1, 1, name)


def test_buffers_are_kept_beside_the_parameters_and_not_learnt():
    buffers = REGULARISED.initial_buffers()
    assert buffers.keys() == {f"batchnorm{i}.running_{kind}" for i in (1, 2) for kind in ("mean", "var")}
    assert not buffers.keys() & REGULARISED.parameters.keys()
    assert REGULARISED.parameter_count == sum(value.size for value in REGULARISED.initialise(0).values())
    assert all(value.dtype == np.float32 for value in buffers.values())


def test_a_training_step_updates_buffers_and_evaluation_uses_them():
    params = REGULARISED.initialise(0, np.float64) | REGULARISED.initial_buffers(np.float64)
    x = np.random.default_rng(0).normal(size=(8, 1, 5, 5))
    before = REGULARISED.forward(params, x)[0]
    y, caches = REGULARISED.forward_training(params, x, draw)
    _, gradients = REGULARISED.backward(params, caches, np.ones_like(y))
    assert gradients.keys() == REGULARISED.parameters.keys()
    updated = REGULARISED.updated_buffers(params, caches)
    assert updated.keys() == REGULARISED.initial_buffers().keys()
    assert all((updated[name] != params[name]).all() for name in updated)
    assert (REGULARISED.forward({**params, **updated}, x)[0] != before).any()


def test_masks_depend_on_the_layer_s_name_and_on_nothing_before_it():
    x = np.ones((4, 6))
    wide, narrow = Network((Dropout(0.5), Dropout(0.5)), (6,)), Network((ReLU(), Dropout(0.5)), (6,))
    first, second = (mask for mask, _ in wide.forward_training({}, x, draw)[1])
    (alone, _) = narrow.forward_training({}, x, draw)[1][1]
    assert (alone == first).all()
    assert (first != second).any()
