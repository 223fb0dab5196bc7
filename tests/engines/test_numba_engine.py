"""The numba engine is held to the reference engine, that is to `assay.nn` and `assay.optim` as they stand."""

from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from every_kernel import assert_every_kernel_agrees
from example_counts import drawn
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from numba_cases import (
    AUGMENTATIONS,
    FEATURES,
    FEWER,
    NARROW,
    REGULARISED,
    RULES,
    SCHEDULES,
    SMALL_CNN,
    assert_agree,
    assert_resumes,
    assert_same,
    draw_images,
    in_another_process,
    in_processes,
    kernels_of,
    networks,
    open_session,
    recipes,
    train,
)
from oracles import assert_close
from register_files import EVERY_KERNEL, held_in

from assay.engines.base import Recipe, State, initial_state
from assay.engines.numba import NumbaEngine, build, dropout, examples, linear
from assay.engines.numba.blueprint import stages
from assay.engines.numba.engine import NumbaSession, programs
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.lanes import VECTOR_BYTES
from assay.engines.numba.kernels.runner import runner
from assay.engines.reference import ReferenceEngine
from assay.errors import ShapeError, UnsupportedError
from assay.nn import Conv2d, Dropout, Flatten, Layer, Linear, MaxPool2d, ReLU, Residual
from assay.nn.network import Network
from assay.optim import SGD, Adam, NAdam, Optimizer


@given(networks(), recipes(), st.booleans())
@settings(max_examples=drawn(40), deadline=None)
def test_agrees_with_the_reference(network: Network, recipe: Recipe, blockwise: bool) -> None:
    if network.initial_buffers():  # batch normalisation wants no single example
        recipe = replace(recipe, batch_size=max(2, recipe.batch_size))
    count = 21 if recipe.batch_size == 19 else 20
    try:
        expected = train(ReferenceEngine(), network, recipe, count=count)
    except RuntimeWarning:  # it overflows: rounding has grown by as much
        reject()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "LARGE", 0 if blockwise else build.LARGE)
        programs.cache_clear()
        found = train(NumbaEngine(), network, recipe, count=count)
    assert_agree(found, expected, network)


def test_large_maps_pass_through_their_stages_block_by_block() -> None:
    """Forward and backward, so that what a stage writes is still in the cache when the next one reads it.

    The maps have so many channels that one block of them is large behind the pooling too, in any register.
    """
    channels = -(-build.LARGE // (10 * 10 * VECTOR_BYTES))
    wide = (Conv2d(channels, 5), ReLU())
    network = Network((*wide, *wide, MaxPool2d(2), *wide, Flatten(), Linear(5)), (1, 28, 28))
    session = open_session(NumbaEngine(), network, Recipe(SGD(), 2 * VECTOR_BYTES // 4))
    kernels = kernels_of(session)
    pools = [index for index, kernel in enumerate(kernels) if kernel == Kernel.PRODUCT_POOLED]
    assert len(pools) == 2
    assert any("PRODUCT" in kernel.name for kernel in kernels[slice(pools[0] + 1, pools[1])])
    ends = [index for index, kernel in enumerate(kernels) if kernel == Kernel.WINDOW_MAX_GRADIENT]
    assert len(ends) == 2
    assert any("DOT" in kernel.name for kernel in kernels[slice(*ends)])


def test_tables_of_a_kind_are_kept_once() -> None:
    plan = programs(SMALL_CNN, Recipe(SGD())).plan
    before, table = len(plan.tables), np.array([1, 2, 3])
    assert plan.table(table) == plan.table(table.copy()) == before
    assert plan.table(table[:2]) == before + 3 == len(plan.tables) - 2


@given(networks(exact=True), st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=drawn(20))
def test_of_equal_maxima_the_first_gets_the_gradient(network: Network, count: int, seed: int) -> None:
    """Black and white pixels and coarse weights give many ties, exactly so for one step."""
    recipe = Recipe(SGD(0.1), batch_size=count, dtype="float64")
    start = initial_state(network, recipe, 7)
    coarse = {name: np.rint(4 * value) / 4 for name, value in start.parameters.items()}
    images, labels = draw_images(count, network, seed)
    found, expected = (
        open_session(engine, network, recipe, State(dict(coarse), start.slots))
        for engine in (NumbaEngine(), ReferenceEngine())
    )
    for session in (found, expected):
        session.train_epoch(images // 128 * 255, labels, 1, lambda steps: None)
    for name, value in expected.states()[0].parameters.items():
        assert_close(name, found.states()[0].parameters[name], value)


@pytest.mark.parametrize("network", [SMALL_CNN, REGULARISED], ids=["small", "regularised"])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_resumed_training_ends_with_the_same_bits(network: Network, rule: Optimizer) -> None:
    recipe = Recipe(rule, batch_size=8, schedule=SCHEDULES[1], augment=AUGMENTATIONS[1])
    assert_resumes(NumbaEngine(), network, recipe)


def test_runs_in_two_threads_are_the_same_as_alone() -> None:
    recipe = Recipe(Adam(), batch_size=10)
    alone = train(NumbaEngine(), REGULARISED, recipe, epochs=5).states()[0]
    together: list[State] = []
    threads = [
        Thread(
            target=lambda: together.append(train(NumbaEngine(), REGULARISED, recipe, epochs=5).states()[0])
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(together) == 2
    for state in together:
        assert_same(state, alone)


def test_the_runs_of_an_arm_share_their_programs() -> None:
    recipe = Recipe(Adam(), 20)
    first, second = (open_session(NumbaEngine(), SMALL_CNN, recipe) for _ in range(2))
    assert isinstance(first, NumbaSession)
    assert isinstance(second, NumbaSession)
    assert first._tables is second._tables
    assert not np.shares_memory(first._memory, second._memory)


def test_masks_do_not_depend_on_the_steps_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(SGD(0.1), batch_size=8, schedule=SCHEDULES[2], augment=AUGMENTATIONS[1])
    expected = train(NumbaEngine(), REGULARISED, recipe)
    monkeypatch.setattr(examples, "BYTES_PER_CALL", 1)
    monkeypatch.setattr(dropout, "DRAWN_AT_ONCE", 1)
    found = train(NumbaEngine(), REGULARISED, recipe)
    assert_same(found.states()[0], expected.states()[0])
    assert found.memory() < expected.memory()


def test_memory_of_masks_is_bounded() -> None:
    wide = Network((Dropout(), Dropout(), Flatten(), Linear(5)), (1, 500, 500))
    narrow = Network((Flatten(), Linear(5)), (1, 500, 500))
    with_masks, without = (
        open_session(NumbaEngine(), network, Recipe(SGD(), batch_size=16)).memory()
        for network in (wide, narrow)
    )
    vectors, masks = (
        (2 * 2 + 2) * 16 * 250_000 * 4,
        16 * 500_000,
    )  # two layers' y, dy and mask; one step's bytes
    assert with_masks - without < 1.3 * (vectors + masks)


@pytest.mark.parametrize(
    ("layers", "size", "expected"),
    [
        ((Conv2d(5, 5), ReLU(), MaxPool2d(2)), 28, True),
        ((Conv2d(64, 3, padding=1), ReLU(), MaxPool2d(2)), 28, True),
        ((Conv2d(8, 3, padding=1), ReLU(), MaxPool2d(2, padding=1)), 28, True),
        ((Conv2d(8, 3, padding=1), ReLU(), MaxPool2d(2, padding=1)), 4, True),
        ((Conv2d(8, 5, padding=2), ReLU(), MaxPool2d(2, padding=1)), 4, False),
        ((Conv2d(8, 3), ReLU(), MaxPool2d(3, 2)), 28, False),
        ((Conv2d(8, 3), ReLU(), MaxPool2d(2, 1)), 28, False),
    ],
    ids=str,
)
def test_pools_at_once_where_it_costs_less(layers: tuple[Layer, ...], size: int, expected: bool) -> None:
    stage = stages(Network(layers, (1, size, size)))[0]
    assert (stage.pool is not None) == expected


def test_refuses_to_normalise_a_single_example() -> None:
    images, labels = draw_images(17, REGULARISED)
    session = open_session(NumbaEngine(), REGULARISED, Recipe(SGD(), batch_size=8))
    with pytest.raises(ShapeError, match="batch of 1"):
        session.train_epoch(images, labels, 1, lambda steps: None)


def test_counts_every_step_with_the_short_last_batch() -> None:
    recipe, reported = Recipe(SGD(), batch_size=1), []
    session = open_session(NumbaEngine(), SMALL_CNN, recipe)
    session.train_epoch(*draw_images(120, SMALL_CNN), 1, reported.append)
    assert session.states()[0].step == 120
    assert reported == sorted(reported)
    assert reported[-1] == 120


def test_memory_counts_parameters_activations_and_gradients() -> None:
    small, large = (
        open_session(NumbaEngine(), SMALL_CNN, Recipe(Adam(), batch_size=size)).memory() for size in (16, 160)
    )
    activations = 2 * 4 * sum(np.prod(node.output_shape) for node in SMALL_CNN.nodes[2:4])
    assert large - small > (160 - 16) * activations


@pytest.mark.parametrize(
    ("network", "rule", "named"),
    [
        (Network((Residual((Dropout(),)), Flatten(), Linear(5))), Adam(), "Residual"),
        (SMALL_CNN, NAdam(), "NAdam"),
    ],
)
def test_names_what_it_lacks(network: Network, rule: Optimizer, named: str) -> None:
    with pytest.raises(UnsupportedError, match=named):
        NumbaEngine().check(network, Recipe(rule))


def test_refuses_labels_and_images_that_do_not_fit() -> None:
    images, labels = draw_images(4, SMALL_CNN)
    session = open_session(NumbaEngine(), SMALL_CNN, Recipe(SGD()))
    with pytest.raises(ShapeError, match="5 classes"):
        session.train_epoch(images, labels + 5, 1, lambda steps: None)
    with pytest.raises(ShapeError, match="12 x 11"):
        session.scores(images[:, :, 1:])


def test_whatever_the_arrays_nothing_is_compiled_again() -> None:
    images, labels = draw_images(20, SMALL_CNN)
    expected = train(NumbaEngine(), SMALL_CNN, Recipe(SGD()), epochs=1).states()[0]
    compiled = len(runner().signatures)
    images.flags.writeable = labels.flags.writeable = False
    session = open_session(NumbaEngine(), SMALL_CNN, Recipe(SGD()))
    session.train_epoch(images, labels.astype(np.int32), 1, lambda steps: None)
    assert_same(session.states()[0], expected)
    assert len(runner().signatures) == compiled


def test_what_a_program_calls_is_compiled_once_and_said(tmp_path: Path) -> None:
    """One kernel after the other, with how many of how many are done; a second process compiles none."""
    code = f"""
from assay.engines.base import Recipe
from assay.engines.numba import NumbaEngine
from assay.engines.numba.engine import programs
from assay.engines.numba.kernels import runner
from assay.nn.network import Network
from assay.nn import Flatten, Linear
from assay.optim import SGD
from numba import config
config.CACHE_DIR = {str(tmp_path)!r}
arm = Network((Flatten(), Linear(5)), (1, 4, 4)), Recipe(SGD())
NumbaEngine().prepare(*arm, lambda done, total: print(f"{{done}}/{{total}}"))
called = {{number for calls in programs(*arm).calls for number in calls[:, 0].tolist()}}
assert {{number for number, _ in runner._addresses}} == called
print(len(called))
"""
    (*told, count), again = in_processes(code, code)
    assert told == [f"{done}/{count}" for done in range(1, int(count) + 1)]
    assert again == [count]


def test_a_second_process_loads_every_kernel_without_what_it_was_compiled_with() -> None:
    """All of Numba's lowering, and SciPy's linear algebra with it, which take longer than the kernels."""
    assert_every_kernel_agrees()
    code = """
import sys
from every_kernel import assert_every_kernel_agrees
from assay.engines.numba.kernels import runner
assert_every_kernel_agrees()
loaded = [runner.runner(), *(runner._kernel(number) for number, _ in runner._addresses)]
print(len(loaded), sum(bool(kernel.stats.cache_misses) for kernel in loaded))
print(*{"scipy.linalg", "numba.np.arraymath"} & {*sys.modules})
"""
    number, compiled_anew, *imported = in_another_process(code)
    assert int(number) > 30
    assert (compiled_anew, imported) == ("0", [])


def test_of_many_outputs_some_are_multiplied_at_a_time_to_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arm = Network((Flatten(), Linear(83), ReLU(), Linear(5)), SMALL_CNN.input_shape), Recipe(Adam(), 10)

    def trained(widest: int) -> list[bytes]:
        monkeypatch.setattr(linear, "WIDEST", widest)
        programs.cache_clear()
        state = train(NumbaEngine(), *arm, epochs=1).states()[0]
        programs.cache_clear()
        return [value.tobytes() for value in state.parameters.values()]

    monkeypatch.setattr(linear, "CACHED", 1)
    assert trained(linear.WIDEST) == trained(VECTOR_BYTES // 2)


@pytest.mark.skipif("+avx512f" not in FEATURES, reason="without AVX-512 all tests are of narrow registers")
def test_agrees_with_the_reference_in_narrow_registers() -> None:
    found = held_in(EVERY_KERNEL, NUMBA_CPU_FEATURES=FEWER)
    assert found == ["32", "16"] == [str(NARROW.bytes), str(NARROW.count)]
