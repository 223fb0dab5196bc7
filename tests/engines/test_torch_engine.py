"""The torch engine is held to the reference engine: every layer, rule and option, several runs at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from example_counts import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from numba_cases import draw_images, values
from oracles import assert_close
from tiny import outcome, tiny_study
from torch_cases import (
    CLASSES,
    CNN,
    CPU,
    EPS,
    REFERENCE,
    RULES,
    assert_same,
    assert_trains_as_the_reference,
    networks,
    train,
)

from assay import engines
from assay.engines import choice
from assay.engines.base import EVALUATION_BATCH, Engine, Recipe, State, initial_state
from assay.engines.numba import NumbaEngine
from assay.errors import ShapeError, UnsupportedError
from assay.nn import (
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Sequential,
    Tanh,
)
from assay.nn.network import Network
from assay.nn.nodes import every
from assay.optim import SGD, Adam, Optimizer
from assay.optim.augment import Rotate, Shift
from assay.optim.penalties import L1, L2
from assay.optim.schedules import CosineAnnealingLR, StepLR, WarmUp
from assay.records.runs import Status
from assay.running.events import EpochEnded, Event
from assay.running.run import run
from assay.study.architectures import ConvBlocks, ConvPool, Dense, ResNet
from assay.study.layer_tables import ACTIVATIONS


@given(networks(), st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True), st.integers(2, 20))
@settings(max_examples=drawn(40))
def test_every_layer_and_several_runs_train_as_the_reference(
    network: Network, seeds: list[int], batch_size: int
) -> None:
    count = 20 if 20 % batch_size != 1 else 21  # batch normalisation wants no single example
    slow = SGD(0.01)  # a run that diverges makes a difference of any rounding
    assert_trains_as_the_reference(network, Recipe(slow, batch_size, dtype="float64"), seeds, count)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    "family",
    [
        Dense((6, 5), batch_norm=True),
        ConvPool((3,), 3, batch_norm="map"),
        ConvBlocks(1, 3, "average"),
        ConvBlocks(1, 3, "strided"),
        ResNet((2, 3), 1),
    ],
    ids=["Dense", "ConvPool", "average", "strided", "ResNet"],
)
def test_every_family_trains_with_every_activation_as_the_reference(family, activation):
    network = replace(family, activation=activation).build((1, 8, 8), CLASSES)
    kinds = {type(node.layer).__name__ for node in every(network.nodes)}
    assert kinds & ACTIVATIONS.keys() == {activation}
    assert_trains_as_the_reference(network, Recipe(SGD(0.01), 10, dtype="float64"))
    residual = ["Residual"] if isinstance(family, ResNet) else []
    assert NumbaEngine().missing(network, Recipe(SGD())) == residual


@pytest.mark.parametrize(
    "layers",
    [
        (Residual((Conv2d(3, 3, padding=1), ReLU()), (Conv2d(3, 1),)),),
        (Conv2d(2, 3), Residual((ReLU(), Conv2d(2, 3, padding=1)))),
        (Conv2d(3, 3), Tanh(), ReLU()),
        (Conv2d(3, 3), Tanh(), ReLU(), AvgPool2d(2)),
        (Conv2d(3, 3), BatchNorm2d(), ReLU(), AvgPool2d(2, 1)),
        (Conv2d(3, 3), Dropout(), ReLU()),
        (Conv2d(3, 3), ReLU(), ReLU(), MaxPool2d(2, 1)),
        (ReLU(), MaxPool2d(2)),
    ],
    ids=str,
)
def test_nothing_is_overwritten_that_somebody_needs(layers) -> None:
    network = Network((*layers, Flatten(), Linear(CLASSES)), (1, 7, 6))
    assert_trains_as_the_reference(network, Recipe(SGD(0.1), 8, dtype="float64"), (7, 8))


@pytest.mark.parametrize("shape", [(2, 2, 1), (2, 1, 2), (2, 1, 1), (2, 3, 1)], ids=str)
@pytest.mark.parametrize("seeds", [(7,), (7, 8)], ids=str)
def test_maps_one_pixel_wide_are_normalised_whatever_their_layout(shape, seeds) -> None:
    """Of those PyTorch cannot tell by the strides in which order they lie."""
    around = Residual((Conv2d(2, 3, padding=1), Dropout(0.2)))
    network = Network((around, BatchNorm2d(eps=0.1), Flatten(), Linear(CLASSES)), shape)
    assert_trains_as_the_reference(network, Recipe(SGD(0.1), 4, dtype="float64"), seeds)


@pytest.mark.parametrize("seeds", [(7,), (7, 8)], ids=str)
def test_a_last_batch_of_one_example_is_as_good_as_any(seeds) -> None:
    """PyTorch leaves the first stride of a single example open, and convolutions in groups read it."""
    normed = (Conv2d(3, 3), BatchNorm2d(eps=0.1), ReLU(), Conv2d(3, 3, padding=1), Flatten(), Linear(CLASSES))
    network = Network(normed, (1, 10, 10))
    assert_trains_as_the_reference(network, Recipe(SGD(0.1), 2, dtype="float64"), seeds, count=5)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_rule_moves_parameters_as_the_reference(rule: Optimizer) -> None:
    assert_trains_as_the_reference(CNN, Recipe(rule, 8, dtype="float64"), (7, 8))


@pytest.mark.parametrize(
    "options",
    [
        {"schedule": WarmUp(1, StepLR(1))},
        {"schedule": CosineAnnealingLR(2)},
        {"penalties": (L1(0.01), L2(0.1, ("weight", "bias")))},
        {"augment": (Shift(1), Rotate(20.0))},
    ],
    ids=str,
)
def test_every_option_of_a_recipe_is_followed(options) -> None:
    network = Network((*CNN.layers[:2], BatchNorm2d(), *CNN.layers[2:]), CNN.input_shape)
    assert_trains_as_the_reference(
        network, Recipe(Adam(0.01, eps=EPS), 8, dtype="float64", **options), (7, 8)
    )


@pytest.mark.parametrize("seeds", [(7,), (7, 8, 9)])
def test_float32_is_as_near_to_float64_as_float32_can_be(seeds) -> None:
    recipe = Recipe(SGD(0.1), 8)
    found = train(CPU, CNN, recipe, seeds).states()
    for state, seed in zip(found, seeds, strict=True):
        expected = train(REFERENCE, CNN, Recipe(SGD(0.1), 8, dtype="float64"), (seed,)).states()[0]
        for name, value in values(expected).items():
            assert values(state)[name].dtype == np.float32
            assert_close(name, values(state)[name], value, tolerance=1e-4)


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_on_the_cpu_resumed_training_ends_with_the_same_bits(rule: Optimizer, dtype) -> None:
    network = Network(
        (*CNN.layers[:2], BatchNorm2d(), *CNN.layers[2:6], Dropout(), Linear(5)), CNN.input_shape
    )
    recipe = Recipe(rule, batch_size=8, dtype=dtype)
    once = train(CPU, network, recipe, epochs=(1, 2, 3))
    half = train(CPU, network, recipe, epochs=(1,))
    half.scores(draw_images(3, network)[0])
    resumed = train(CPU, network, recipe, epochs=(2, 3), states=half.states())
    assert_same(resumed.states()[0], once.states()[0])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "network",
    [CNN, Dense().build((1, 28, 28), 47), ConvBlocks(2, 64).build((1, 28, 28), 47)],
    ids=["CNN", "dense", "blocks"],
)
def test_on_the_cpu_runs_in_several_threads_are_the_same_as_alone(network, dtype) -> None:
    """Also of the sizes for which PyTorch's libraries divide work among threads, where they have several."""
    recipe = Recipe(Adam(), batch_size=50, dtype=dtype)

    def trained(seed: int) -> State:
        return train(CPU, network, recipe, (seed,), (1,), count=125).states()[0]

    alone = [trained(seed) for seed in range(3)]
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with ThreadPoolExecutor(3) as pool:
            together = list(pool.map(trained, range(3)))
    finally:
        torch.set_num_threads(before)
    for found, expected in zip(together, alone, strict=True):
        assert_same(found, expected)


def test_on_the_cpu_a_session_has_one_run() -> None:
    """So that a run's bits depend on no other run."""
    assert CPU.runs_per_session == 1


def test_work_is_done_on_one_thread_and_the_callers_number_is_left_as_it_was() -> None:
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(2)
    try:
        recipe = Recipe(SGD(), batch_size=1)
        session = CPU.session(CNN, recipe, [7], [initial_state(CNN, recipe, 7)])
        session.train_epoch(*draw_images(10, CNN), 1, lambda step: seen.append(torch.get_num_threads()))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == [1]


def test_bfloat16_keeps_parameters_in_float32_and_follows_float32() -> None:
    """Steps of which bfloat16 itself would lose most."""
    coarse, fine = (
        train(CPU, CNN, Recipe(SGD(1e-4), 10, dtype=dtype), epochs=range(1, 4)).states()[0]
        for dtype in ("bfloat16", "float32")
    )
    start = initial_state(CNN, Recipe(SGD()), 7)
    for name, value in coarse.parameters.items():
        assert value.dtype == np.float32
        moved, expected = value - start.parameters[name], fine.parameters[name] - start.parameters[name]
        assert np.linalg.norm(moved - expected) < 0.2 * np.linalg.norm(expected), name


def test_bfloat16_layers_compute_in_bfloat16() -> None:
    scores = train(CPU, CNN, Recipe(SGD(), dtype="bfloat16"), epochs=()).scores(draw_images(4, CNN)[0])[0]
    assert scores.dtype == np.float32
    assert not (scores.view(np.uint32) & 0xFFFF).any(), "bfloat16 has the upper 16 bits alone"
    assert np.ptp(scores) > 0


def test_a_study_file_can_ask_for_bfloat16(characters, tmp_path) -> None:
    training = {"batch_size": 16, "epochs": 2, "dtype": "bfloat16"}
    with run(tiny_study(characters, engine="torch:cpu", training=training), tmp_path) as results:
        assert {record.engine for record in results.runs} == {"torch:cpu"}
        assert {record.status for record in results.runs} == {Status.DONE}


def test_a_study_in_bfloat16_depends_neither_on_workers_nor_on_interruptions(characters, tmp_path) -> None:
    training = {"batch_size": 16, "epochs": 2, "dtype": "bfloat16"}
    study = tiny_study(characters, engine="torch:cpu", training=training)

    def stop(event: Event) -> None:
        if isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    with run(study, tmp_path / "plain", workers=1) as results:
        expected = outcome(results)
    with pytest.raises(KeyboardInterrupt):
        run(study, tmp_path / "stopped", workers=2, on_event=stop)
    with run(study, tmp_path / "stopped", workers=3) as results:
        assert outcome(results) == expected


@pytest.mark.parametrize("engine", ["reference", "numba"])
def test_engines_without_bfloat16_say_who_has_it(engine, monkeypatch) -> None:
    """The numba engine has none where the processor does not multiply it."""
    monkeypatch.setattr(NumbaEngine, "dtypes", Engine.dtypes)
    with pytest.raises(UnsupportedError, match=r"has no bfloat16 \(use --engine torch\)"):
        engines.engine(engine, CNN, Recipe(SGD(), dtype="bfloat16"))


def test_autograd_is_never_used(monkeypatch) -> None:
    def refuse(*args, **kwargs):
        raise AssertionError("autograd was called")

    for owner, name in ((torch.autograd, "backward"), (torch.autograd, "grad"), (torch.Tensor, "backward")):
        monkeypatch.setattr(owner, name, refuse)
    graph, made = torch.autograd.graph, []
    with graph.saved_tensors_hooks(lambda tensor: made.append(tensor) or tensor, lambda tensor: tensor):
        session = train(CPU, CNN, Recipe(Adam(), 8), (1, 2), epochs=())
        inside = []
        session.train_epoch(
            *draw_images(80, CNN), 1, lambda step: inside.append(torch.is_inference_mode_enabled())
        )
        session.evaluate(*draw_images(4, CNN))
    assert inside == [True]
    assert not made, "a graph keeps tensors for autograd"
    flat = session._weights
    assert not any(tensor.requires_grad for tensor in (flat.theta, flat.grad, *session._slots.values()))


def test_maps_lie_channels_last_from_the_first_convolution_on() -> None:
    """That of one channel must be told so: otherwise all that follows is several times slower."""
    session = train(CPU, CNN, Recipe(SGD()), epochs=())
    y, _ = session._ops[0].forward(torch.zeros(4, 1, 12, 12))
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_evaluation_measures_a_split_of_any_size() -> None:
    session = train(CPU, CNN, Recipe(SGD(0.1)), (1, 2))
    images, labels = draw_images(EVALUATION_BATCH + 3, CNN)
    parts = session.scores(images[:EVALUATION_BATCH]), session.scores(images[EVALUATION_BATCH:])
    for *scores, found in zip(*parts, session.evaluate(images, labels), strict=True):
        own = np.concatenate(scores)
        expected = torch.nn.functional.cross_entropy(torch.tensor(own).double(), torch.tensor(labels))
        assert found.loss == pytest.approx(float(expected), rel=1e-12)
        np.testing.assert_array_equal(found.predicted, own.argmax(1))


def test_images_that_may_not_be_written_are_read() -> None:
    images, labels = draw_images(20, CNN)
    images.flags.writeable = labels.flags.writeable = False
    session = train(CPU, CNN, Recipe(SGD(), 8), epochs=())
    session.train_epoch(images, labels, 1, lambda step: None)
    assert_same(session.states()[0], train(CPU, CNN, Recipe(SGD(), 8), epochs=(1,)).states()[0])


def test_states_are_copies() -> None:
    session = train(CPU, CNN, Recipe(Adam(), 8))
    kept, copies = session.states()[0], session.states()[0].copy()
    session.train_epoch(*draw_images(20, CNN), 3, lambda step: None)
    assert_same(kept, copies)


def test_steps_are_reported_and_counted() -> None:
    recipe, reported = Recipe(SGD(), batch_size=1), []
    session = train(CPU, CNN, recipe, epochs=())
    session.train_epoch(*draw_images(25, CNN), 1, reported.append)
    assert reported == [10, 20]
    assert session.states()[0].step == 25


def test_one_value_a_unit_is_refused_as_everywhere() -> None:
    network = Network((Flatten(), Linear(4), BatchNorm1d(), Linear(5)), (1, 3, 3))
    with pytest.raises(ShapeError, match="cannot train on one value a unit, found a batch of 1"):
        train(CPU, network, Recipe(SGD(), 19))


def test_memory_counts_what_a_run_holds() -> None:
    recipe = Recipe(Adam(), batch_size=10)
    counts = {runs: train(CPU, CNN, recipe, range(runs), epochs=()).memory() for runs in (1, 3)}
    inputs = sum(np.prod(node.input_shape) for node in CNN.nodes[2:]) + 2 * 144 + 3 * 25
    assert counts[1] == counts[3]
    assert counts[1] >= 4 * (4 * CNN.parameter_count + 10 * (inputs - 2 * 144))


class Own(ReLU):
    """A user's own layer."""


class OwnRule(SGD):
    """A user's own rule."""


class OwnPenalty(L2):
    """A user's own penalty."""


@pytest.mark.parametrize(
    ("network", "recipe", "named"),
    [
        (Network((Residual((Sequential((Own(),)),)), *CNN.layers)), Recipe(Adam()), "Own"),
        (CNN, Recipe(OwnRule()), "OwnRule"),
        (CNN, Recipe(SGD(), penalties=(OwnPenalty(0.1),)), "OwnPenalty"),
    ],
    ids=["layer", "rule", "penalty"],
)
def test_names_what_it_lacks(network: Network, recipe: Recipe, named: str) -> None:
    with pytest.raises(
        UnsupportedError, match=rf"'torch:cpu' has no {named} \(use --engine reference, which has all\)$"
    ):
        engines.engine("torch:cpu", network, recipe)


def test_a_gpu_that_is_not_there_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert engines.engine("torch", CNN, Recipe(SGD())).name == "torch:cpu"
    with pytest.raises(UnsupportedError, match=r"^no CUDA device \(use --engine torch:cpu\)$"):
        engines.engine("torch:cuda", CNN, Recipe(SGD()))


def test_without_pytorch_it_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    with pytest.raises(UnsupportedError, match=r"pip install 'assay\[torch\]'"):
        engines.engine("torch", CNN, Recipe(SGD()))


def test_memory_that_does_not_suffice_is_a_memory_error(monkeypatch) -> None:
    def full(*args):
        raise torch.OutOfMemoryError("CUDA out of memory")

    session = train(CPU, CNN, Recipe(SGD()), epochs=())
    monkeypatch.setattr(session, "_differentiate", full)
    with pytest.raises(MemoryError, match="out of memory"):
        session.train_epoch(*draw_images(4, CNN), 1, lambda step: None)


def test_maps_one_pixel_wide_behind_dropout_have_their_gradients_through_grouped_convolutions():
    """What dropout leaves may lie in any of several ways that mean the same."""
    grouped = Conv2d(2, 1, groups=2)
    layers = (Conv2d(4, 1), Dropout(0.2), grouped, ReLU(), Flatten(), Linear(CLASSES))
    assert_trains_as_the_reference(Network(layers, (2, 2, 1)), Recipe(SGD(0.01), 7, dtype="float64"))
