"""Winograd's convolutions are held to the plain ones, and taken where they pay."""

import numpy as np
import pytest
import torch
from example_counts import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from numba_cases import assert_agree, convolutions, draw_images, kernels_of, open_session, train
from torch import nn
from torch.nn import functional
from torch_networks import load_weights

from assay.engines.base import Recipe, initial_state
from assay.engines.numba import NumbaEngine, build, convolution, winograd
from assay.engines.numba.engine import programs
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.winograd import GRADIENT, INPUT, OUTPUT
from assay.engines.reference import ReferenceEngine
from assay.engines.registers import REGISTERS
from assay.nn import AvgPool2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU
from assay.nn.network import Network
from assay.optim import SGD, Adam
from assay.study.architectures import ConvBlocks, ConvPool

SPREAD = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
"""G of Lavin & Gray 2016, equation 8."""


def test_the_three_matrices_filter_exactly() -> None:
    """Equation 7, A^T [(G g) (B^T d)], in whole numbers; A and A^T belong together."""
    rng = np.random.default_rng(0)
    d, g = 2 * rng.integers(-9, 9, 4), 2 * rng.integers(-9, 9, 3)
    y = np.array(OUTPUT) @ ((SPREAD @ g) * (np.array(INPUT) @ d))
    np.testing.assert_array_equal(y, np.correlate(d, g))
    np.testing.assert_array_equal(np.array(OUTPUT).T, GRADIENT)


WIDE = Conv2d(64, 3, padding=1)


@given(convolutions(), st.sampled_from([1, 9, 16, 19, 20]), st.sampled_from([2, 3, 40]), st.booleans())
@settings(max_examples=drawn(20), deadline=None)
def test_agrees_with_the_reference(network: Network, batch_size: int, strip: int, blockwise: bool) -> None:
    recipe = Recipe(SGD(0.003), batch_size, dtype="float64")  # more, and some of these diverge
    expected = train(ReferenceEngine(), network, recipe, epochs=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "_pays", lambda stage, blocks: True)
        patch.setattr(build, "LARGE", 0 if blockwise else build.LARGE)
        patch.setattr(winograd, "LEAST", strip)
        patch.setattr(winograd, "STRIP", 1)
        patch.setattr(winograd, "LONG_STRIP", 7)
        programs.cache_clear()  # drawn before, with other strips
        found = train(NumbaEngine(), network, recipe, epochs=1)
    assert_agree(found, expected, network)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (ConvBlocks(2, 64, "max").build((1, 28, 28), 47), True),
        (ConvBlocks(2, 64, "dilated").build((1, 28, 28), 47), True),
        (ConvPool().build((1, 28, 28), 47), False),
        (ConvBlocks(2, 8, "max").build((1, 28, 28), 47), False),
        (ConvBlocks(2, 16, "max").build((1, 28, 28), 47), REGISTERS.count < 32),
        (ConvBlocks(2, 32, "max").build((1, 28, 28), 47), True),
        (Network((WIDE, ReLU(), WIDE, ReLU(), MaxPool2d(2), Flatten(), Linear(5)), (1, 28, 28)), True),
        (Network((Conv2d(64, 3), Flatten(), Linear(5)), (1, 28, 28)), False),
        (Network((Conv2d(64, 3), Conv2d(64, 3, stride=2), Flatten(), Linear(5)), (1, 28, 28)), False),
        (Network((Conv2d(64, 3), AvgPool2d(7), Conv2d(64, 3, padding=1), Flatten()), (1, 28, 28)), False),
    ],
)
def test_is_taken_where_it_pays(network: Network, expected: bool) -> None:
    session = open_session(NumbaEngine(), network, Recipe(Adam()))
    assert (Kernel.WINOGRAD_WEIGHTS in kernels_of(session)) == expected


def test_room_is_shared_by_the_layers() -> None:
    """A further layer takes its maps and its kernels, not another 8 MB of scratch."""
    two, three = (
        open_session(
            NumbaEngine(), Network((*[WIDE] * layers, Flatten(), Linear(5)), (1, 12, 12)), Recipe(Adam(), 4)
        )
        for layers in (2, 3)
    )
    assert Kernel.WINOGRAD_WEIGHTS in kernels_of(two)
    assert three.memory() - two.memory() < 8e6


def test_float32_is_nearly_as_close_to_float64_as_pytorch() -> None:
    """Within twice PyTorch's error for one step's gradients, four times for scores, of a smooth network.

    Forward the tiles cost half a digit: sums of four pixels and of nine products for each output.
    """
    layers = (Conv2d(32, 3, padding=1), Conv2d(32, 3, padding=1), AvgPool2d(2), Conv2d(32, 3, padding=1))
    network = Network((*layers, Flatten(), Linear(10)), (1, 28, 28))
    images, labels = draw_images(100, network)
    recipes = (Recipe(SGD(1.0), 100, dtype=dtype) for dtype in ("float64", "float32"))
    exact, found = (
        open_session(NumbaEngine(), network, recipe, initial_state(network, recipe, 7)) for recipe in recipes
    )
    assert Kernel.WINOGRAD_WEIGHTS in kernels_of(found)
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.AvgPool2d(2),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.Flatten(),
        nn.Linear(32 * 196, 10),
    )
    start = found.states()[0].parameters
    load_weights(model, start)
    scores = model(torch.tensor(images).reshape(100, 1, 28, 28).float() / 255)
    assert_near_as(4, exact.scores(images)[0], found.scores(images)[0], scores.detach().numpy())
    functional.cross_entropy(scores, torch.tensor(labels)).backward()
    for session in (exact, found):
        session.train_epoch(images, labels, 1, lambda steps: None)
    for (name, value), parameter in zip(start.items(), model.parameters(), strict=True):
        before = value.astype("float64")
        ours, expected = (before - session.states()[0].parameters[name] for session in (found, exact))
        assert parameter.grad is not None
        rounding = 6e-8 * np.abs(value).max()  # of the parameter, as it is stored before and after
        assert_near_as(2, expected, ours, parameter.grad.numpy(), rounding)


def assert_near_as(
    times: float, exact: np.ndarray, ours: np.ndarray, theirs: np.ndarray, rounding: float = 0.0
) -> None:
    our_error, their_error = (np.abs(found - exact).max() for found in (ours, theirs))
    assert our_error < times * their_error + rounding
