"""The networks of both reports: their shapes and sizes by hand, and against PyTorch's own modules."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from example_counts import drawn
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tiny import sizes, tiny_study
from torch import nn
from torch_networks import load_weights, torch_blocks, torch_dense, torch_pools

from assay import nn as layers
from assay.errors import AssayError, ShapeError, StudyError
from assay.nn.nodes import every
from assay.running.plan import make_plan
from assay.study.architectures import (
    ConvBlocks,
    ConvPool,
    Dense,
    Layers,
    ResNet,
    from_table,
)
from assay.study.layer_tables import ACTIVATIONS, INITIALIZERS

EMNIST = (1, 28, 28)
REDUCTIONS = ["max", "average", "strided", "dilated"]


def assert_same_network(network, modules, size, seed=0):
    """Compare the shape after every layer, the parameters' shapes, and the scores for equal weights."""
    modules = modules.double()
    params = network.initialise(seed, np.float64)
    own = list(modules.parameters())
    assert [tuple(p.shape) for p in own] == [p.shape for p in params.values()]
    assert network.parameter_count == sum(p.numel() for p in own)
    load_weights(modules, params)
    x = np.random.default_rng(seed).random((3, 1, *size))
    y = torch.tensor(x)
    for node, module in zip(network.nodes, modules, strict=True):
        y = module(y)
        assert tuple(y.shape[1:]) == node.output_shape, node.name
    np.testing.assert_allclose(network.forward(params, x)[0], y.detach().numpy(), rtol=1e-9, atol=1e-12)


def test_the_dense_network_of_2017():
    network = Dense().build(EMNIST, 47)
    assert network.parameter_count == 785 * 100 + 3 * 101 * 100 + 101 * 47 == 113_547
    assert network.flops == 2 * (784 * 100 + 3 * 100 * 100 + 100 * 47) + 4 * 100 + 47 + 4 * 100
    assert_same_network(network, torch_dense([100] * 4, 47, (28, 28)), (28, 28))


@pytest.mark.parametrize(
    ("maps", "count", "features"),
    [
        ((5,), 5 * 26 + 47 * (5 * 12 * 12 + 1), (5, 12, 12)),
        ((5, 10), 5 * 26 + 10 * (5 * 25 + 1) + 47 * (10 * 4 * 4 + 1), (10, 4, 4)),
    ],
)
def test_the_convolutional_networks_of_2017(maps, count, features):
    network = ConvPool(maps).build(EMNIST, 47)
    assert network.parameter_count == count
    assert network.nodes[-3].output_shape == features
    assert_same_network(network, torch_pools(maps, 47, (28, 28)), (28, 28))


@pytest.mark.parametrize(
    ("reduction", "sides", "convolutions"),
    [
        ("max", [15, 8, 5, 3], 4),  # (28 + 2 - 2) / 2 + 1 and so on
        ("average", [15, 8, 5, 3], 4),
        ("strided", [14, 7, 4, 2], 8),  # (28 + 2 - 3) / 2 + 1
        ("dilated", [26, 22, 16, 8], 8),  # each loses 2 (i + 2) - 2
    ],
)
def test_the_networks_of_2018(reduction, sides, convolutions):
    network = ConvBlocks(reduction=reduction).build(EMNIST, 47)
    step = 3 if reduction in ("max", "average") else 4
    assert [network.nodes[i * step + step - 1].output_shape for i in range(4)] == [(64, s, s) for s in sides]
    assert network.parameter_count == 9 * 64 + (convolutions - 1) * 9 * 64 * 64 + 47 * 64 * 4
    assert any(node.name.startswith("adaptive") for node in network.nodes) == (sides[-1] != 2)
    assert_same_network(network, torch_blocks(4, 64, reduction, 47, (28, 28)), (28, 28))


@settings(max_examples=drawn(15))
@given(
    st.integers(1, 4), st.integers(1, 4), st.sampled_from(REDUCTIONS), st.integers(1, 6),
    st.tuples(st.integers(4, 20), st.integers(4, 20)), st.integers(0, 99),
)  # fmt: skip
def test_every_size_of_the_2018_network_agrees_with_pytorch(count, filters, reduction, classes, size, seed):
    try:
        network = ConvBlocks(count, filters, reduction).build((1, *size), classes)
    except ShapeError:
        assume(False)
    assert_same_network(network, torch_blocks(count, filters, reduction, classes, size), size, seed)


@settings(max_examples=drawn(15))
@given(st.lists(st.integers(1, 6), max_size=3), st.integers(1, 6), st.integers(0, 99))
def test_every_size_of_the_dense_network_agrees_with_pytorch(hidden, classes, seed):
    network = Dense(tuple(hidden)).build((1, 5, 4), classes)
    assert_same_network(network, torch_dense(hidden, classes, (5, 4)), (5, 4), seed)


@settings(max_examples=drawn(15))
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=2),
    st.integers(1, 5),
    st.integers(13, 20),
    st.integers(0, 99),
)
def test_every_size_of_the_2017_network_agrees_with_pytorch(maps, kernel_size, side, seed):
    try:
        network = ConvPool(tuple(maps), kernel_size).build((1, side, side), 3)
    except ShapeError:
        assume(False)
    assert_same_network(network, torch_pools(maps, 3, (side, side), kernel_size), (side, side), seed)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("family", "modules"),
    [
        (Dense((7, 6)), torch_dense([7, 6], 47, (28, 28))),
        (ConvPool((3, 4)), torch_pools((3, 4), 47, (28, 28))),
        (ConvBlocks(2, 4, "strided"), torch_blocks(2, 4, "strided", 47, (28, 28))),
        (ConvBlocks(2, 4, "max"), torch_blocks(2, 4, "max", 47, (28, 28))),
    ],
)
def test_an_activation_takes_the_place_of_every_relu_as_pytorch_has_it(family, modules, activation):
    theirs = getattr(nn, activation)
    turned = [theirs() if isinstance(module, nn.ReLU) else module for module in modules]
    assert any(type(module) is theirs for module in turned)
    network = replace(family, activation=activation).build(EMNIST, 47)
    assert_same_network(network, nn.Sequential(*turned), (28, 28))


def test_the_residual_network_has_its_activation_everywhere():
    network = ResNet((2, 3), 2, activation="GELU").build(EMNIST, 47)
    relu = ResNet((2, 3), 2).build(EMNIST, 47)
    kinds = [node.layer.kind for node in every(network.nodes)]
    assert kinds.count("gelu") == 2 + 4 + 4  # stems, and within and after each block
    assert kinds == [node.layer.kind.replace("relu", "gelu") for node in every(relu.nodes)]


@pytest.mark.parametrize("family", ["Dense", "ConvPool", "ConvBlocks", "ResNet"])
def test_an_activation_that_is_none_is_refused(family):
    with pytest.raises(StudyError, match=r"network\.activation: input should be 'ReLU', 'LeakyReLU', 'ELU'"):
        from_table({"family": family, "activation": "relu"})


def test_no_hidden_layer_is_softmax_regression_but_no_map_is_no_convolutional_network():
    assert [node.name for node in Dense(()).build(EMNIST, 47).nodes] == ["flatten1", "linear1"]
    with pytest.raises(StudyError, match="number of convolutions in maps must be an integer >= 1; got 0"):
        ConvPool(())


@pytest.mark.parametrize("init", INITIALIZERS)
@pytest.mark.parametrize("family", [Dense((300,)), ConvBlocks(2, 40), ConvPool((40, 40))])
def test_init_is_what_every_weight_is_drawn_from(init, family):
    network = type(family)(**{**vars(family), "init": init}).build(EMNIST, 47)
    params = network.initialise(0, np.float64)
    for name, spec in network.parameters.items():
        fans = spec.fan_in + spec.fan_out
        variance = {
            "GlorotUniform": 2 / fans, "GlorotNormal": 2 / fans, "HeUniform": 2 / spec.fan_in,
            "HeNormal": 2 / spec.fan_in, "PyTorch": 1 / (3 * spec.fan_in),
            "LeCunUniform": 1 / spec.fan_in, "LeCunNormal": 1 / spec.fan_in,
        }[init]  # fmt: skip
        if name.endswith("weight"):
            deviation = 6 * np.sqrt(2 / params[name].size)  # of a normal variance; a uniform one varies less
            assert params[name].var() == pytest.approx(variance, rel=deviation), name
        else:
            assert not params[name].any()


def test_pytorch_draws_its_weights_with_our_pytorch_variance():
    torch.manual_seed(0)
    assert nn.Conv2d(30, 40, 5).weight.detach().numpy().var() == pytest.approx(1 / (3 * 30 * 25), rel=0.03)
    assert nn.Linear(500, 200).weight.detach().numpy().var() == pytest.approx(1 / (3 * 500), rel=0.03)


def test_layers_lists_any_network():
    tables = [
        {
            "layer": "Conv2d",
            "out_channels": 4,
            "kernel_size": [3, 5],
            "bias": False,
            "weight_init": "HeNormal",
        },
        {"layer": "ReLU"},
        {"layer": "AvgPool2d", "kernel_size": 3, "stride": 2, "count_include_pad": False},
        {"layer": "Flatten"},
        {"layer": "Linear"},
    ]
    network = from_table({"family": "Layers", "layers": tables}).build(EMNIST, 10)
    assert network.layers == (
        layers.Conv2d(4, (3, 5), bias=False, weight_init=INITIALIZERS["HeNormal"]),
        layers.ReLU(),
        layers.AvgPool2d(3, 2, count_include_pad=False),
        layers.Flatten(),
        layers.Linear(10),
    )


@pytest.mark.parametrize("key", ["layers", "filters", "stride"])
def test_sizes_below_one_are_refused(key):
    with pytest.raises(StudyError, match=rf"{key} must be an integer >= 1; got 0"):
        ConvBlocks(**{key: 0})


def test_a_network_that_does_not_end_in_the_classes_is_refused():
    network = Layers(({"layer": "Flatten"}, {"layer": "Linear", "out_features": 9}))
    with pytest.raises(StudyError, match=r"9.* scores for 10 classes"):
        network.build(EMNIST, 10)


@pytest.mark.parametrize(
    ("network", "layer"),
    [
        ({"family": "ConvPool", "maps": [5, 10, 20]}, "conv3"),
        ({"family": "ConvBlocks", "reduction": "dilated", "layers": 6}, "conv10"),
        (
            {"family": "Layers", "layers": [{"layer": "MaxPool2d", "kernel_size": 29}, {"layer": "Linear"}]},
            "maxpool1",
        ),
        ({"family": "Layers", "layers": [{"layer": "Linear"}]}, "linear1"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_naming_arm_and_layer(network, layer):
    study = tiny_study("glyphs", factors={"size": {"fits": {}, "deep": {"network": network}}}, control="fits")
    with pytest.raises(ShapeError) as caught:
        make_plan(study, sizes(EMNIST))
    assert str(caught.value).startswith(f"tiny: arm 'deep': layer {layer}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_an_engine_that_is_unknown_is_refused_naming_the_arm():
    study = tiny_study("glyphs", factors={"speed": {"fast": {"engine": "nunba"}}}, control="fast")
    with pytest.raises(
        AssayError, match=r"^tiny: arm 'fast': engine 'nunba' is unknown \(did you mean 'numba'\?\)$"
    ):
        make_plan(study, sizes(EMNIST))


def test_arms_of_one_seed_start_alike_where_name_and_shape_agree():
    plan = make_plan(tiny_study("glyphs", network={"layers": 3}), sizes(EMNIST))
    one, other = (cohort.network.initialise(5) for cohort in plan.cohorts)
    assert one.keys() == other.keys()
    for name in one:
        assert np.array_equal(one[name], other[name])
    assert not np.array_equal(one["conv2.weight"], plan.cohorts[0].network.initialise(6)["conv2.weight"])
    strided = ConvBlocks(3, 6, "strided").build(EMNIST, 47).initialise(5)
    shared = [name for name in one if strided[name].shape == one[name].shape]
    assert shared == ["conv1.weight", "conv2.weight", "conv3.weight", "linear1.weight"]
    for name in shared:
        assert np.array_equal(one[name], strided[name])


@pytest.mark.parametrize("table", [{"family": "ConvPool"}, {"family": "ConvBlocks", "reduction": "strided"}])
def test_convolution_chooses_the_method_of_every_conv2d(table):
    network = from_table({**table, "convolution": "fft"}).build(EMNIST, 10)
    methods = [layer.method for layer in network.layers if isinstance(layer, layers.Conv2d)]
    assert methods
    assert set(methods) == {"fft"}
    with pytest.raises(StudyError, match=r"network\.convolution: input should be 'loops', 'scipy'"):
        from_table({**table, "convolution": "loop"})


@pytest.mark.parametrize("inner", [1, "x", [2]])
def test_layers_in_layers_are_tables_too(inner):
    with pytest.raises(StudyError, match=r"layers\[0\]\.layers\[0\]: expected a table with 'layer'"):
        from_table({"family": "Layers", "layers": [{"layer": "Residual", "layers": [inner]}]})
