"""The numba engine is held to the reference engine, that is to `assay.nn` and `assay.optim` as they stand."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import assert_close, relative_error
from torch import nn
from torch.nn import functional
from torch_networks import load_weights

from assay.engines.base import Engine, Recipe, Session, State, epoch_order, initial_state, to_input
from assay.engines.numba import NumbaEngine
from assay.engines.numba.kernels.program import runner
from assay.engines.reference import ReferenceEngine
from assay.errors import ShapeError, UnsupportedError
from assay.network import Network
from assay.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    BatchNormPerActivation,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    ReLU,
)
from assay.optim import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, Optimizer, RMSprop
from assay.penalties import L1, L2
from assay.schedules import CONSTANT, CosineAnnealingLR, ExponentialLR, StepLR, WarmUp

CLASSES = 5
EPS = 1e-3  # a rule that divides by a vanishing root would turn rounding into steps
RULES = [
    SGD(0.1),
    SGD(0.1, weight_decay=0.01, momentum=0.9),
    SGD(0.1, momentum=0.5, nesterov=True),
    Adagrad(0.1, weight_decay=0.01, eps=EPS),
    Adagrad(0.01, eps_inside_sqrt=True, eps=EPS),
    RMSprop(0.01, eps=EPS),
    RMSprop(0.01, alpha=0.5, weight_decay=0.01, eps_inside_sqrt=True, eps=EPS),
    Adam(0.01, eps=EPS),
    Adam(0.01, weight_decay=0.1, eps_inside_sqrt=True, bias_correction=False, eps=EPS),
    AdamW(0.01, weight_decay=0.1, eps=EPS),
    Adamax(0.01, weight_decay=0.01, eps=EPS),
]
SCHEDULES = [CONSTANT, WarmUp(1, StepLR(1, 0.5)), CosineAnnealingLR(2, 0.1), ExponentialLR(0.5)]
PENALTIES = [(), (L2(0.1),), (L1(0.01, ("scale",)), L2(0.1, ("weight", "bias")), L1(0.1))]
BETWEEN_VECTORS = [BatchNorm1d(eps=0.1), BatchNormPerActivation(momentum=0.3, eps=0.2)]
BETWEEN_MAPS = [BatchNorm2d(eps=0.1), BatchNorm2d(momentum=0.3, eps=0.2), BatchNormPerActivation(eps=0.1)]
SMALL_CNN = Network(
    (Conv2d(3, 3), ReLU(), MaxPool2d(2), Conv2d(4, 3, padding=1), MaxPool2d(2, 2, 1), Flatten(), Linear(5)),
    (1, 12, 12),
)


def draw_images(count: int, network: Network, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, *network.input_shape), dtype=np.uint8)
    return images, rng.integers(0, network.output_shape[0], count)


def open_session(engine: Engine, network: Network, recipe: Recipe, state: State | None = None) -> Session:
    engine.check(network, recipe)
    return engine.session(network, recipe, [7], [state or initial_state(network, recipe, 7)])


def train(engine: Engine, network: Network, recipe: Recipe, epochs: int = 2, count: int = 20) -> Session:
    session = open_session(engine, network, recipe)
    images, labels = draw_images(count, network)
    for epoch in range(1, epochs + 1):
        session.train_epoch(images, labels, epoch, lambda steps: None)
    return session


def values(state: State) -> dict[str, np.ndarray]:
    slots = {f"{name} {key}": slot for name, own in state.slots.items() for key, slot in own.items()}
    return {**state.weights, **slots}


def assert_near(name: str, found: np.ndarray, expected: np.ndarray) -> None:
    """To nine digits of the largest entry, or of 0.1: rounding is all that moves some biases."""
    np.testing.assert_allclose(found, expected, 0, 1e-9 * max(0.1, np.abs(expected).max()), err_msg=name)


def assert_same(found: State, expected: State) -> None:
    """Bit for bit."""
    assert found.step == expected.step
    assert values(found).keys() == values(expected).keys()
    for name, value in values(expected).items():
        np.testing.assert_array_equal(values(found)[name], value, name)


def draw_pair(draw: st.DrawFn, least: int, most: int) -> tuple[int, int]:
    return draw(st.integers(least, most)), draw(st.integers(least, most))


def draw_layers(draw: st.DrawFn, channels: int, exact: bool) -> tuple[Layer, ...]:
    """Draw one layer, or the three that run as one."""
    if draw(st.booleans()):
        return (draw_layer(draw, channels, exact),)
    relu = (ReLU(),) if draw(st.booleans()) else ()
    sizes = draw(st.integers(1, 6)), draw_pair(draw, 1, 3), 1, draw_pair(draw, 0, 1)
    return (Conv2d(*sizes), *relu, MaxPool2d(2))


def draw_layer(draw: st.DrawFn, channels: int, exact: bool) -> Layer:
    kernel = draw_pair(draw, 1, 4)
    stride = draw_pair(draw, 1, 5)
    kind = draw(
        st.sampled_from(["conv", "relu", "max", *([] if exact else ["average", "adaptive", "other"])])
    )
    if kind == "other":
        return draw(st.sampled_from(BETWEEN_MAPS))
    if kind == "relu":
        return ReLU()
    if kind == "adaptive":
        return AdaptiveAvgPool2d(draw_pair(draw, 1, 5))
    if kind == "conv":
        padding, dilation = draw_pair(draw, 0, 4), draw_pair(draw, 1, 3)
        groups = draw(st.sampled_from([g for g in (1, 2, 3) if channels % g == 0]))
        out, bias = groups * draw(st.integers(1, 6)), draw(st.booleans())
        return Conv2d(out, kernel, stride, padding, dilation, groups, bias)
    if draw(st.booleans()):
        kernel = stride = (2, 2)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    if kind == "max":
        return MaxPool2d(kernel, stride, padding)
    return AvgPool2d(kernel, stride, padding, draw(st.booleans()))


@st.composite
def networks(draw: st.DrawFn, exact: bool = False) -> Network:
    """Draw layers that fit together, leaving out what does not; ``exact`` ones take no means."""
    input_shape = (draw(st.integers(1, 3)), *draw_pair(draw, 1, 11))
    layers: tuple[Layer, ...] = ()
    shape = input_shape
    for _ in range(draw(st.integers(0, 5))):
        longer = (*layers, *draw_layers(draw, shape[0], exact))
        try:
            shape = Network(longer, input_shape).output_shape
            layers = longer
        except ShapeError:
            continue
    hidden: list[Layer] = []
    for width in draw(st.lists(st.integers(1, 20), max_size=2)):
        between = [] if exact else draw(st.lists(st.sampled_from(BETWEEN_VECTORS), max_size=2))
        hidden += [Linear(width), *between, ReLU()]
    return Network((*layers, Flatten(), *hidden, Linear(CLASSES, bias=draw(st.booleans()))), input_shape)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    rule, schedule, penalties = (draw(st.sampled_from(of)) for of in (RULES, SCHEDULES, PENALTIES))
    return Recipe(rule, draw(st.integers(1, 20)), dtype="float64", schedule=schedule, penalties=penalties)


@given(networks(), recipes())
@settings(max_examples=60)
def test_agrees_with_the_reference(network: Network, recipe: Recipe) -> None:
    if network.initial_buffers():  # batch normalisation wants no single example
        recipe = replace(recipe, batch_size=max(2, recipe.batch_size))
    count = 21 if recipe.batch_size == 19 else 20
    found, expected = (
        train(engine, network, recipe, count=count) for engine in (NumbaEngine(), ReferenceEngine())
    )
    state = found.states()[0]
    images, _ = draw_images(11, network, seed=1)
    assert_near("scores", found.scores(images)[0], expected.scores(images)[0])
    assert_same(found.states()[0], state)
    for name, value in values(expected.states()[0]).items():
        assert_near(name, values(state)[name], value)


@given(networks(exact=True), st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_of_equal_maxima_the_first_gets_the_gradient(network: Network, count: int, seed: int) -> None:
    """Black and white pixels and coarse weights give many ties, exactly so for one step."""
    recipe = Recipe(SGD(0.1), batch_size=count, dtype="float64")
    start = initial_state(network, recipe, 7)
    coarse = {name: np.rint(4 * value) / 4 for name, value in start.parameters.items()}
    images, labels = draw_images(count, network, seed)
    found, expected = (
        open_session(engine, network, recipe, State(dict(coarse), start.slots))
        for engine in (NumbaEngine(), ReferenceEngine())
    )
    for session in (found, expected):
        session.train_epoch(images // 128 * 255, labels, 1, lambda steps: None)
    for name, value in expected.states()[0].parameters.items():
        assert_close(name, found.states()[0].parameters[name], value)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_resumed_training_ends_with_the_same_bits(rule: Optimizer) -> None:
    recipe = Recipe(rule, batch_size=8)
    once = train(NumbaEngine(), SMALL_CNN, recipe, epochs=2)
    half = train(NumbaEngine(), SMALL_CNN, recipe, epochs=1)
    half.scores(draw_images(3, SMALL_CNN)[0])
    resumed = open_session(NumbaEngine(), SMALL_CNN, recipe, half.states()[0])
    resumed.train_epoch(*draw_images(20, SMALL_CNN), 2, lambda steps: None)
    assert_same(resumed.states()[0], once.states()[0])


def test_runs_in_two_threads_are_the_same_as_alone() -> None:
    recipe = Recipe(Adam(), batch_size=10)
    alone = train(NumbaEngine(), SMALL_CNN, recipe, epochs=5).states()[0]
    together: list[State] = []
    threads = [
        Thread(target=lambda: together.append(train(NumbaEngine(), SMALL_CNN, recipe, epochs=5).states()[0]))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(together) == 2
    for state in together:
        assert_same(state, alone)


def test_counts_every_step_with_the_short_last_batch() -> None:
    recipe, reported = Recipe(SGD(), batch_size=1), []
    session = open_session(NumbaEngine(), SMALL_CNN, recipe)
    session.train_epoch(*draw_images(120, SMALL_CNN), 1, reported.append)
    assert session.states()[0].step == 120
    assert reported == sorted(reported)
    assert reported[-1] == 120


def test_memory_counts_parameters_activations_and_gradients() -> None:
    small, large = (
        open_session(NumbaEngine(), SMALL_CNN, Recipe(Adam(), batch_size=size)).memory() for size in (16, 160)
    )
    activations = 2 * 4 * sum(np.prod(node.output_shape) for node in SMALL_CNN.nodes[2:4])
    assert large - small > (160 - 16) * activations


@pytest.mark.parametrize(
    ("network", "rule", "named"),
    [
        (Network((Flatten(), Dropout(), Linear(5))), Adam(), "Dropout"),
        (SMALL_CNN, NAdam(), "NAdam"),
    ],
)
def test_names_what_it_lacks(network: Network, rule: Optimizer, named: str) -> None:
    with pytest.raises(UnsupportedError, match=named):
        NumbaEngine().check(network, Recipe(rule))


def test_refuses_labels_and_images_that_do_not_fit() -> None:
    images, labels = draw_images(4, SMALL_CNN)
    session = open_session(NumbaEngine(), SMALL_CNN, Recipe(SGD()))
    with pytest.raises(ShapeError, match="5 classes"):
        session.train_epoch(images, labels + 5, 1, lambda steps: None)
    with pytest.raises(ShapeError, match="1 x 12 x 11"):
        session.scores(images[:, :, :, 1:])


def test_whatever_the_arrays_nothing_is_compiled_again() -> None:
    images, labels = draw_images(20, SMALL_CNN)
    expected = train(NumbaEngine(), SMALL_CNN, Recipe(SGD()), epochs=1).states()[0]
    compiled = len(runner().signatures)
    images.flags.writeable = labels.flags.writeable = False
    session = open_session(NumbaEngine(), SMALL_CNN, Recipe(SGD()))
    session.train_epoch(images, labels.astype(np.int32), 1, lambda steps: None)
    assert_same(session.states()[0], expected)
    assert len(runner().signatures) == compiled


def test_a_second_process_compiles_nothing() -> None:
    train(NumbaEngine(), SMALL_CNN, Recipe(SGD()), epochs=1)
    code = """
import test_numba_engine as here
here.train(here.NumbaEngine(), here.SMALL_CNN, here.Recipe(here.SGD()), epochs=1)
stats = here.runner().stats
print(len(stats.cache_hits), len(stats.cache_misses))
"""
    path = os.pathsep.join(str(folder) for folder in (Path(__file__).parent, Path(__file__).parents[1]))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["1", "0"]


def test_pixels_are_divided_exactly() -> None:
    network = Network((Flatten(), Linear(1, bias=False)), (1, 1, 1))
    images = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
    for dtype in ("float32", "float64"):
        recipe = Recipe(SGD(), dtype=dtype)
        state = State({"linear1.weight": np.ones((1, 1), dtype)}, {"linear1.weight": {}})
        scores = open_session(NumbaEngine(), network, recipe, state).scores(images)[0]
        np.testing.assert_array_equal(scores, to_input(images, network, dtype).reshape(256, 1))


def test_float32_is_as_close_to_float64_as_pytorch() -> None:
    """The loss surface is smooth here (average pooling, no ReLU), so that rounding is all that differs."""
    network = Network(
        (Conv2d(8, 5), AvgPool2d(2), Conv2d(8, 3, padding=1), AvgPool2d(2), Flatten(), Linear(10)),
        (1, 28, 28),
    )
    images, labels = draw_images(200, network)
    exact, found = (
        open_session(NumbaEngine(), network, Recipe(SGD(0.1), 50, dtype=dtype))
        for dtype in ("float64", "float32")
    )
    start = {name: value.copy() for name, value in found.states()[0].parameters.items()}
    exact.train_epoch(images, labels, 1, lambda steps: None)
    found.train_epoch(images, labels, 1, lambda steps: None)
    expected = train_in_torch(start, images, labels, epoch_order(7, len(labels), 1))
    for name, value in exact.states()[0].parameters.items():
        ours = relative_error(found.states()[0].parameters[name], value)
        assert ours < 2 * relative_error(expected[name], value) + 1e-7, name


def train_in_torch(
    start: dict[str, np.ndarray], images: np.ndarray, labels: np.ndarray, order: np.ndarray
) -> dict[str, np.ndarray]:
    """Train the network of the test above one epoch in PyTorch's float32."""
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5),
        nn.AvgPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(288, 10),
    )
    load_weights(model, start)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for batch in order.reshape(-1, 50):
        optimizer.zero_grad()
        x = torch.tensor(images[batch]).float() / 255
        functional.cross_entropy(model(x), torch.tensor(labels[batch])).backward()
        optimizer.step()
    return {name: value.detach().numpy() for name, value in zip(start, model.parameters(), strict=True)}
