"""Steps as a graph: what is recorded once trains as steps that are taken one by one do.

Without a GPU a tape takes the place of the CUDA graph: it notes each of
PyTorch's operations with the tensors it read and wrote, and repeats them to the
letter, as a graph does. A number of Python's that should have changed from
step to step would be repeated too, and be found out.
"""

import numpy as np
import pytest
import torch
from numba_cases import draw_images, uneven, values
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from assay.engines.base import Recipe
from assay.engines.torch import TorchEngine
from assay.engines.torch.graphs import STEPS, recordable
from assay.nn import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Dropout2d,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Tanh,
)
from assay.nn.network import Network
from assay.optim import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, RMSprop
from assay.optim.augment import Shift
from assay.optim.penalties import L1, L2
from assay.optim.schedules import CosineAnnealingLR, WarmUp

CNN = Network(
    (
        Conv2d(3, 3), BatchNorm2d(), ReLU(), Residual((Conv2d(3, 3, padding=1), Tanh())),
        MaxPool2d(2), Conv2d(3, 3, padding=1), AvgPool2d(2), Flatten(), Linear(4), ReLU(), Linear(5),
    ),
    (1, 10, 10),
)  # fmt: skip
"""No pooling right behind a ReLU: on the CPU the two are not PyTorch's."""

BATCH = 2
COUNT = (4 * STEPS + 3) * BATCH + 1  # plain, recorded, twice replayed; then some one by one, and a short one
RULES = [
    SGD(0.1),
    SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    Adagrad(0.01, eps=1e-3),
    RMSprop(0.01, eps=1e-3),
    Adam(0.01, eps=1e-3, weight_decay=0.1),
    AdamW(0.01, eps=1e-3, weight_decay=0.1),
    Adamax(0.01, eps=1e-3),
]


class Tape(TorchDispatchMode):
    """Notes operations while it is entered, and repeats them."""

    def __init__(self):
        super().__init__()
        self.noted = []
        self.repeats = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        self.noted.append((func, args, kwargs or {}, found))
        return found

    def repeat(self):
        self.repeats += 1
        for func, args, kwargs, before in self.noted:
            for old, new in zip(tree_leaves(before), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)  # what comes later reads it there


class Recorder:
    """Makes tapes; as recording runs what it notes, the first repetition is that."""

    def __init__(self):
        self.tapes = []

    def __call__(self, action):
        tape = Tape()
        self.tapes.append(tape)
        with tape:
            action()
        done = [True]
        return lambda: done.pop() if done else tape.repeat()


def trained(recipe, record=None, network=CNN, seeds=(7, 8), epochs=2, count=COUNT):
    states = [uneven(network, recipe, seed) for seed in seeds]
    session = TorchEngine("cpu").session(network, recipe, seeds, states)
    session._record = record
    images, told = draw_images(count, network), []
    for epoch in range(1, epochs + 1):
        session.train_epoch(*images, epoch, told.append)
    return session.states(), told


def assert_alike(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.step == other.step
        for name, value in values(other).items():
            np.testing.assert_allclose(values(one)[name], value, rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_what_is_replayed_trains_as_steps_one_by_one(rule):
    recipe = Recipe(
        rule,
        BATCH,
        dtype="float64",
        schedule=WarmUp(1, CosineAnnealingLR(1)),
        penalties=(L1(0.001), L2(0.01)),
    )
    recorder = Recorder()
    found, told = trained(recipe, recorder)
    assert_alike(found, trained(recipe)[0])
    [tape] = recorder.tapes
    assert tape.repeats == 2 * 4 - 2, "of eight graphs one was taken plainly, and one to be recorded"
    assert told == 2 * [STEPS, 2 * STEPS, 3 * STEPS, 4 * STEPS]


def test_in_bfloat16_weights_are_rounded_within_the_graph():
    """To the same bits: the rate is a power of two, of which a tensor holds as much as a float."""
    recipe = Recipe(SGD(2**-6), BATCH, dtype="bfloat16")
    found, expected = trained(recipe, Recorder())[0], trained(recipe)[0]
    for one, other in zip(found, expected, strict=True):
        for name, value in values(other).items():
            np.testing.assert_array_equal(values(one)[name], value, name)


@pytest.mark.parametrize(
    ("counts", "recordings"), [((COUNT, COUNT - 21), 1), ((COUNT - 21, COUNT), 2)], ids=["fewer", "more"]
)
def test_other_images_are_recorded_anew_only_if_there_are_more(counts, recordings):
    recipe = Recipe(SGD(0.1), BATCH, dtype="float64")
    recorder = Recorder()
    session = TorchEngine("cpu").session(CNN, recipe, [7], [uneven(CNN, recipe, 7)])
    plain = TorchEngine("cpu").session(CNN, recipe, [7], [uneven(CNN, recipe, 7)])
    session._record = recorder
    data = [draw_images(count, CNN, seed=seed) for seed, count in enumerate(counts)]
    for epoch, images in enumerate([*data, data[0]], start=1):
        for one in (session, plain):
            one.train_epoch(*images, epoch, lambda _: None)
    assert len(recorder.tapes) == recordings
    assert_alike(session.states(), plain.states())


def test_an_epoch_shorter_than_a_graph_is_not_recorded():
    recorder = Recorder()
    recipe = Recipe(SGD(0.1), BATCH, dtype="float64")
    found = trained(recipe, recorder, count=STEPS * BATCH - 1)[0]
    assert not recorder.tapes
    assert_alike(found, trained(recipe, count=STEPS * BATCH - 1)[0])


@pytest.mark.parametrize(
    ("layer", "recipe", "expected"),
    [
        (ReLU(), Recipe(Adam()), True),
        (Dropout(), Recipe(Adam()), False),
        (Dropout2d(), Recipe(Adam()), False),
        (ReLU(), Recipe(Adam(), augment=(Shift(1),)), False),
        (ReLU(), Recipe(NAdam()), False),
    ],
)
def test_what_needs_the_cpu_in_a_step_is_not_recorded(layer, recipe, expected):
    assert recordable([Linear(3), layer], recipe) is expected


def test_on_the_cpu_nothing_is_recorded():
    recipe = Recipe(Adam())
    session = TorchEngine("cpu").session(CNN, recipe, [7], [uneven(CNN, recipe, 7)])
    assert session._record is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_on_a_gpu_what_is_replayed_trains_as_on_the_cpu(rule):
    """A start moved by its last digit, 1e-15 of itself, ended up to 1.4e-10 elsewhere; a GPU rounds often."""
    recipe = Recipe(rule, BATCH, dtype="float64")
    assert COUNT % BATCH == 1, "the last batch is a single example, whose strides PyTorch leaves open"
    states = [uneven(CNN, recipe, seed) for seed in (7, 8)]
    session = TorchEngine("cuda").session(CNN, recipe, (7, 8), states)
    assert session._record is not None
    for epoch in (1, 2):
        session.train_epoch(*draw_images(COUNT, CNN), epoch, lambda _: None)
    for one, other in zip(session.states(), trained(recipe)[0], strict=True):
        assert one.step == other.step
        for name, value in values(other).items():
            bound = 1e-8 * max(0.1, np.abs(value).max())
            np.testing.assert_allclose(values(one)[name], value, 0, bound, err_msg=name)
