"""What cannot be trained is refused from its shapes, with little work, before any weight is drawn."""

from math import prod

import numpy as np
import pytest
from bounded import TooMuch, bounded
from hypothesis import given
from hypothesis import strategies as st
from tiny import sizes, tiny_tables

from assay.engines.base import initial_state
from assay.engines.reference import ReferenceEngine
from assay.errors import AssayError, ShapeError
from assay.nn import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNormPerActivation,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
)
from assay.nn.network import Network
from assay.nn.nodes import every
from assay.optim import SGD, Adam, NAdam
from assay.optim.recipe import Recipe
from assay.records import free_memory
from assay.running.plan import make_plan
from assay.study.architectures import Layers, from_table
from assay.study.study import Study
from assay.study.trainable import Placement, expect_trainable, training_bytes

DENSE = {"family": "Dense", "hidden": [10]}
BLOCKS = {"family": "ConvBlocks", "layers": 1, "filters": 2}
MAPS = [{"layer": "Flatten"}, {"layer": "Linear"}]


def pooled(layer, **arguments):
    return {"network": {"family": "Layers", "layers": [{"layer": layer, **arguments}, *MAPS]}}


def scheduled(**schedule):
    return {"training": {"schedule": schedule, "batch_size": 15, "epochs": 100}}


def nested(depth):
    layers = [{"layer": "ReLU"}] * 100
    for _ in range(depth):
        layers = [{"layer": "Residual", "layers": layers}, *[{"layer": "ReLU"}] * 100]
    return layers


@pytest.fixture(autouse=True)
def machine_of_16_gibibytes(monkeypatch):
    """No weight may be drawn, whatever a machine has."""
    monkeypatch.setattr("assay.study.trainable.free_memory.available", lambda: 2**34)
    monkeypatch.setattr(Network, "initialise", lambda *_: pytest.fail("weights were drawn"))


def refused(examples=100, **changes):
    values = {**tiny_tables(), "factors": {}, "control": None, **changes}
    with bounded(), pytest.raises(AssayError) as caught:
        make_plan(Study.from_tables(values, "f.toml"), sizes(train=examples))
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 800
    return str(caught.value)


WIDE = [10**9, 10**12, 10**300]


@pytest.mark.parametrize("size", WIDE, ids=["1e9", "1e12", "1e300"])
@pytest.mark.parametrize(
    "network",
    [
        {"family": "Dense", "hidden": [10, "SIZE"]},
        {"family": "ConvPool", "maps": ["SIZE"]},
        {"family": "ConvBlocks", "layers": 2, "filters": "SIZE"},
        {"family": "ResNet", "filters": ["SIZE"]},
        pooled("Conv2d", out_channels=2, kernel_size=3, padding="SIZE")["network"],
        pooled("ZeroPad2d", padding="SIZE")["network"],
        pooled("AdaptiveAvgPool2d", output_size="SIZE")["network"],
        pooled("Conv2d", out_channels="SIZE", kernel_size=1)["network"],
    ],
    ids=lambda network: "-".join(map(str, network.values()))[:60],
)
def test_a_size_that_no_machine_has_room_for(network, size):
    def filled(value):
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        return (
            [filled(item) for item in value]
            if isinstance(value, list)
            else size
            if value == "SIZE"
            else value
        )

    assert "tiny: arm 'tiny': a run takes about" in refused(network=filled(network))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"training": {"batch_size": 10**7}, "network": DENSE}, "of each of 10,000,000 examples"),
        ({"training": {"batch_size": 10**9}, "network": DENSE}, "batch_size must be at most 10,000,000"),
        ({"training": {"epochs": 10**9}, "network": DENSE}, "epochs must be at most 10,000,000"),
        (pooled("MaxPool2d", kernel_size=3000, stride=1, padding=1500), "more than 100,000,000 (use"),
        (pooled("AvgPool2d", kernel_size=10**9, padding=5 * 10**8), "a run takes about"),
        (pooled("MaxPool2d", kernel_size=10**9), "shrinks to nothing"),
        (pooled("MaxPool2d", kernel_size=3, padding=2), "padding must be at most half"),
        (pooled("Conv2d", out_channels=1, kernel_size=2000, padding=1000), "more than 100,000,000 (use"),
        (pooled("AdaptiveAvgPool2d", output_size=[10**7, 1]), "more than 100,000,000 (use"),
        ({"network": {**BLOCKS, "layers": 10**9}}, "layers: 1,000,000,000 are more than the 1,000"),
        ({"network": {**BLOCKS, "layers": 5000, "reduction": "strided", "stride": 1}}, "5,000 are more than"),
        ({"network": {**BLOCKS, "layers": 500, "reduction": "strided", "stride": 1}}, "more than the 1,000"),
        ({"network": {"family": "Dense", "hidden": [10] * 5000}}, "hidden: 5,000 are more than the 1,000"),
        ({"network": {"family": "ConvPool", "maps": [10] * 5000}}, "maps: 5,000 are more than the 1,000"),
        ({"network": {"family": "ResNet", "blocks": 10**9}}, "blocks: 2,000,000,000 are more than the 1,000"),
        ({"network": {"family": "ResNet", "filters": [4] * 9000}}, "blocks: 18,000 are more than the 1,000"),
        ({"network": {"family": "Layers", "layers": [{"layer": "ReLU"}] * 9000}}, "9,000 are more than"),
        ({"network": {"family": "Layers", "layers": nested(12)}}, "layers: 1,312 are more than the 1,000"),
        (scheduled(kind="ExponentialLR", gamma=1e9), "no finite number at step 351 of 700"),
        (scheduled(kind="StepLR", step_size=1, gamma=1e200), "no finite number at"),
        (scheduled(kind="WarmUp", steps=1, after={"kind": "ExponentialLR", "gamma": 1e9}), "no finite"),
        (scheduled(kind="OneCycleLR", total_steps=10**308), "no finite number at step 1 of 700"),
        (scheduled(kind="StepLR", step_size=1, gamma=float("inf")), "gamma must be a finite number; got inf"),
        (pooled("LeakyReLU", negative_slope=float("nan")), "negative_slope must be a finite number; got nan"),
        (pooled("LeakyReLU", negative_slope=float("-inf")), "must be a finite number; got -inf"),
        (pooled("ELU", alpha=float("inf")), "alpha must be a finite number; got inf"),
        ({"optimizer": {"rule": "NAdam", "momentum_decay": float("inf")}}, "momentum_decay must be a finite"),
        ({"network": {"family": "ConvPool", "maps": []}}, "number of convolutions in maps must be"),
    ],
)  # fmt: skip
def test_what_is_beyond_sense(changes, words):
    assert words in refused(**changes)


@pytest.mark.parametrize("bad", [0, -1, 1.5, "x", True, float("nan"), [], 1e9, [[]]], ids=repr)
@pytest.mark.parametrize(
    ("family", "key"),
    [("Dense", "hidden"), ("ConvPool", "maps"), ("ResNet", "filters"), ("ConvBlocks", "filters")],
)
def test_a_size_that_is_none(family, key, bad):
    for value in (bad,) if family == "ConvBlocks" else ([bad], bad):
        if (family, value) != ("Dense", []):  # which is softmax regression
            assert key in refused(network={"family": family, key: value})


def test_a_million_flops_a_pixel_are_more_than_a_day_has():
    wide = {"layer": "Conv2d", "out_channels": 400, "kernel_size": 9}
    layers = [{**wide, "padding": 40}, *[{**wide, "padding": 4}] * 9]
    line = refused(
        network={"family": "Layers", "layers": [*layers, *MAPS]}, training={"batch_size": 1, "epochs": 1}
    )
    assert "operations for one example, more than 1,000,000,000,000" in line


NORMS = {
    "vector": ({"family": "Dense", "hidden": [4], "batch_norm": True}, 1),
    "map": ({"family": "ConvPool", "maps": [4], "batch_norm": "map"}, 24 * 24),
    "activation": ({"family": "ConvPool", "maps": [4], "batch_norm": "activation"}, 1),
    "one pixel": (
        {
            "family": "Layers",
            "layers": [{"layer": "AdaptiveAvgPool2d", "output_size": 1}, {"layer": "BatchNorm2d"}, *MAPS],
        },
        1,
    ),
    "residual": (
        {
            "family": "Layers",
            "layers": [
                {"layer": "Flatten"},
                {
                    "layer": "Residual",
                    "layers": [{"layer": "Residual", "layers": [{"layer": "BatchNorm1d"}]}],
                },
                {"layer": "Linear"},
            ],
        },
        1,
    ),
    "shortcut": (
        {
            "family": "Layers",
            "layers": [
                {"layer": "Flatten"},
                {"layer": "Residual", "layers": [{"layer": "ReLU"}], "shortcut": [{"layer": "BatchNorm1d"}]},
                {"layer": "Linear"},
            ],
        },
        1,
    ),
}


@pytest.mark.parametrize("kind", NORMS)
@given(st.integers(1, 60), st.integers(1, 20))
def test_batch_normalisation_wants_two_values_of_each_unit_in_every_batch(kind, examples, size):
    """Refused if and only if some batch of an epoch, the last and smaller one included, has one."""
    table, positions = NORMS[kind]
    network = from_table(table).build((1, 28, 28), 3)
    batches = [min(size, examples - start) for start in range(0, examples, size)]
    if min(batches) * positions > 1:
        expect_trainable(network, Recipe(Adam(), size, 1), examples)
    else:
        with pytest.raises(
            ShapeError, match=rf"^{examples} training images in batches of {size}: layer .*one value"
        ):
            expect_trainable(network, Recipe(Adam(), size, 1), examples)


def test_the_norm_that_is_refused_is_named_wherever_it_is():
    line = refused(network=NORMS["residual"][0], examples=17)
    assert line.startswith(
        "tiny: arm 'tiny': 17 training images in batches of 16: layer batchnorm1: batch normalisation cannot "
        "train on one value a unit, found a batch of 1 (choose a batch_size that leaves no single"
    )


@given(
    st.sampled_from([SGD(), SGD(momentum=0.5), Adam(), NAdam()]),
    st.sampled_from(["float32", "float64"]),
    st.integers(1, 9),
)
def test_what_a_run_is_said_to_take_is_what_is_held(rule, dtype, size):
    network = Network((Conv2d(3, 3, padding=1), ReLU(), MaxPool2d(2), Flatten(), Linear(4)), (1, 6, 6))
    recipe = Recipe(rule, size, dtype=dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.undo()
        patch.setattr(Network, "initialise", INITIALISE)
        session = ReferenceEngine().session(network, recipe, [0], [initial_state(network, recipe, 0)])
    border = prod((1, 8, 8)) - prod((1, 6, 6))
    scalars = (len(network.parameters) if isinstance(rule, NAdam) else 0) * np.dtype(dtype).itemsize
    (state,) = session.states()
    kept = [
        *state.parameters.values(),
        *(s for slots in state.slots.values() for s in slots.values() if s.ndim),
    ]
    beside = sum(value.nbytes for value in kept) + sum(value.nbytes for value in state.parameters.values())
    expected = session.memory() - scalars + size * (border + 4) * np.dtype(dtype).itemsize + beside
    assert training_bytes(network, recipe) == expected


INITIALISE = Network.initialise


def test_on_a_gpu_a_minibatch_needs_no_room_in_the_machine():
    network, recipe = Network((Flatten(), Linear(9)), (1, 28, 28)), Recipe(SGD(), 10**7)
    expect_trainable(network, recipe, None, Placement(on_gpu=True))
    with pytest.raises(ShapeError, match="a run takes about"):
        expect_trainable(network, recipe, None)


def test_layers_within_layers_are_found():
    inner = Residual((ReLU(), Residual((BatchNorm2d(),), (BatchNormPerActivation(),))), (ReLU(),))
    nodes = Network((Conv2d(2, 3), inner, Flatten(), BatchNorm1d()), (1, 9, 9)).nodes
    assert [node.layer.kind for node in every(nodes)] == [
        "conv", "residual", "relu", "residual", "batchnorm", "batchnorm", "relu", "flatten", "batchnorm",
    ]  # fmt: skip


def test_a_network_of_a_thousand_layers_is_planned_in_little_work():
    layers = ({"layer": "Flatten"}, *[{"layer": "Linear", "out_features": 10}, {"layer": "ReLU"}] * 499)
    with bounded():
        network = Layers((*layers, {"layer": "Linear"})).build((1, 28, 28), 10)
        expect_trainable(network, Recipe(Adam()), 1000)
    assert len(network.nodes) == 1000


def test_the_machine_has_memory():
    assert 2**20 < free_memory.available() < 2**62


def on_and_on():
    while True:
        pass


def test_what_goes_on_without_end_is_broken_off(monkeypatch):
    with pytest.raises(TooMuch, match="calls, more than 1,000"), bounded(calls=1000):
        sorted(range(10_000), key=lambda value: -value)
    monkeypatch.setattr("bounded.WITHOUT_END", 0.1)
    with pytest.raises(TooMuch, match="no end"), bounded():
        on_and_on()
    with pytest.raises(AssertionError, match="held"), bounded(mebibytes=1):
        np.zeros(2**20)
