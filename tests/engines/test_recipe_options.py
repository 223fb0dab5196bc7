"""What a recipe adds to plain training is what a PyTorch loop makes of it, and survives a crash."""

from math import cos, pi

import numpy as np
import pytest
import torch
from oracles import assert_close
from tiny import CLASSES, weights_digest
from torch import nn as tnn
from torch.nn.functional import cross_entropy

from assay import nn
from assay.data import load
from assay.engines.base import epoch_order, initial_state
from assay.engines.reference import ReferenceEngine
from assay.nn.network import Network
from assay.optim import SGD, Adam
from assay.optim.augment import Elastic, Rotate, Shift, augment
from assay.optim.penalties import L1, L2
from assay.optim.recipe import Recipe
from assay.optim.schedules import CosineAnnealingLR, WarmUp
from assay.streams import stream
from assay.training.checkpoints import load_progress, save_progress
from assay.training.train import Progress

SHAPE, BATCH, EPOCHS, SEED, DROPPED = (1, 14, 14), 32, 3, 7, 0.3

LAYERS = {
    "plain": (nn.Conv2d(3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(CLASSES)),
    "norm": (nn.Conv2d(3, 3, bias=False), nn.BatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.Linear(CLASSES)),
    "dropout": (
        nn.Dropout(0.1), nn.Conv2d(3, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(DROPPED), nn.Linear(CLASSES)
    ),
    "both": (
        nn.Conv2d(3, 3, bias=False), nn.BatchNorm2d(), nn.ReLU(), nn.Dropout2d(DROPPED), nn.Flatten(),
        nn.Linear(8, bias=False), nn.BatchNorm1d(), nn.ELU(), nn.Dropout(DROPPED), nn.Linear(CLASSES),
    ),
}  # fmt: skip
"""Without biases before a normalisation: it takes them away, so their gradient is rounding and no more."""
OPTIONS = {
    "schedule": {"schedule": WarmUp(1, CosineAnnealingLR(2, 0.1))},
    "penalties": {"penalties": (L2(0.02), L1(0.003, ("weight", "bias")))},
    "augment": {"augment": (Shift(1), Rotate(10), Elastic())},
}
EVERYTHING = {key: value for option in OPTIONS.values() for key, value in option.items()}
CASES = {
    **{name: (name, {}) for name in LAYERS},
    **{name: ("plain", options) for name, options in OPTIONS.items()},
    "everything": ("both", EVERYTHING),
}
RULES = {
    "sgd": (SGD(lr=0.1, momentum=0.9, weight_decay=1e-3), torch.optim.SGD, {"momentum": 0.9}),
    "adam": (Adam(lr=0.01, weight_decay=1e-3), torch.optim.Adam, {}),
}


@pytest.fixture(scope="module")
def split(characters):
    split = load(characters).train
    split = split.take(np.arange(111))
    assert len(split) % BATCH == 15, "the last batch should be short"
    return split


class Masked(tnn.Module):
    """Leaves out what a mask says; the test hands it the mask of each step."""

    def __init__(self, name, layer):
        super().__init__()
        self.name, self.p, self.maps = name, layer.p, isinstance(layer, nn.Dropout2d)
        self.draw = None

    def forward(self, x):
        if not self.training:
            return x
        shape = (*x.shape[:2], 1, 1) if self.maps else x.shape
        return x * torch.tensor(self.draw(self.name).random(shape) >= self.p) / (1 - self.p)


def module_of(node):
    layer, size = node.layer, node.input_shape[0]
    match layer:
        case nn.Conv2d():
            return tnn.Conv2d(size, 3, 3, bias=layer.bias)
        case nn.Linear():
            return tnn.Linear(size, node.output_shape[0], bias=layer.bias)
        case nn.BatchNorm2d() | nn.BatchNorm1d():
            return (tnn.BatchNorm2d if isinstance(layer, nn.BatchNorm2d) else tnn.BatchNorm1d)(size)
        case nn.Dropout():
            return Masked(node.name, layer)
    return {nn.ReLU: tnn.ReLU, nn.ELU: tnn.ELU, nn.Flatten: tnn.Flatten}[type(layer)]()


def as_torch(network, parameters):
    """Write the network in PyTorch's words, with ``parameters`` in their order."""
    model = tnn.Sequential(*(module_of(node) for node in network.nodes)).double()
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), parameters.values(), strict=True):
            parameter.copy_(torch.tensor(value))
    return model


def factor(step, per_epoch):
    """Warm-up over the first epoch, then half a cosine over two, down to a tenth."""
    if step <= per_epoch:
        return step / per_epoch
    share = (step - per_epoch - 1) / (2 * per_epoch)
    return 0.1 + 0.9 * (1 + cos(pi * share)) / 2


def penalty(model):
    weights = [p for p in model.parameters() if p.dim() > 1]
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    return 0.01 * sum(w.square().sum() for w in weights) + 0.003 * sum(
        w.abs().sum() for w in [*weights, *biases]
    )


def pytorch(model, rule, options, split):
    """Train as everyone does in PyTorch, and return the whole set's loss after each epoch."""
    own, theirs, settings = RULES[rule]
    optimizer = theirs(model.parameters(), lr=own.lr, weight_decay=own.weight_decay, **settings)
    labels, losses, step = torch.tensor(split.labels), [], 0
    per_epoch = -(-len(split) // BATCH)
    for epoch in range(1, EPOCHS + 1):
        order = epoch_order(SEED, len(split), epoch)
        model.train()
        for number in range(1, per_epoch + 1):
            batch = order[(number - 1) * BATCH : number * BATCH]
            step += 1
            optimizer.param_groups[0]["lr"] = own.lr * (
                factor(step, per_epoch) if "schedule" in options else 1
            )
            for module in model:
                module.draw = lambda name, epoch=epoch, number=number: stream(
                    SEED, "mask", name, epoch, number
                )
            images = augment(split.images[batch], batch, SEED, epoch, options.get("augment", ()))
            optimizer.zero_grad()
            loss = cross_entropy(model(torch.tensor(images[:, None] / 255)), labels[batch])
            (loss + (penalty(model) if "penalties" in options else 0)).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            losses.append(float(cross_entropy(model(torch.tensor(split.images[:, None] / 255)), labels)))
    return losses


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("case", CASES)
def test_options_do_what_a_plain_pytorch_loop_does(case, rule, split):
    layers, options = CASES[case]
    network = Network(LAYERS[layers], SHAPE)
    recipe = Recipe(RULES[rule][0], BATCH, EPOCHS, "float64", **options)
    state = initial_state(network, recipe, SEED)
    model = as_torch(network, state.parameters)
    expected = pytorch(model, rule, options, split)

    session = ReferenceEngine().session(network, recipe, [SEED], [state])
    found = []
    for epoch in range(1, EPOCHS + 1):
        session.train_epoch(split.images, split.labels, epoch, lambda step: None)
        found.append(session.evaluate(split.images, split.labels)[0].loss)
    assert found == pytest.approx(expected, rel=1e-9)
    assert abs(found[1] - found[0]) > 1e-3, "it should be moving"
    end = session.states()[0]
    buffers = {name: b for name, b in model.named_buffers() if "tracked" not in name}
    assert len(buffers) == len(end.buffers) == {"norm": 2, "both": 4}.get(layers, 0)
    for own, theirs in ((end.parameters, dict(model.named_parameters())), (end.buffers, buffers)):
        for (name, value), tensor in zip(own.items(), theirs.values(), strict=True):
            assert_close(name, value, tensor.detach().numpy(), 1e-8)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_makes_a_difference(option, split):
    """So that the comparison above compares something."""
    network = Network(LAYERS["plain"], SHAPE)
    ends = []
    for options in ({}, OPTIONS[option]):
        recipe = Recipe(SGD(lr=0.1), BATCH, 1, "float64", **options)
        session = ReferenceEngine().session(network, recipe, [SEED], [initial_state(network, recipe, SEED)])
        session.train_epoch(split.images, split.labels, 1, lambda step: None)
        ends.append(session.evaluate(split.images, split.labels)[0].loss)
    assert abs(ends[0] - ends[1]) > 1e-4


def digests(state):
    slots = {f"{name}/{key}": value for name, slot in state.slots.items() for key, value in slot.items()}
    return [weights_digest(part) for part in (state.parameters, state.buffers, slots)], state.step


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES)
def test_options_are_continued_bit_for_bit(rule, dtype, split, tmp_path):
    """After every epoch the run ends, and another process goes on from the file it left."""
    network = Network(LAYERS["both"], SHAPE)
    recipe = Recipe(RULES[rule][0], BATCH, EPOCHS, dtype, **EVERYTHING)
    whole = ReferenceEngine().session(network, recipe, [SEED], [initial_state(network, recipe, SEED)])
    state = initial_state(network, recipe, SEED)
    for epoch in range(1, EPOCHS + 1):
        whole.train_epoch(split.images, split.labels, epoch, lambda step: None)
        part = ReferenceEngine().session(network, recipe, [SEED], [state])
        part.train_epoch(split.images, split.labels, epoch, lambda step: None)
        save_progress(tmp_path / "part", Progress(part.states()[0]), {})
        state = load_progress(tmp_path / "part", {}).state
        assert digests(state) == digests(whole.states()[0])
