"""Max pooling before an activation that never falls: the same network, for less."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import numba
import numpy as np
import pytest
from example_counts import drawn
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from numba_cases import CLASSES, assert_agree, draw_images, draw_pair, kernels_of, open_session, uneven
from torch_cases import assert_trains_as_the_reference

from assay.engines.base import Engine, Recipe, Session, State, initial_state
from assay.engines.numba import NumbaEngine, blueprint
from assay.engines.numba.engine import programs
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.pooled_first import pooled_first
from assay.engines.reference import ReferenceEngine
from assay.engines.torch import TorchEngine, build
from assay.errors import ShapeError
from assay.nn import (
    ELU,
    GELU,
    SELU,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
    Sigmoid,
    Softplus,
    Tanh,
)
from assay.nn.activation import Activation
from assay.nn.network import Network, local
from assay.optim import SGD


@numba.njit(error_model="numpy")
def bend(x, a):
    return x / (1 + a * abs(x))


@numba.njit(error_model="numpy")
def bend_slope(x, a):
    s = 1 + a * abs(x)
    return 1 / (s * s)


@dataclass(frozen=True)
class Silent(Activation):
    """Does not say that it is nondecreasing."""

    a: float = 2.0
    kind: ClassVar[str] = "bend"
    elementwise = (bend, bend_slope)

    def value(self, x):
        return bend.py_func(x, x.dtype.type(self.a))

    def slope(self, x):
        return bend_slope.py_func(x, x.dtype.type(self.a))


@dataclass(frozen=True)
class Bend(Silent):
    nondecreasing: ClassVar[bool] = True


NEVER_FALL = [LeakyReLU(0.2), LeakyReLU(0.0), ELU(0.7), SELU(), Sigmoid(), Tanh(), Softplus(), Bend()]
FALL = [LeakyReLU(-0.2), ELU(-0.7), GELU(), Silent()]
CONV, POOL = Conv2d(3, 3), MaxPool2d(2)


def kinds(*layers: Layer) -> list[str]:
    nodes = Network(layers, (1, 12, 12)).nodes
    found = pooled_first(nodes)
    assert sorted(node.name for node in found) == sorted(node.name for node in nodes)
    assert found[-1].output_shape == nodes[-1].output_shape
    for before, after in pairwise(found):
        assert before.output_shape == after.input_shape
    return [type(node.layer).__name__ for node in found]


@pytest.mark.parametrize("layer", NEVER_FALL, ids=repr)
def test_pooling_moves_before_what_never_falls(layer):
    name = type(layer).__name__
    assert kinds(CONV, layer, POOL) == ["Conv2d", "MaxPool2d", name]
    assert kinds(CONV, layer, layer, POOL, POOL) == ["Conv2d", "MaxPool2d", "MaxPool2d", name, name]
    assert kinds(layer, POOL, CONV, layer) == ["MaxPool2d", name, "Conv2d", name]


@pytest.mark.parametrize("layer", [*FALL, ReLU(), Dropout(), BatchNorm2d(), CONV], ids=repr)
def test_before_nothing_else(layer):
    assert kinds(CONV, layer, POOL) == ["Conv2d", type(layer).__name__, "MaxPool2d"]
    assert kinds(CONV, layer, Tanh(), POOL) == ["Conv2d", type(layer).__name__, "MaxPool2d", "Tanh"]


def test_not_where_there_are_more_windows_than_entries():
    assert kinds(CONV, Tanh(), MaxPool2d(3, 1, 1)) == ["Conv2d", "MaxPool2d", "Tanh"]  # as many
    assert kinds(CONV, Tanh(), MaxPool2d(2, 1, 1)) == ["Conv2d", "Tanh", "MaxPool2d"]


@pytest.mark.parametrize("layer", [*NEVER_FALL, *FALL], ids=repr)
def test_the_numba_engine_pools_as_it_convolves(layer):
    network = Network((CONV, layer, POOL, Flatten(), Linear(CLASSES)), (1, 12, 12))
    kernels = kernels_of(open_session(NumbaEngine(), network, Recipe(SGD(), 20)))
    assert (Kernel.PRODUCT_POOLED in kernels) == (layer in NEVER_FALL)
    assert (Kernel.WINDOW_MAX in kernels) == (layer in FALL)


def test_the_torch_engine_pools_first_also_inside_others():
    inner = Sequential((Tanh(), POOL))
    (op,) = build.ops(Network((inner,), (1, 12, 12)).nodes, build.Variables(1, {}, {}))
    assert [type(each.layer).__name__ for each in op._ops] == ["MaxPool2d", "Tanh"]


@st.composite
def networks(draw: st.DrawFn, layers: list[Layer]) -> Network:
    """Draw one or two convolutions, some normalised, with activations and any max pooling behind them."""
    made: list[Layer] = []
    for _ in range(draw(st.integers(1, 2))):
        kernel = draw_pair(draw, 1, 3)
        made.append(Conv2d(draw(st.integers(1, 4)), kernel, 1, draw_pair(draw, 0, 1)))
        made += draw(st.sampled_from([(), (), (BatchNorm2d(eps=0.1),)]))
        made += draw(st.lists(st.sampled_from(layers), min_size=1, max_size=2))
        window, stride = draw(
            st.just(((2, 2), (2, 2))) | st.just((draw_pair(draw, 1, 3), draw_pair(draw, 1, 3)))
        )
        made.append(MaxPool2d(window, stride, tuple(draw(st.integers(0, k // 2)) for k in window)))
    try:
        return Network(
            (*made, Flatten(), Linear(CLASSES)), (draw(st.integers(1, 2)), *draw_pair(draw, 4, 11))
        )
    except ShapeError:
        reject()


RECIPE = Recipe(SGD(0.05, momentum=0.5), 8, dtype="float64")


@given(networks([*NEVER_FALL, *FALL, ReLU()]))
@settings(max_examples=drawn(25), deadline=None)
def test_numba_agrees_with_the_reference(network: Network):
    assert_trains_as_the_reference_in_numba(network)


@pytest.mark.parametrize("layer", [*NEVER_FALL, *FALL], ids=repr)
def test_so_it_does_with_whole_windows_where_an_activation_may_fall(layer):
    network = Network((CONV, layer, POOL, Flatten(), Linear(CLASSES)), (1, 12, 12))
    z = CONV.forward(local(wide(network).parameters, "conv1"), draw_images(20, network)[0][:, None] / 255)[0]
    assert (POOL.forward({}, z)[0] < -1).mean() > 0.1
    assert_trains_as_the_reference_in_numba(network)


def wide(network: Network) -> State:
    """Return a state whose convolutions give numbers far from 0, most of them negative."""
    state = uneven(network, RECIPE)
    for name in state.parameters:
        if name.startswith("conv"):
            state.parameters[name] *= 3
            state.parameters[name] -= 2.5 if name.endswith("bias") else 0
    return state


def assert_trains_as_the_reference_in_numba(network: Network) -> None:
    found, expected = (trained(engine, network) for engine in (NumbaEngine(), ReferenceEngine()))
    assert_agree(found, expected, network)


def trained(engine: Engine, network: Network) -> Session:
    session = open_session(engine, network, RECIPE, wide(network))
    session.train_epoch(*draw_images(20, network), 1, lambda steps: None)
    return session


@given(networks([layer for layer in [*NEVER_FALL, *FALL, ReLU()] if not isinstance(layer, Silent)]))
@settings(max_examples=drawn(25), deadline=None)
def test_torch_agrees_with_the_reference(network: Network):
    assert_trains_as_the_reference(network, replace(RECIPE, optimizer=SGD(0.01)), (7, 8))


@pytest.mark.parametrize("layer", [ELU(), SELU(), Sigmoid(), Tanh()], ids=repr)
def test_ties_of_saturated_values_change_a_gradient_by_rounding(layer):
    """Where f(a) = f(b) although a < b, it goes to b, not to the first of them, by f', which is next to 0.

    So a window moves a weight's gradient by at most |dy| (f'(a) + f'(b)) |x|. Pixels are at most 1, and dy,
    summed over the classes, at most twice the largest weight behind it over the batch's size.
    """
    network = Network((Conv2d(3, 3), layer, POOL, Flatten(), Linear(CLASSES)), (1, 14, 14))
    recipe, (images, labels) = Recipe(SGD(1.0, momentum=0.5), 20, dtype="float64"), draw_images(20, network)
    start = initial_state(network, recipe, 7)
    start.parameters["conv1.weight"] *= 200
    start.parameters["conv1.bias"] += 5 if isinstance(layer, Tanh | Sigmoid) else -5
    z = CONV.forward(
        {name: start.parameters[f"conv1.{name}"] for name in ("weight", "bias")}, images[:, None] / 255
    )[0]
    x, y, slope = (
        POOL.sliding.unfold(values).reshape(-1, 4) for values in (z, layer.value(z), layer.slope(z))
    )
    places = np.stack([y.argmax(axis=1), x.argmax(axis=1)], axis=1)
    tied = places[:, 0] != places[:, 1]
    assert tied.sum() > 20
    sessions = [
        open_session(engine, network, recipe, State(dict(start.parameters), start.slots))
        for engine in (NumbaEngine(), TorchEngine("cpu"), ReferenceEngine())
    ]
    for session in sessions:
        session.train_epoch(images, labels, 1, lambda steps: None)
    *found, expected = (session.states()[0].slots["conv1.weight"]["momentum_buffer"] for session in sessions)
    assert np.abs(expected).max() > 1e-3
    slopes = np.take_along_axis(slope, places, axis=1)[tied].sum()
    most = slopes * 2 * np.abs(start.parameters["linear1.weight"]).max() / recipe.batch_size
    assert most < 1e-15
    for gradient in found:
        np.testing.assert_allclose(gradient, expected, 1e-11, most)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38], ids=str)
@pytest.mark.parametrize("name", ["conv1.weight", "conv1.bias"])
@pytest.mark.parametrize("engine", [NumbaEngine(), TorchEngine("cpu")], ids=["numba", "torch"])
def test_what_diverges_does_so_at_the_step_at_which_it_did(engine, name, value, monkeypatch):
    found = []
    for rule in (pooled_first, tuple):
        monkeypatch.setattr(blueprint, "pooled_first", rule)
        monkeypatch.setattr(build, "pooled_first", rule)
        programs.cache_clear()
        found.append([_broken_at(engine, layer, name, value) for layer in NEVER_FALL[:-1]])
    programs.cache_clear()
    assert found[0] == found[1]
    assert any(found[0])


def _broken_at(engine, layer, name, value) -> int:
    network = Network(
        (CONV, layer, POOL, CONV, layer, MaxPool2d(2, 1), Flatten(), Linear(CLASSES)), (1, 12, 12)
    )
    recipe = Recipe(SGD(0.1), 10)
    state = initial_state(network, recipe, 7)
    state.parameters[name].flat[-1] = value
    session = open_session(engine, network, recipe, state)
    images, labels = draw_images(40, network)
    session.train_epoch(images // 128 * 255, labels, 1, lambda steps: None)
    return session.broken()[0]
