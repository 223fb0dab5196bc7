"""Activations in the numba engine, against PyTorch's own and the reference engine."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn as tnn

from assay import nn
from assay.engines.base import initial_state
from assay.engines.numba.engine import NumbaEngine, NumbaSession
from assay.engines.reference import ReferenceSession
from assay.nn.network import Network
from assay.optim import Adam
from assay.optim.recipe import Recipe
from assay.study.architectures import ConvBlocks, ConvPool, Dense, ResNet
from assay.study.layer_tables import ACTIVATIONS

CLASSES = 5
TORCH = {
    "ReLU": tnn.ReLU(), "LeakyReLU": tnn.LeakyReLU(), "ELU": tnn.ELU(), "SELU": tnn.SELU(),
    "Sigmoid": tnn.Sigmoid(), "Tanh": tnn.Tanh(), "Softplus": tnn.Softplus(threshold=40), "GELU": tnn.GELU(),
}  # fmt: skip


def trained(session_class, network, recipe, images, labels):
    state = initial_state(network, recipe, 3)
    args = ([3], state) if session_class is ReferenceSession else (3, state)
    session = session_class(network, recipe, *args)
    for epoch in (1, 2):
        session.train_epoch(images, labels, epoch, lambda step: None)
    return session


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_and_gradients_are_pytorchs(activation, dtype):
    """One step of plain descent on images of many sizes of numbers, the gradient read off the weights."""
    rng = np.random.default_rng(1)
    layers = (nn.Flatten(), nn.Linear(7), ACTIVATIONS[activation], nn.Linear(CLASSES))
    network = Network(layers, (1, 4, 4))
    recipe = Recipe(Adam(), batch_size=9, dtype=dtype)
    images = rng.integers(0, 256, (9, 4, 4), dtype=np.uint8)
    labels = rng.integers(0, CLASSES, 9)
    state = initial_state(network, recipe, 0)
    state.parameters["linear1.weight"] *= 20  # so that functions are tried far from 0 too
    model = tnn.Sequential(tnn.Flatten(), tnn.Linear(16, 7), TORCH[activation], tnn.Linear(7, CLASSES))
    model.to(getattr(torch, dtype))
    names = dict(zip(state.parameters, model.parameters(), strict=True))
    with torch.no_grad():
        for name, parameter in names.items():
            parameter.copy_(torch.from_numpy(state.parameters[name]))
    session = NumbaSession(network, recipe, 0, state)
    scores = model(torch.from_numpy(images.astype(dtype) / np.asarray(255, dtype)))
    near = {"rtol": 1e-5, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(session.scores(images)[0], scores.detach().numpy(), **near)
    tnn.functional.cross_entropy(scores, torch.from_numpy(labels)).backward()
    session.train_epoch(images, labels, 1, lambda step: None)
    moments = session.states()[0].slots
    for name, parameter in names.items():  # Adam's first moment after one step is a tenth of the gradient
        np.testing.assert_allclose(10 * moments[name]["exp_avg"], parameter.grad.numpy(), **near)


FAMILIES = [Dense((6, 5), batch_norm=True), ConvPool((3, 4), 3), ConvBlocks(2, 4, "strided")]
CASES = [
    *((ConvBlocks(2, 4), activation) for activation in ACTIVATIONS if activation != "ReLU"),
    *((family, "Tanh") for family in FAMILIES),
]


@pytest.mark.parametrize(("family", "activation"), CASES, ids=str)
def test_every_family_trains_as_in_the_reference(family, activation):
    network = replace(family, activation=activation).build((1, 10, 10), CLASSES)
    recipe = Recipe(Adam(lr=0.01), batch_size=16, dtype="float64")
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (37, 10, 10), dtype=np.uint8), rng.integers(0, CLASSES, 37)
    found, expected = (trained(c, network, recipe, images, labels) for c in (NumbaSession, ReferenceSession))
    np.testing.assert_allclose(found.scores(images)[0], expected.scores(images)[0], rtol=1e-7, atol=1e-9)


def test_a_residual_block_is_still_the_reference_engines():
    network = ResNet((4,), 1).build((1, 8, 8), CLASSES)
    assert NumbaEngine().lacks(network, Recipe(Adam())) == ["Residual"]
