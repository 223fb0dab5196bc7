"""Winograd's convolutions are held to the plain ones, and taken where they pay."""

import numpy as np
import pytest
from example_counts import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from numba_cases import (
    after_a_step,
    assert_agree,
    convolutions,
    draw_images,
    kernels_of,
    open_session,
    train,
)
from rounding import FLOAT32, assert_rounded

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


@pytest.mark.parametrize("seed", [7, 8])
def test_float32_is_as_exact_as_plain_sums_are(seed: int) -> None:
    """For scores and a step's gradients of a smooth network; what tiles add is less than their sums save."""
    layers = (Conv2d(32, 3, padding=1), Conv2d(32, 3, padding=1), AvgPool2d(2), Conv2d(32, 3, padding=1))
    network = Network((*layers, Flatten(), Linear(10)), (1, 14, 14))
    images, labels = draw_images(20, network)
    start = initial_state(network, Recipe(SGD(1.0), 20), seed)
    session = open_session(NumbaEngine(), network, Recipe(SGD(1.0), 20), start)
    assert Kernel.WINOGRAD_WEIGHTS in kernels_of(session)
    assert_rounded(
        after_a_step(session, images, labels), network, start, images, labels, 1.0, 20, unit=FLOAT32
    )
