"""How exact the numba engine is: pixels, and float32 beside PyTorch's."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from numba_cases import draw_images, open_session, uneven
from torch import nn
from torch.nn import functional
from torch_networks import load_weights

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


DRAWS = 3
STEPS = 4
UNIT_ROUNDOFF = 2**-24
"""What rounding to float32 changes a number by at most, relative to it."""


@pytest.mark.parametrize("normalised", [False, True])
def test_float32_is_as_close_to_float64_as_pytorch(normalised: bool) -> None:
    """The loss surface is smooth here (average pooling, no ReLU), so that rounding is all that differs.

    The error of a parameter is its worst entry's, relative to the largest entry, a mean over draws of images:
    that of a single draw is luck where a parameter has few. Twice PyTorch's is allowed, and what nobody
    escapes who stores a parameter once a step, rounded: the unit roundoff for each step.
    """
    norm = (BatchNorm2d(),) if normalised else ()
    first, second = Conv2d(8, 5, bias=not normalised), Conv2d(8, 3, padding=1, bias=not normalised)
    layers = (first, *norm, AvgPool2d(2), second, *norm, AvgPool2d(2), Flatten(), Linear(10))
    network = Network(layers, (1, 28, 28))
    ours, theirs = np.mean(
        [errors(network, *draw_images(50 * STEPS, network, seed)) for seed in range(DRAWS)], 0
    )
    stored = STEPS * UNIT_ROUNDOFF
    for name, own, peer in zip(uneven(network, Recipe(SGD())).weights, ours, theirs, strict=True):
        assert peer < 1e-4, f"{name}: PyTorch trains another network"
        assert own < 2 * peer + stored, name


def errors(network: Network, images: np.ndarray, labels: np.ndarray) -> tuple[list[float], list[float]]:
    """Return the relative errors of all weights after an epoch in float32, the engine's and PyTorch's."""
    exact, found = (
        open_session(NumbaEngine(), network, Recipe(SGD(0.1), 50, dtype=dtype))
        for dtype in ("float64", "float32")
    )
    start = found.states()[0]
    for session in (exact, found):
        session.train_epoch(images, labels, 1, lambda steps: None)
    expected = train_in_torch(start, images, labels, epoch_order(7, len(labels), 1))
    weights = exact.states()[0].weights
    own, theirs = (
        [float(np.abs(of[name] - value).max() / scale(name, weights)) for name, value in weights.items()]
        for of in (found.states()[0].weights, expected)
    )
    return own, theirs


def scale(name: str, weights: Mapping[str, np.ndarray]) -> float:
    """Return what an error counts against; a mean may be near zero: its unit's deviation."""
    if "running_mean" in name:
        return float(np.sqrt(weights[name.replace("running_mean", "running_var")]).max())
    return float(np.abs(weights[name]).max())


def train_in_torch(
    start: State, images: np.ndarray, labels: np.ndarray, order: np.ndarray
) -> dict[str, np.ndarray]:
    """Train the network of the test above one epoch in PyTorch's float32."""
    bias, layers = not start.buffers, []
    for layer in (nn.Conv2d(1, 8, 5, bias=bias), nn.Conv2d(8, 8, 3, padding=1, bias=bias)):
        layers += [layer, *([nn.BatchNorm2d(8)] if start.buffers else []), nn.AvgPool2d(2)]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(288, 10))
    load_weights(model, start.parameters)
    running = [buffer for buffer in model.buffers() if buffer.dim()]  # not the count of batches
    for buffer, value in zip(running, start.buffers.values(), strict=True):
        buffer.copy_(torch.tensor(value))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for batch in order.reshape(-1, 50):
        optimizer.zero_grad()
        x = torch.tensor(images[batch])[:, None].float() / 255
        functional.cross_entropy(model(x), torch.tensor(labels[batch])).backward()
        optimizer.step()
    found = [value.detach().numpy() for value in (*model.parameters(), *running)]
    return dict(zip(start.weights, found, strict=True))
