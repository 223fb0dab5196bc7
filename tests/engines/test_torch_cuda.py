"""The torch engine on a GPU is held to the reference engine too, and its graphs to steps taken one by one."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numba_cases import draw_images, uneven, values
from oracles import assert_close
from tiny import tiny_study
from torch_cases import (
    CNN,
    EPS,
    MAPS_ONLY,
    REFERENCE,
    RULES,
    SHAPELESS,
    assert_trains_as_the_reference,
    networks,
    train,
)
from torch_nets import Small

from assay.engines.base import Recipe, State, initial_state
from assay.engines.torch import TorchEngine, graphs
from assay.engines.torch.engine import RUNS_ON_GPU
from assay.engines.torch.module_making import ModuleSpec
from assay.engines.torch.module_network import network_of
from assay.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Reshape,
    Residual,
    Tanh,
)
from assay.nn.network import Network
from assay.optim import SGD, Adam
from assay.optim.augment import Rotate, Shift
from assay.optim.penalties import L1, L2
from assay.optim.schedules import CosineAnnealingLR, ExponentialLR, StepLR, WarmUp
from assay.records.runs import Status
from assay.running.events import EpochEnded, Event
from assay.running.run import run
from assay.study.architectures import ConvBlocks

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")

SEEDS = (7, 8, 9)
BATCH = 4
COUNT = (4 * graphs.STEPS + 3) * BATCH + 2  # plain, recorded, twice replayed; some one by one; a short one
BLOCKS = ConvBlocks(2, 8).build((1, 12, 12), 5)
WIDE = ConvBlocks(3, 32).build((1, 28, 28), 5)
"""In float32 its second and third convolutions go by Winograd's algorithm."""
NORMALISED = Network(
    (
        Conv2d(4, 3, padding=1), BatchNorm2d(eps=0.1), ReLU(), MaxPool2d(2),
        Residual((Conv2d(4, 3, padding=1), Tanh())), Conv2d(4, 3, padding=1), ReLU(), AvgPool2d(2),
        Flatten(), Linear(8), BatchNorm1d(eps=0.1), ReLU(), Linear(5),
    ),
    (1, 12, 12),
)  # fmt: skip


@pytest.fixture
def gpu() -> TorchEngine:
    return TorchEngine("cuda")


def trained(recipe: Recipe, network: Network = NORMALISED, seeds=SEEDS, recorded=True) -> list[State]:
    """Train two epochs of several graphs each."""
    states = [uneven(network, recipe, seed) for seed in seeds]
    session = TorchEngine("cuda").session(network, recipe, seeds, states)
    assert session._record is graphs.record
    if not recorded:
        session._record = None
    images = draw_images(COUNT, network)
    for epoch in (1, 2):
        session.train_epoch(*images, epoch, lambda _: None)
    assert (session._graph is not None) is recorded
    return session.states()


def assert_alike(found: list[State], expected: list[State], rtol=1e-7, atol=1e-9) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one.step == other.step
        assert values(one).keys() == values(other).keys()
        for name, value in values(other).items():
            np.testing.assert_allclose(values(one)[name], value, rtol, atol, err_msg=name)


def test_the_gpu_is_what_torch_takes_when_there_is_one() -> None:
    assert TorchEngine().name == "torch:cuda"
    assert TorchEngine().runs_per_session == RUNS_ON_GPU


@given(networks(), st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True), st.integers(2, 20))
@settings(max_examples=40, derandomize=True)
def test_every_layer_and_several_runs_train_as_the_reference(network, seeds, batch_size) -> None:
    count = 20 if 20 % batch_size != 1 else 21  # batch normalisation wants no single example
    recipe = Recipe(SGD(0.01), batch_size, dtype="float64")
    assert_trains_as_the_reference(network, recipe, seeds, count, TorchEngine("cuda"))


@pytest.mark.parametrize(
    "layer",
    [
        *SHAPELESS,
        *MAPS_ONLY,
        Conv2d(6, (3, 2), (2, 1), (1, 0), (1, 2), 3),
        Conv2d(3, 1, bias=False),
        MaxPool2d(3, 2, 1),
        AvgPool2d(3, 2, 1),
        AvgPool2d((2, 3), 2, 1, count_include_pad=False),
        AdaptiveAvgPool2d((3, 2)),
        Reshape((6, 7, 3)),
        Residual((Conv2d(3, 3, padding=1), ReLU()), (Conv2d(3, 1),)),
    ],
    ids=str,
)
def test_each_kind_of_layer_trains_as_the_reference(layer, gpu) -> None:
    network = Network((Conv2d(3, 3, padding=1), layer, Flatten(), Linear(5)), (2, 7, 6))
    assert_trains_as_the_reference(network, Recipe(SGD(0.01), 8, dtype="float64"), SEEDS, engine=gpu)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_rule_moves_parameters_as_the_reference(rule, gpu) -> None:
    assert_trains_as_the_reference(CNN, Recipe(rule, 8, dtype="float64"), SEEDS, engine=gpu)


@pytest.mark.parametrize(
    "options",
    [
        {"schedule": WarmUp(1, StepLR(1))},
        {"schedule": CosineAnnealingLR(2)},
        {"schedule": ExponentialLR(0.5)},
        {"penalties": (L1(0.01), L2(0.1, ("weight", "bias")))},
        {"augment": (Shift(1), Rotate(20.0))},
    ],
    ids=str,
)
def test_every_option_of_a_recipe_is_followed(options, gpu) -> None:
    recipe = Recipe(Adam(0.01, eps=EPS), 8, dtype="float64", **options)
    assert_trains_as_the_reference(CNN, recipe, SEEDS, engine=gpu)


@pytest.mark.parametrize("network", [NORMALISED, BLOCKS], ids=["normalised", "blocks"])
def test_graphs_train_as_steps_one_by_one(network) -> None:
    recipe = Recipe(
        Adam(0.01, eps=EPS, weight_decay=0.1), BATCH, dtype="float64",
        schedule=WarmUp(1, CosineAnnealingLR(1)), penalties=(L1(0.001), L2(0.01)),
    )  # fmt: skip
    assert_alike(trained(recipe, network), trained(recipe, network, recorded=False))


@pytest.mark.parametrize(
    ("dtype", "network"),
    [("float32", BLOCKS), ("float32", WIDE), ("tf32", BLOCKS), ("bfloat16", BLOCKS)],
    ids=["float32", "float32-wide", "tf32", "bfloat16"],
)
def test_graphs_in_few_digits_train_as_steps_one_by_one(dtype, network) -> None:
    """Kernels that add atomically differ in the last bits, and bits of bfloat16 are coarse."""
    recipe = Recipe(SGD(1e-3), BATCH, dtype=dtype)
    found, expected = trained(recipe, network), trained(recipe, network, recorded=False)
    for one, other, seed in zip(found, expected, SEEDS, strict=True):
        start = uneven(network, recipe, seed).parameters
        for name, value in other.parameters.items():
            moved = np.linalg.norm(value - start[name])
            assert moved > 0
            assert np.linalg.norm(one.parameters[name] - value) < 0.05 * moved, name


def test_a_cohort_trains_as_each_run_alone() -> None:
    recipe = Recipe(Adam(0.01, eps=EPS), BATCH, dtype="float64")
    alone = [trained(recipe, seeds=(seed,))[0] for seed in SEEDS]
    assert_alike(trained(recipe), alone)


def test_sessions_in_several_threads_record_and_replay_beside_each_other() -> None:
    recipe = Recipe(Adam(0.01, eps=EPS), BATCH, dtype="float64")
    alone = [trained(recipe, seeds=(seed,)) for seed in range(6)]
    for _ in range(3):
        with ThreadPoolExecutor(6) as pool:
            together = list(pool.map(lambda seed: trained(recipe, seeds=(seed,)), range(6)))
        for found, expected in zip(together, alone, strict=True):
            assert_alike(found, expected)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_resumed_training_ends_where_uninterrupted_training_does(rule, gpu) -> None:
    recipe = Recipe(rule, BATCH, dtype="float64")
    once = train(gpu, NORMALISED, recipe, SEEDS, (1, 2, 3), COUNT)
    half = train(gpu, NORMALISED, recipe, SEEDS, (1,), COUNT)
    half.scores(draw_images(3, NORMALISED)[0])
    resumed = train(gpu, NORMALISED, recipe, SEEDS, (2, 3), COUNT, half.states())
    assert_alike(resumed.states(), once.states())


def test_float32_is_as_near_to_float64_as_float32_can_be(gpu) -> None:
    found = train(gpu, CNN, Recipe(SGD(0.1), 8), SEEDS).states()
    for state, seed in zip(found, SEEDS, strict=True):
        expected = train(REFERENCE, CNN, Recipe(SGD(0.1), 8, dtype="float64"), (seed,)).states()[0]
        for name, value in values(expected).items():
            assert values(state)[name].dtype == np.float32
            assert_close(name, values(state)[name], value, tolerance=1e-4)


def wide_error(engine: TorchEngine, dtype: str) -> float:
    """Return how far from float64 the scores of a wide network are, as a share of the largest."""
    network = ConvBlocks(3, 64).build((1, 28, 28), 5)
    images = draw_images(20, network)[0]
    found, exact = (
        train(engine, network, Recipe(SGD(), dtype=one), SEEDS, epochs=()).scores(images)[0]
        for one in (dtype, "float64")
    )
    return float(np.abs(found - exact).max() / np.abs(exact).max())


def test_float32_is_float32_and_tf32_has_ten_digits(gpu) -> None:
    """A factor rounded to 10 binary digits is off by up to 2**-11, one of float32 by 2**-24."""
    fine, coarse = wide_error(gpu, "float32"), wide_error(gpu, "tf32")
    assert fine < 2**-17
    assert 2**-15 < coarse < 2**-7


@pytest.mark.parametrize("dtype", ["tf32", "bfloat16"])
def test_fewer_digits_follow_float32(dtype, gpu) -> None:
    fine = train(gpu, CNN, Recipe(SGD(1e-3), 10), SEEDS, range(1, 4)).states()
    coarse = train(gpu, CNN, Recipe(SGD(1e-3), 10, dtype=dtype), SEEDS, range(1, 4)).states()
    for one, other, seed in zip(coarse, fine, SEEDS, strict=True):
        start = uneven(CNN, Recipe(SGD()), seed).parameters
        for name, value in one.parameters.items():
            assert value.dtype == np.float32
            moved = other.parameters[name] - start[name]
            assert np.linalg.norm(value - start[name] - moved) < 0.2 * np.linalg.norm(moved), name


@pytest.mark.parametrize("dtype", ["float32", "tf32", "bfloat16"])
def test_the_2018_network_learns(dtype, gpu) -> None:
    network, seeds = ConvBlocks(4, 64).build((1, 28, 28), 5), range(RUNS_ON_GPU)
    recipe = Recipe(Adam(), 10, dtype=dtype)
    images, labels = draw_images(300, network)
    images[np.arange(300), labels] = 255  # a bright row says which class it is
    states = [initial_state(network, recipe, seed) for seed in seeds]
    session = gpu.session(network, recipe, seeds, states)
    before = session.evaluate(images, labels)
    for epoch in range(1, 9):
        session.train_epoch(images, labels, epoch, lambda _: None)
    after = session.evaluate(images, labels)
    assert all(one.loss < 0.5 * other.loss for one, other in zip(after, before, strict=True))


def test_evaluation_agrees_with_the_reference(gpu) -> None:
    recipe = Recipe(SGD(0.1), dtype="float64")
    images, labels = draw_images(1003, CNN)
    found = train(gpu, CNN, recipe, SEEDS).evaluate(images, labels)
    for one, seed in zip(found, SEEDS, strict=True):
        expected = train(REFERENCE, CNN, recipe, (seed,)).evaluate(images, labels)[0]
        assert one.loss == pytest.approx(expected.loss, rel=1e-9)
        np.testing.assert_array_equal(one.predicted, expected.predicted)


def test_what_the_gpu_cannot_hold_is_a_memory_error(gpu) -> None:
    network = ConvBlocks(4, 64).build((1, 28, 28), 5)
    recipe = Recipe(Adam(), 10)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**25) / total)
    try:
        with pytest.raises(MemoryError, match="out of memory"):
            train(gpu, network, recipe, range(64), count=300)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_a_study_runs_stops_and_goes_on(characters, tmp_path) -> None:
    training = {"batch_size": 16, "epochs": 3}
    study = tiny_study(characters, engine="torch:cuda", training=training)
    stopped = []

    def stop(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.record.epoch == 2:
            stopped.append(event)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(study, tmp_path, on_event=stop)
    assert stopped
    with run(study, tmp_path) as results:
        assert {record.engine for record in results.runs} == {"torch:cuda"}
        assert {record.status for record in results.runs} == {Status.DONE}
        assert all(record.epochs == 3 for record in results.runs)


def test_a_module_of_the_users_trains_as_on_the_cpu(gpu) -> None:
    """Several runs in turns; dropout draws other masks there, so without."""
    network = network_of(ModuleSpec("small", lambda: Small(5, drop=0.0)), (1, 14, 14), 5)
    recipe = Recipe(SGD(0.05, momentum=0.9), 16, dtype="float64")
    states = [initial_state(network, recipe, seed) for seed in SEEDS]
    images, found = draw_images(COUNT, network), []
    for engine in (gpu, TorchEngine("cpu")):
        session = engine.session(network, recipe, SEEDS, states)
        for epoch in (1, 2):
            session.train_epoch(*images, epoch, lambda _: None)
        found.append(session.states())
    assert_alike(*found)
