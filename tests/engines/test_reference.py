"""The reference engine trains as a plain PyTorch loop in float64 does."""

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch_networks import load_weights, torch_blocks, torch_dense, torch_pools

from assay.data import load
from assay.engines.base import epoch_order, initial_state
from assay.engines.reference import ReferenceEngine
from assay.optim import SGD, Adam
from assay.optim.recipe import Recipe
from assay.study.architectures import ConvBlocks, ConvPool, Dense

SIZE, CLASSES, BATCH, EPOCHS = (14, 14), 6, 32, 2

NETWORKS = {
    "dense": (Dense((9, 8)), lambda: torch_dense((9, 8), CLASSES, SIZE)),
    "convpool": (ConvPool((3, 4), 3), lambda: torch_pools((3, 4), CLASSES, SIZE, 3)),
    **{
        reduction: (ConvBlocks(2, 6, reduction), lambda r=reduction: torch_blocks(2, 6, r, CLASSES, SIZE))
        for reduction in ("max", "average", "strided", "dilated")
    },
}
RULES = {
    "sgd": (SGD(lr=0.5, weight_decay=1e-3), lambda p: torch.optim.SGD(p, lr=0.5, weight_decay=1e-3)),
    "adam": (Adam(lr=0.03, weight_decay=1e-3), lambda p: torch.optim.Adam(p, lr=0.03, weight_decay=1e-3)),
}


@pytest.fixture(scope="module")
def split(characters):
    return load(characters).train


def pytorch_losses(modules, rule, weights, split, seed):
    """Train as everyone does in PyTorch, and return the whole set's loss after each epoch."""
    modules = modules.double()
    load_weights(modules, weights)
    x = torch.tensor(split.images[:, None] / 255)
    labels = torch.tensor(split.labels)
    optimizer = rule(modules.parameters())
    losses = []
    for epoch in range(1, EPOCHS + 1):
        order = torch.tensor(epoch_order(seed, len(labels), epoch))
        for batch in order.split(BATCH):
            optimizer.zero_grad()
            cross_entropy(modules(x[batch]), labels[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            losses.append(float(cross_entropy(modules(x), labels)))
    return losses


@pytest.mark.parametrize("family", NETWORKS)
@pytest.mark.parametrize("rule", RULES)
def test_training_equals_a_plain_pytorch_loop(family, rule, split):
    architecture, modules = NETWORKS[family]
    own, theirs = RULES[rule]
    network = architecture.build((1, *SIZE), CLASSES)
    recipe = Recipe(own, BATCH, EPOCHS, "float64")
    state = initial_state(network, recipe, 7)
    assert len(split) % BATCH, "the last batch should be short"

    expected = pytorch_losses(modules(), theirs, state.parameters, split, 7)
    session = ReferenceEngine().session(network, recipe, [7], [state])
    found = []
    for epoch in range(1, EPOCHS + 1):
        session.train_epoch(split.images, split.labels, epoch, lambda step: None)
        found.append(session.evaluate(split.images, split.labels)[0].loss)

    assert found == pytest.approx(expected, rel=1e-9)
    assert abs(found[1] - found[0]) > 1e-5, "it should be moving"


def test_steps_are_reported_and_counted(split):
    network = Dense((4,)).build((1, *SIZE), CLASSES)
    recipe = Recipe(SGD(lr=0.1), batch_size=10)
    session = ReferenceEngine().session(network, recipe, [0], [initial_state(network, recipe, 0)])
    taken = []
    session.train_epoch(split.images, split.labels, 1, taken.append)
    steps = -(-len(split) // 10)
    assert taken == list(range(10, steps + 1, 10))
    assert session.states()[0].step == steps


def test_memory_is_that_of_weights_gradients_slots_and_activations():
    network = Dense((4,)).build((1, 2, 2), 3)
    recipe = Recipe(Adam(), batch_size=10)
    session = ReferenceEngine().session(network, recipe, [0], [initial_state(network, recipe, 0)])
    parameters, activations = 5 * 4 + 5 * 3, 4 + 4 + 4 + 4
    assert session.memory() == 4 * (4 * parameters + 10 * activations)
