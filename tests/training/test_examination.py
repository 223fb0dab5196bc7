"""What an examination measures is what PyTorch measures in float64, for whatever layers."""

from copy import deepcopy
from dataclasses import replace
from math import inf, sqrt

import numpy as np
import pytest
import torch
from oracles import assert_close
from tiny import CLASSES
from torch import nn as tnn
from torch.nn.functional import cross_entropy

from assay import engines, nn
from assay.data import DataSpec, load
from assay.engines.base import initial_state
from assay.nn.init import Constant
from assay.nn.network import Network
from assay.optim import SGD, Adam, AdamW, RMSprop
from assay.optim.penalties import L1, L2
from assay.optim.recipe import Recipe
from assay.optim.schedules import CosineAnnealingLR, WarmUp
from assay.streams import permutation
from assay.study.architectures import ConvBlocks
from assay.training.examination import PROBE, examine

SHAPE = (1, 14, 14)
NUMBERS = ("weight_norm", "gradient_norm", "decay_norm", "update_ratio", "loss_ratio")


@pytest.fixture(scope="module")
def split(characters):
    return load(DataSpec(characters, train=101, valid=40, test=30)).train


class TorchResidual(tnn.Module):
    def __init__(self):
        super().__init__()
        self.ways = tnn.ModuleList(
            [tnn.Sequential(tnn.Conv2d(3, 4, 3, padding=1), tnn.Tanh()), tnn.Conv2d(3, 4, 1, bias=False)]
        )

    def forward(self, x):
        return self.ways[0](x) + self.ways[1](x)


def plain():
    layers = (nn.Conv2d(4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(CLASSES))
    modules = (
        tnn.Conv2d(1, 4, 3, padding=1),
        tnn.ReLU(),
        tnn.MaxPool2d(2),
        tnn.Flatten(),
        tnn.Linear(196, CLASSES),
    )
    return layers, modules


def normalised():
    block = nn.Residual((nn.Conv2d(4, 3, padding=1), nn.Tanh()), (nn.Conv2d(4, 1, bias=False),))
    layers = (
        nn.Conv2d(3, 3, stride=2), nn.BatchNorm2d(), nn.ELU(), block, nn.ReLU(), nn.Dropout(0.5),
        nn.Flatten(), nn.Linear(CLASSES),
    )  # fmt: skip
    modules = (
        tnn.Conv2d(1, 3, 3, stride=2), tnn.BatchNorm2d(3), tnn.ELU(), TorchResidual(), tnn.ReLU(),
        tnn.Dropout(0.5), tnn.Flatten(), tnn.Linear(144, CLASSES),
    )  # fmt: skip
    return layers, modules


RULES = {
    "sgd": (SGD(lr=0.1, momentum=0.9, weight_decay=1e-3), (L2(1e-2), L1(1e-3))),
    "adam": (Adam(lr=0.01, weight_decay=1e-3), ()),
    "adamw": (AdamW(lr=0.01, weight_decay=0.1), (L1(1e-3),)),
}
TORCH_RULES = {
    "sgd": lambda p, **k: torch.optim.SGD(p, lr=0.1, momentum=0.9, **{"weight_decay": 1e-3, **k}),
    "adam": lambda p, **k: torch.optim.Adam(p, lr=0.01, **{"weight_decay": 1e-3, **k}),
    "adamw": lambda p, **k: torch.optim.AdamW(p, lr=0.01, **{"weight_decay": 0.1, **k}),
}


def as_torch(modules, network, state):
    """Load a state into PyTorch's modules; the names of both have one order."""
    model = tnn.Sequential(*modules).double().eval()
    with torch.no_grad():
        for own, theirs in (
            (list(state.parameters.values()), list(model.parameters())),
            (list(state.buffers.values()), [b for name, b in model.named_buffers() if "tracked" not in name]),
        ):
            for value, tensor in zip(own, theirs, strict=True):
                tensor.copy_(torch.tensor(value))
    return model


def norm(tensors):
    return sqrt(sum(float(tensor.detach().square().sum()) for tensor in tensors))


def stepped(model, loss, rule, **options):
    """Return by how much a first step along ``loss`` changes every parameter of a copy of ``model``."""
    copy = deepcopy(model)
    optimizer = rule(copy.parameters(), **options)
    loss(copy).backward()
    optimizer.step()
    return [
        after.detach() - before.detach()
        for after, before in zip(copy.parameters(), model.parameters(), strict=True)
    ]


def penalised(model, penalties):
    """Return what ``penalties`` add to the loss: on matrices and kernels, not on biases nor scales."""
    weights = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    strengths = {type(penalty): penalty.strength for penalty in penalties}
    l1 = sum(weight.abs().sum() for weight in weights)
    return strengths.get(L1, 0) * l1 + strengths.get(L2, 0) / 2 * sum(
        weight.square().sum() for weight in weights
    )


def gradients_of(loss, model):
    """Return the gradient of each parameter, zero for those that ``loss`` does not know."""
    parameters = list(model.parameters())
    found = torch.autograd.grad(loss + 0 * parameters[0].sum(), parameters, allow_unused=True)
    return [torch.zeros_like(p) if grad is None else grad for p, grad in zip(parameters, found, strict=True)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("build", [plain, normalised])
def test_the_numbers_are_those_of_pytorch(build, rule, split):
    layers, modules = build()
    network = Network(layers, SHAPE)
    optimizer, penalties = RULES[rule]
    recipe = Recipe(optimizer, 10, 3, "float64", penalties=penalties)
    state = initial_state(network, recipe, 5)
    rng = np.random.default_rng(0)
    state.parameters = {name: rng.normal(size=value.shape) / 3 for name, value in state.parameters.items()}
    state.buffers = {name: np.abs(rng.normal(size=value.shape)) for name, value in state.buffers.items()}
    found = examine(network, recipe, state, split, 3)

    chosen = permutation(0, "probe", len(split))[:PROBE]
    y = torch.tensor(split.images[chosen, None] / 255)
    model = as_torch(modules, network, state)

    def loss(model, x=y):
        return cross_entropy(model(x), torch.tensor(split.labels[chosen]))

    def whole(model):
        return loss(model) + penalised(model, penalties)

    rate = 0.0 if rule == "adamw" else optimizer.weight_decay
    pull = gradients_of(penalised(model, penalties), model)
    decay = [rate * p + extra for p, extra in zip(model.parameters(), pull, strict=True)]
    updates = stepped(model, whole, TORCH_RULES[rule])
    alone = stepped(model, loss, TORCH_RULES[rule], weight_decay=0.0)
    values = [list(model.parameters()), gradients_of(loss(model), model), decay, updates, alone]
    taken = 0
    for record, module in zip(found, model, strict=True):
        y = module(y)
        spread = sqrt(float(y.detach().var(dim=0, correction=0).mean()))
        assert (record.epoch, record.spread) == (3, pytest.approx(spread, rel=1e-9))
        count = len(list(module.parameters()))
        measured = [getattr(record, name) for name in NUMBERS]
        if count:
            size, *norms = (norm(value[taken : taken + count]) for value in values)
            expected = [size, *norms[:2], *(value / size for value in norms[2:])]
            assert measured == pytest.approx(expected, rel=1e-9), record.layer
        else:
            assert measured == [None] * 5, record.layer
        taken += count


def test_a_layer_has_the_name_that_the_network_gives_it(split):
    network = Network(normalised()[0], SHAPE)
    recipe = Recipe(SGD())
    found = examine(network, recipe, initial_state(network, recipe, 0), split, 0)
    assert [record.layer for record in found] == [node.name for node in network.nodes]
    assert [record.layer for record in found if record.dead_share is not None] == ["elu1", "relu1"]
    assert [record.layer for record in found if record.weight_norm is not None] == [
        "conv1", "batchnorm1", "residual1", "linear1"
    ]  # fmt: skip


@pytest.mark.parametrize("dead", [0, 1, 3, 8])
@pytest.mark.parametrize("kind", ["maps", "units"])
@pytest.mark.parametrize("activation", [nn.ReLU(), nn.Sigmoid()])
def test_as_many_units_are_dead_as_were_killed(activation, kind, dead, split):
    """A bias far below all inputs: ReLU gives 0 and the sigmoid exactly 0 or 1, and neither has a slope."""
    first = [nn.Conv2d(8, 3)] if kind == "maps" else [nn.Flatten(), nn.Linear(8)]
    network = Network(
        (*first, activation, *([nn.Flatten()] if kind == "maps" else []), nn.Linear(CLASSES)), SHAPE
    )
    recipe = Recipe(SGD())
    state = initial_state(network, recipe, 1)
    bias = next(name for name in state.parameters if name.endswith("bias"))
    state.parameters[bias][:] = 1
    state.parameters[bias][:dead] = -1000
    [share] = [
        record.dead_share
        for record in examine(network, recipe, state, split, 1)
        if record.dead_share is not None
    ]
    assert share == dead / 8


def test_a_map_with_a_dead_place_is_alive(split):
    """Characters leave a black border, where a convolution without bias gives 0 whatever it is."""
    ones = nn.Conv2d(2, 1, bias=False, weight_init=Constant(1.0))
    network = Network((ones, nn.ReLU(), nn.Flatten(), nn.Linear(CLASSES)), SHAPE)
    recipe = Recipe(SGD())
    assert (split.images == 0).all(axis=0).any()
    assert examine(network, recipe, initial_state(network, recipe, 0), split, 0)[1].dead_share == 0


def test_the_schedules_factor_is_the_last_one(split):
    """Warm-up over two epochs, then a cosine: before the first step its own, then the last one's."""
    network = Network((nn.Flatten(), nn.Linear(CLASSES)), SHAPE)
    plain = Recipe(SGD(lr=0.1), 20, 4)
    recipe = replace(plain, schedule=WarmUp(2, CosineAnnealingLR(2)))
    state = initial_state(network, plain, 0)
    per_epoch = 6
    assert -(-len(split) // 20) == per_epoch
    for step, factor in ((0, 1 / 12), (6, 0.5), (12, 1.0), (24, (1 - np.cos(np.pi / 12)) / 2)):
        state.step = step
        (*_, whole), (*_, found) = (examine(network, r, state, split, 1) for r in (plain, recipe))
        assert found.update_ratio == pytest.approx(factor * whole.update_ratio, rel=1e-6)


def test_what_is_not_finite_is_infinite(split):
    network = Network((nn.Flatten(), nn.Linear(5), nn.ReLU(), nn.Linear(CLASSES)), SHAPE)
    recipe = Recipe(SGD())
    state = initial_state(network, recipe, 0)
    state.parameters["linear2.weight"][0, 0] = np.nan
    flatten, first, relu, last = examine(network, recipe, state, split, 1)
    assert (last.weight_norm, last.update_ratio, last.spread, first.gradient_norm) == (inf, inf, inf, inf)
    assert np.isfinite([flatten.spread, first.weight_norm, first.spread, relu.spread]).all()


def test_weights_of_zero_have_no_ratio(split):
    network = Network((nn.Flatten(), nn.Linear(CLASSES, weight_init=Constant(0.0))), SHAPE)
    recipe = Recipe(RMSprop(weight_decay=0.1))
    last = examine(network, recipe, initial_state(network, recipe, 0), split, 0)[-1]
    assert (last.weight_norm, last.decay_norm, last.update_ratio, last.loss_ratio) == (0, 0, None, None)
    assert last.gradient_norm > 0


def test_an_examination_changes_nothing_and_is_the_same_again(split):
    network = ConvBlocks(2, 4, "average").build(SHAPE, CLASSES)
    recipe = Recipe(Adam(), 20)
    state = initial_state(network, recipe, 0)
    kept = state.copy()
    assert examine(network, recipe, state, split, 1) == examine(network, recipe, state, split, 1)
    for name, value in kept.parameters.items():
        assert np.array_equal(state.parameters[name], value)
        assert all(np.array_equal(state.slots[name][key], old) for key, old in kept.slots[name].items())
    assert state.step == 0


def test_engines_are_examined_alike(split):
    """After an epoch of each, float32: what differs is rounding."""
    found = []
    for name in ("reference", "numba"):
        network = ConvBlocks(2, 4, "max").build(SHAPE, CLASSES)
        recipe = Recipe(Adam(lr=0.01, weight_decay=1e-4), 20)
        state = initial_state(network, recipe, 0)
        session = engines.engine(name, network, recipe).session(network, recipe, [0], [state])
        session.train_epoch(split.images, split.labels, 1, lambda step: None)
        records = examine(network, recipe, session.states()[0], split, 1)
        found.append(
            np.array([[v or 0 for v in vars(r).values() if not isinstance(v, str)] for r in records])
        )
    assert_close("records", *found, tolerance=1e-3)
