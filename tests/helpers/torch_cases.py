"""Networks for the torch engine, and how its training is held to the reference engine's."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st
from numba_cases import draw_images, uneven, values
from oracles import assert_close

from assay.engines.base import Engine, Recipe, Session, State
from assay.engines.reference import ReferenceEngine
from assay.engines.torch import TorchEngine
from assay.errors import ShapeError
from assay.nn import (
    ELU,
    GELU,
    SELU,
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    BatchNormPerActivation,
    Conv2d,
    Dropout,
    Dropout2d,
    Flatten,
    Layer,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Reshape,
    Residual,
    Sequential,
    Sigmoid,
    Softplus,
    Tanh,
    ZeroPad2d,
)
from assay.nn.network import Network
from assay.optim import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, RMSprop

CLASSES = 5
CPU = TorchEngine("cpu")
REFERENCE = ReferenceEngine()
EPS = 1e-3  # a rule that divides by a vanishing root would turn rounding into steps
RULES = [
    SGD(0.1),
    SGD(0.1, weight_decay=0.01, momentum=0.9),
    SGD(0.1, momentum=0.5, nesterov=True),
    Adagrad(0.01, eps=EPS, weight_decay=0.1),
    Adagrad(0.01, eps_inside_sqrt=True, eps=EPS),
    RMSprop(0.01, eps=EPS),
    Adam(0.01, eps=EPS),
    Adam(0.01, weight_decay=0.1, eps=EPS, eps_inside_sqrt=True, bias_correction=False),
    AdamW(0.01, eps=EPS, weight_decay=0.1),
    Adamax(0.01, eps=EPS),
    NAdam(0.01, eps=EPS),
]
CNN = Network(
    (Conv2d(3, 3), ReLU(), MaxPool2d(2), Conv2d(4, 3, padding=1), MaxPool2d(2, 2, 1), Flatten(), Linear(5)),
    (1, 12, 12),
)


def train(
    engine, network: Network, recipe: Recipe, seeds=(7,), epochs=(1, 2), count=20, states=None
) -> Session:
    engine.check(network, recipe)
    states = states or [uneven(network, recipe, seed) for seed in seeds]
    session = engine.session(network, recipe, seeds, states)
    for epoch in epochs:
        session.train_epoch(*draw_images(count, network), epoch, lambda steps: None)
    return session


def assert_same(found: State, expected: State) -> None:
    """Bit for bit."""
    assert found.step == expected.step
    assert values(found).keys() == values(expected).keys()
    for name, value in values(expected).items():
        assert values(found)[name].dtype == value.dtype
        np.testing.assert_array_equal(values(found)[name], value)


def assert_trains_as_the_reference(
    network: Network, recipe: Recipe, seeds=(7,), count=20, engine: Engine = CPU
) -> None:
    """In float64, to nine digits of the largest entry, or of 0.1: noise is all that moves some biases.

    A network that rounding alone takes elsewhere, because a ReLU is met at its kink, proves nothing.
    """
    try:
        _assert_trains_as_the_reference(network, recipe, seeds, count, engine)
    except AssertionError:
        assume(all(_steady(network, recipe, seed, count) for seed in seeds))
        raise


def _steady(network: Network, recipe: Recipe, seed: int, count: int) -> bool:
    """Whether the reference ends in the same place from a start a few roundings away."""
    start = uneven(network, recipe, seed)
    moved = {name: value * (1 + 1e-14) + 1e-16 for name, value in start.parameters.items()}
    ends = [
        values(train(REFERENCE, network, recipe, (seed,), count=count, states=[state]).states()[0])
        for state in (start, replace(start, parameters=moved))
    ]
    return all(
        np.allclose(ends[0][name], ends[1][name], rtol=0, atol=1e-10 * max(0.1, np.abs(ends[0][name]).max()))
        for name in ends[0]
    )


def _assert_trains_as_the_reference(
    network: Network, recipe: Recipe, seeds, count: int, engine: Engine
) -> None:
    found = train(engine, network, recipe, seeds, count=count)
    images, labels = draw_images(11, network, seed=1)
    for run, seed in enumerate(seeds):
        expected = train(REFERENCE, network, recipe, (seed,), count=count)
        assert found.states()[run].step == expected.states()[0].step
        for name, value in values(expected.states()[0]).items():
            scale = max(0.1, float(np.abs(value).max()))
            np.testing.assert_allclose(
                values(found.states()[run])[name], value, 0, 1e-9 * scale, err_msg=name
            )
        assert_close("scores", found.scores(images)[run], expected.scores(images)[0])
        own, theirs = found.evaluate(images, labels)[run], expected.evaluate(images, labels)[0]
        assert own.loss == pytest.approx(theirs.loss, rel=1e-9)
        np.testing.assert_array_equal(own.predicted, theirs.predicted)
        np.testing.assert_array_equal(own.correct, theirs.correct)


def draw_pair(draw: st.DrawFn, least: int, most: int) -> tuple[int, int]:
    return draw(st.integers(least, most)), draw(st.integers(least, most))


def draw_conv(draw: st.DrawFn, channels: int) -> Layer:
    groups = draw(st.sampled_from([g for g in (1, 2, 3) if channels % g == 0]))
    sizes = draw_pair(draw, 1, 4), draw_pair(draw, 1, 5), draw_pair(draw, 0, 4), draw_pair(draw, 1, 3)
    return Conv2d(groups * draw(st.integers(1, 6)), *sizes, groups, draw(st.booleans()))


def draw_pool(draw: st.DrawFn) -> Layer:
    kernel = draw_pair(draw, 1, 4)
    stride = draw_pair(draw, 1, 5)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    if draw(st.booleans()):
        return MaxPool2d(kernel, stride, padding)
    return AvgPool2d(kernel, stride, padding, draw(st.booleans()))


SHAPELESS = [ReLU(), LeakyReLU(0.1), ELU(0.7), SELU(), Sigmoid(), Tanh(), Softplus(), GELU(), Dropout(0.3)]
MAPS_ONLY = [BatchNorm2d(eps=0.1), BatchNormPerActivation(eps=0.1), Dropout2d(0.3), ZeroPad2d((1, 0, 2, 1))]


def draw_layer(draw: st.DrawFn, channels: int) -> Layer:
    kind = draw(st.sampled_from(["conv", "pool", "adaptive", "any", "maps", "residual", "block"]))
    if kind == "conv":
        return draw_conv(draw, channels)
    if kind == "block":  # fused
        return Sequential((draw_conv(draw, channels), ReLU(), draw_pool(draw)))
    if kind == "pool":
        return draw_pool(draw)
    if kind == "adaptive":
        return AdaptiveAvgPool2d(draw_pair(draw, 1, 5))
    if kind == "residual":
        same = Sequential((Conv2d(channels, 3, padding=1), draw(st.sampled_from(SHAPELESS))))
        return Residual((same, Dropout(0.2)), (Conv2d(channels, 1),) if draw(st.booleans()) else ())
    return draw(st.sampled_from(SHAPELESS if kind == "any" else MAPS_ONLY))


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Draw a stack of layers that fits together; what does not fit is left out."""
    input_shape = (draw(st.integers(1, 3)), *draw_pair(draw, 1, 11))
    layers: tuple[Layer, ...] = ()
    shape = input_shape
    for _ in range(draw(st.integers(0, 6))):
        longer = (*layers, draw_layer(draw, shape[0]))
        try:
            shape = Network(longer, input_shape).output_shape
            layers = longer
        except ShapeError:
            continue
    turned = (Reshape(shape[::-1]),) if draw(st.booleans()) else ()
    norm = (BatchNorm1d(eps=0.1),) if draw(st.booleans()) else ()
    hidden = (Linear(draw(st.integers(1, 9))), *norm, draw(st.sampled_from(SHAPELESS)))
    return Network((*layers, *turned, Flatten(), *hidden, Linear(CLASSES, draw(st.booleans()))), input_shape)
