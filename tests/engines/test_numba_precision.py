"""How exact the numba engine is: pixels, and float32."""

import numpy as np
import pytest
from numba_cases import draw_images, open_session, uneven
from rounding import FLOAT32, assert_rounded

from assay.engines.base import Recipe, State, epoch_order
from assay.engines.numba import NumbaEngine
from assay.nn import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    Linear,
)
from assay.nn.network import Network, to_input
from assay.optim import SGD


def test_pixels_are_divided_exactly() -> None:
    network = Network((Flatten(), Linear(1, bias=False)), (1, 1, 1))
    images = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
    for dtype in ("float32", "float64"):
        recipe = Recipe(SGD(), dtype=dtype)
        state = State({"linear1.weight": np.ones((1, 1), dtype)}, {"linear1.weight": {}})
        scores = open_session(NumbaEngine(), network, recipe, state).scores(images)[0]
        np.testing.assert_array_equal(scores, to_input(images, network, dtype).reshape(256, 1))


@pytest.mark.parametrize("normalised", [False, True])
def test_float32_is_as_exact_as_plain_sums_are(normalised: bool) -> None:
    """After four steps, where the loss surface is smooth (average pooling, no ReLU)."""
    norm = (BatchNorm2d(),) if normalised else ()
    first, second = Conv2d(8, 5, bias=not normalised), Conv2d(8, 3, padding=1, bias=not normalised)
    layers = (first, *norm, AvgPool2d(2), second, *norm, AvgPool2d(2), Flatten(), Linear(10))
    network, recipe = Network(layers, (1, 28, 28)), Recipe(SGD(0.1), 25)
    images, labels = draw_images(100, network)
    start = uneven(network, recipe)
    session = open_session(NumbaEngine(), network, recipe, start)
    session.train_epoch(images, labels, 1, lambda steps: None)
    order = epoch_order(7, len(labels), 1)
    assert_rounded(
        session.states()[0].weights, network, start, images[order], labels[order], 0.1, 25, unit=FLOAT32
    )
