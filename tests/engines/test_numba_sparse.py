"""Zeros of images are left out of products where they are many, and no bit depends on it."""

from dataclasses import replace

import numpy as np
import pytest
from example_counts import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from numba_cases import PENALTIES, draw_images, open_session, uneven
from sparse_cases import (
    ALWAYS,
    both,
    dense,
    leaves_out,
    mostly_background,
    session_of,
)

from assay.data.glyphs import draw
from assay.engines.base import Recipe, initial_state
from assay.engines.numba import NumbaEngine
from assay.engines.numba.engine import programs
from assay.engines.numba.kernels.pairs import SUPPORTED
from assay.nn import Dropout, Flatten, Linear, ReLU
from assay.nn.network import Network
from assay.optim import SGD, Adam
from assay.optim.augment import Rotate, Shift

NETWORKS = [dense(5), dense(5, 37), dense(5, 37, side=(8, 8)), dense(5, 37, side=(16, 13))]
D = dense(47, 100, 100, 100, 100, side=(28, 28))


@given(
    st.sampled_from(NETWORKS),
    st.sampled_from([SGD(0.1, momentum=0.9), Adam(0.01)]),
    st.sampled_from(PENALTIES),
    st.integers(1, 140),
    st.integers(1, 150),
    st.sampled_from([0.0, 0.02, 0.2, 0.6, 1.0]),
    st.sampled_from(["float32", "float64"]),
    st.integers(0, 99),
)
@settings(max_examples=drawn(15), deadline=None)
def test_no_bit_depends_on_zeros(network, rule, penalties, size, count, share, dtype, seed) -> None:
    """Whatever is zero; with batches of less than a word of 64 examples, and of more, the last one short."""
    recipe = Recipe(rule, size, dtype=dtype, penalties=penalties)
    found, _ = both(network, recipe, mostly_background(count, network, share, seed))
    assert all(leaves_out(found))


def test_dropped_pixels_are_multiplied_as_zeros_that_may_be_left_out() -> None:
    network = Network((Flatten(), Dropout(0.3), Linear(37), ReLU(), Dropout(0.5), Linear(5)), (1, 9, 11))
    found, _ = both(network, Recipe(Adam(), 20), mostly_background(50, network, 0.2))
    assert all(leaves_out(found))


def test_augmented_images_are_looked_at_as_they_are() -> None:
    recipe = Recipe(Adam(), 20, augment=(Shift(1), Rotate(20.0)))
    both(NETWORKS[1], recipe, mostly_background(50, NETWORKS[1], 0.2))


@pytest.mark.parametrize("name", ["weight", "bias"])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_found_at_the_same_step(name: str, value: float) -> None:
    """Even in a weight whose pixel is zero in all images, for 0 times infinity is no number."""
    network, recipe = dense(5, 37), Recipe(SGD(0.1), 20)
    images, labels = mostly_background(60, network, 0.2)
    images[:, 0, 5] = 0
    state = uneven(network, recipe)
    weight = next(key for key in state.parameters if key.endswith(name))
    state.parameters[weight][(7, 5) if name == "weight" else 7] = value
    found, _ = both(network, recipe, (images, labels), state)
    if name == "weight":
        assert found.broken() == [1]
        assert not leaves_out(found)[0]


def test_a_gradient_that_overflows_reaches_every_weight() -> None:
    """At the first step the loss is finite, and the gradient of the first layer's outputs is not: 0 times
    infinity makes the weights of every pixel nan, and the loss at the second step, whatever its images.
    """
    network, recipe = dense(5, 37, 37), Recipe(SGD(1.0), 20)
    state = initial_state(network, recipe, 0)
    first, second, last = (value for key, value in state.parameters.items() if key.endswith("weight"))
    first[...], second[...], last[...] = 1e-36, 1e20, np.array([[1e19], [-1e19], [0], [0], [0]])
    images, labels = mostly_background(60, network, 0.2)
    images[:, 0, 5] = 0
    found, _ = both(network, recipe, (images, labels), state)
    assert found.broken() == [2]
    assert np.isnan(next(iter(found.states()[0].parameters.values()))[:, 5]).all()


@pytest.mark.parametrize("rate", [1e3, 1e20])
@pytest.mark.parametrize("rule", [SGD(1.0), SGD(1.0, momentum=0.9), Adam(1.0)], ids=str)
def test_a_run_that_diverges_does_so_at_the_same_step(rule, rate: float) -> None:
    network = dense(5, 37, 37)
    data = mostly_background(200, network, 0.2)
    found, _ = both(network, Recipe(replace(rule, lr=rate), 10), data)
    assert found.broken() != [0] or rate < 1e20


def test_a_sum_of_negative_zeros_is_no_negative_zero() -> None:
    """-0 + 0 w is 0 or -0, as the sign of w has it; no sum is -0, whichever of its terms are taken."""
    network, recipe = dense(5), Recipe(SGD(0.1), 20)
    state = initial_state(network, recipe, 0)
    for value in state.parameters.values():
        value[...] = -0.0
    next(iter(state.parameters.values()))[:, ::2] = 0.0
    images, labels = mostly_background(20, network, 0.2)
    pixels = images.reshape(20, -1)
    pixels[:, ::2] = 0
    session = session_of(network, recipe, ALWAYS, state)
    assert not np.signbit(session.scores(images)[0]).any()
    both(network, recipe, (images, labels), state)


def test_zeros_are_left_out_of_characters_and_not_of_noise() -> None:
    """A minibatch is looked at by itself: what is dense is multiplied as ever."""
    programs.cache_clear()
    session = open_session(NumbaEngine(), D, Recipe(Adam(), 100))
    labels = np.zeros(200, np.int64)
    for images, expected in (
        (draw(200, 0)[0], True),
        (draw_images(200, D)[0], False),
        (draw(200, 1)[0], True),
    ):
        session.train_epoch(images, labels, 1, lambda steps: None)
        assert set(leaves_out(session)) == {expected}
        session.scores(images[:100])
        assert leaves_out(session)[0] == expected


def test_where_it_could_not_pay_nothing_is_planned() -> None:
    """In a layer of few outputs, with images of few pixels, in colour, in a minibatch of one, in bfloat16."""
    arms = [
        (dense(2, side=(28, 28)), Recipe(Adam(), 100)),
        (dense(47, 100, side=(7, 7)), Recipe(Adam(), 100)),
        (dense(47, 100, side=(28, 28)), Recipe(Adam(), 1)),
        (Network((Flatten(), Linear(100), ReLU(), Linear(5)), (3, 28, 28)), Recipe(Adam(), 100)),
    ]
    if SUPPORTED:
        arms.append((D, Recipe(Adam(), 100, dtype="bfloat16")))
    for network, recipe in arms:
        assert not leaves_out(open_session(NumbaEngine(), network, recipe))
