"""Networks as PyTorch's modules: the same scores, names, statistics and gradients; they can be trained on."""

import numpy as np
import pytest
import torch
from tiny import tiny_study

from assay import nn
from assay.engines.base import initial_state
from assay.engines.reference import ReferenceSession
from assay.engines.torch.as_module import as_module
from assay.errors import UnsupportedError
from assay.nn.loss import softmax_cross_entropy
from assay.nn.network import Network
from assay.optim import SGD
from assay.optim.recipe import Recipe
from assay.running.run import run
from assay.study.architectures import ConvBlocks, ConvPool, Dense, Layers, ResNet
from assay.study.layer_tables import ACTIVATIONS, LAYERS

K = 4
SHAPE = (1, 12, 13)
MAPS = (nn.Conv2d(4, 3),)
ON_MAPS = [
    nn.Conv2d(6, (3, 2), stride=(2, 1), padding=1, dilation=(1, 2), groups=2, bias=False),
    nn.ZeroPad2d((1, 2, 0, 3)), nn.ZeroPad2d(1),
    nn.MaxPool2d(3, 2, 1), nn.MaxPool2d((2, 3)), nn.AvgPool2d(3, 2, 1), nn.AvgPool2d(2, 1, 1, False),
    nn.AdaptiveAvgPool2d((3, 2)), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(1e-3, 0.3),
    nn.BatchNormPerActivation(momentum=0.2), nn.Dropout(0.3), nn.Dropout2d(0.4), nn.Flatten(),
    nn.Reshape((2, 20, 11)),
    nn.Residual((nn.Conv2d(4, 3, padding=1), nn.BatchNorm2d(), nn.ReLU())),
    nn.Residual((nn.Conv2d(3, 3, stride=2), nn.Tanh()), (nn.Conv2d(3, 3, stride=2), nn.BatchNorm2d())),
]  # fmt: skip
ON_VECTORS = [nn.BatchNorm1d(), nn.BatchNormPerActivation(), nn.Linear(3, bias=False), nn.Dropout(0.2)]
FAMILIES = [
    Dense((6, 5), batch_norm=True, hidden_dropout=0.2), ConvPool((3, 4), 3, batch_norm="activation"),
    ConvBlocks(2, 4, "average"), ConvBlocks(2, 4, "dilated", batch_norm=True), ConvBlocks(2, 4, "strided"),
    ResNet((3, 4), 1), ResNet((3,), 1, residual=False),
    Layers(({"layer": "Flatten"}, {"layer": "Linear", "out_features": 3}, {"layer": "Linear"})),
]  # fmt: skip
NETWORKS = [
    *(Network((*MAPS, layer, nn.Flatten(), nn.Linear(K)), SHAPE) for layer in ON_MAPS),
    *(Network((nn.Flatten(), nn.Linear(5), layer, nn.Linear(K)), SHAPE) for layer in ON_VECTORS),
    *(Network((nn.Flatten(), nn.Linear(5), layer, nn.Linear(K)), SHAPE) for layer in ACTIVATIONS.values()),
    *(family.build(SHAPE, K) for family in FAMILIES),
]


def trained(network, dtype="float32"):
    """Return a state after two epochs, so that statistics are no longer those of the start."""
    rng = np.random.default_rng(0)
    recipe = Recipe(SGD(lr=0.02), batch_size=10, dtype=dtype)
    session = ReferenceSession(network, recipe, [0], initial_state(network, recipe, 0))
    for epoch in (1, 2):
        session.train_epoch(
            rng.integers(0, 256, (30, *SHAPE[1:]), np.uint8), rng.integers(0, K, 30), epoch, lambda step: None
        )
    return session.states()[0]


def test_every_layer_is_among_them():
    kinds = {type(node.layer).__name__ for network in NETWORKS for node in network.nodes}
    assert kinds == set(LAYERS)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: "-".join(n.name for n in network.nodes))
def test_scores_names_and_gradients_are_the_networks(network):
    weights = trained(network).weights
    module = as_module(network, weights)
    assert not module.training
    own = {name: value.numpy() for name, value in module.state_dict().items() if "num_batches" not in name}
    assert own.keys() == weights.keys()
    for name, value in weights.items():
        np.testing.assert_array_equal(own[name], value)
    x = np.random.default_rng(1).random((7, *SHAPE), np.float32)
    expected, caches = network.forward(weights, x)
    scores = module(torch.from_numpy(x))
    np.testing.assert_allclose(scores.detach().numpy(), expected, rtol=1e-5, atol=1e-5)
    labels = np.arange(7) % K
    torch.nn.functional.cross_entropy(scores, torch.from_numpy(labels)).backward()
    _, gradients = network.backward(weights, caches, softmax_cross_entropy(expected, labels)[1])
    for name, parameter in module.named_parameters():
        np.testing.assert_allclose(parameter.grad, gradients[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(), nn.BatchNormPerActivation(momentum=0.3)])
def test_in_training_mode_statistics_move_as_ours(norm):
    network = Network((*MAPS, norm, nn.Flatten(), nn.Linear(K)), SHAPE)
    weights = trained(network, "float64").weights
    module = as_module(network, weights).train()
    x = np.random.default_rng(1).random((6, *SHAPE))
    y, caches = network.forward_training(weights, x, lambda name: np.random.default_rng(0))
    np.testing.assert_allclose(module(torch.from_numpy(x)).detach().numpy(), y, rtol=1e-9)
    after = network.updated_buffers(weights, caches)
    for name, value in after.items():
        np.testing.assert_allclose(module.state_dict()[name].numpy(), value, rtol=1e-9)


def test_dropout_works_in_training_mode_alone():
    network = Network((nn.Flatten(), nn.Dropout(0.5), nn.Linear(K)), SHAPE)
    module = as_module(network, trained(network).weights)
    x = torch.rand(5, *SHAPE)
    assert torch.equal(module(x), module(x))
    module.train()
    assert not torch.equal(module(x), module(x))


class Mine(nn.ReLU):
    """A layer of a user's own."""


def test_a_layer_that_pytorch_has_not_is_named():
    network = Network((nn.Flatten(), Mine(), nn.Linear(K)), SHAPE)
    with pytest.raises(UnsupportedError, match="layer relu1: Mine has no PyTorch module"):
        as_module(network, initial_state(network, Recipe(SGD()), 0).weights)


def test_results_give_the_module_of_a_run(characters, tmp_path, monkeypatch):
    with run(tiny_study(characters, seeds=1), tmp_path) as results:
        for arm in ("max", "average"):
            found, module = results.network(arm, 0), results.module(arm, 0)
            images = np.random.default_rng(0).integers(0, 256, (5, 14, 14), np.uint8)
            scores = module(torch.from_numpy(images[:, None] / np.float32(255)))
            np.testing.assert_allclose(scores.detach().numpy(), found.scores(images), rtol=1e-5, atol=1e-5)
        monkeypatch.setattr("assay.engines.choice.find_spec", lambda name: None)
        with pytest.raises(UnsupportedError, match=r"results.module needs PyTorch \(pip install"):
            results.module()
