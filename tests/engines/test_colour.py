"""Images in colour and of other sizes: the four families on every engine, and against PyTorch's layers."""

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, cross_entropy, linear, max_pool2d

from assay.engines import ENGINES
from assay.engines.base import initial_state
from assay.nn.network import to_input
from assay.optim import SGD
from assay.optim.augment import Rotate, Shift, augment
from assay.optim.recipe import Recipe
from assay.shapes import channels_first, of_images, of_input
from assay.study.architectures import ConvBlocks, ConvPool, Dense, ResNet
from assay.testing import EngineConformance

FAMILIES = (Dense((12,)), ConvPool((3, 4)), ConvBlocks(2, 4), ResNet((3, 4), 1))
IN_COLOUR = tuple(family.build((3, 32, 32), 5) for family in FAMILIES)
PLAIN = Recipe(SGD(0.05), batch_size=8, epochs=2, dtype="float64")
NAMES = ("reference", "numba", "torch:cpu")
SEED = 3


class Colour(EngineConformance):
    """What every engine passes on grey images of 28 x 28 holds for the four families on 32 x 32 x 3."""

    networks = IN_COLOUR
    recipes = (PLAIN,)
    test_resumes_bit_for_bit = None
    test_states_are_copies = None
    test_steps_are_counted = None


class TestNumba(Colour):
    engine = ENGINES["numba"]()


class TestTorch(Colour):
    engine = ENGINES["torch:cpu"]()


def drawn(shape, count):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, *of_images(shape)), dtype=np.uint8)
    return images, random.integers(0, 5, count)


def by_pytorch(network, held, images):
    """Return the scores of a ConvPool with weights ``held``, by PyTorch, from images with channels last."""
    x = torch.from_numpy(images).double() / 255
    x = x.permute(0, 3, 1, 2) if x.ndim == 4 else x[:, None]
    for layer in ("conv1", "conv2"):
        x = max_pool2d(conv2d(x, held[f"{layer}.weight"], held[f"{layer}.bias"]).relu(), 2)
    last = network.nodes[-1].name
    return linear(x.flatten(1), held[f"{last}.weight"], held[f"{last}.bias"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 20, 33)], ids=str)
def test_scores_and_a_step_are_pytorchs(name, shape):
    network = ConvPool((2, 3)).build(shape, 5)
    images, labels = drawn(shape, 8)
    start = initial_state(network, PLAIN, SEED)
    held = {key: torch.from_numpy(value.copy()).requires_grad_() for key, value in start.parameters.items()}
    scores = by_pytorch(network, held, images)
    session = ENGINES[name]().session(network, PLAIN, [SEED], [start])
    np.testing.assert_allclose(session.scores(images)[0], scores.detach().numpy(), rtol=1e-9, atol=1e-9)
    session.train_epoch(images, labels, 1, lambda steps: None)  # one step of the whole batch
    cross_entropy(scores, torch.from_numpy(labels)).backward()
    for key, value in session.states()[0].parameters.items():
        stepped = held[key].detach() - PLAIN.optimizer.lr * held[key].grad
        np.testing.assert_allclose(value, stepped.numpy(), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("side", [8, 13, 64, 96])
@pytest.mark.parametrize("channels", [1, 3])
def test_sizes_from_8_to_96(side, channels):
    shape = (channels, side, side)
    family = ConvPool((2,)) if side > 8 else Dense((6,))
    network = family.build(shape, 5)
    images, labels = drawn(shape, 9)
    ends = []
    for name in NAMES:
        session = ENGINES[name]().session(network, PLAIN, [SEED], [initial_state(network, PLAIN, SEED)])
        session.train_epoch(images, labels, 1, lambda steps: None)
        ends.append(session.scores(images)[0])
    for found in ends[1:]:
        np.testing.assert_allclose(found, ends[0], rtol=1e-9, atol=1e-9)


def test_shapes_of_images_and_inputs():
    assert [of_images(shape) for shape in [(1, 28, 20), (3, 32, 30)]] == [(28, 20), (32, 30, 3)]
    assert [of_input(shape) for shape in [(28, 20), (32, 30, 3)]] == [(1, 28, 20), (3, 32, 30)]
    images, _ = drawn((3, 4, 5), 2)
    np.testing.assert_array_equal(
        channels_first(images), torch.from_numpy(images).permute(0, 3, 1, 2).numpy()
    )
    network = Dense((2,)).build((3, 4, 5), 2)
    expected = torch.from_numpy(images).permute(0, 3, 1, 2).double().numpy() / 255
    np.testing.assert_array_equal(to_input(images, network, "float64"), expected)


def test_augmentation_moves_all_channels_alike():
    images, _ = drawn((1, 12, 15), 6)
    coloured = np.stack([images, images // 2, 255 - images], axis=-1)
    places = np.arange(6)
    moved = augment(coloured, places, 1, 2, (Shift(2), Rotate(20.0)))
    for channel in range(3):
        alone = augment(coloured[..., channel], places, 1, 2, (Shift(2), Rotate(20.0)))
        np.testing.assert_array_equal(moved[..., channel], alone)
