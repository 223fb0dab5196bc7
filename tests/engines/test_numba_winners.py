"""The weights' gradient of a pooled convolution is that of all positions, made of the winners alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from example_counts import drawn
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numba_cases import (
    SMALL_CNN,
    assert_agree,
    assert_same,
    draw_images,
    kernels_of,
    open_session,
    train,
    values,
)

from assay.engines.base import Recipe
from assay.engines.numba import NumbaEngine, convolution
from assay.engines.numba.blueprint import Blueprint, stages
from assay.engines.numba.engine import NumbaSession, programs
from assay.engines.numba.kernels.codes import Kernel, kernel_of
from assay.engines.numba.kernels.lanes import VECTOR_BYTES
from assay.engines.numba.layout import Memory
from assay.engines.numba.rules import RULES
from assay.engines.numba.winner_gradient import input_pays, weights_pay
from assay.engines.reference import ReferenceEngine
from assay.errors import ShapeError
from assay.nn import Conv2d, Flatten, Linear, MaxPool2d, ReLU
from assay.nn.network import Network
from assay.optim import SGD, Adam

A2 = Network(
    (
        *(Conv2d(5, 5), ReLU(), MaxPool2d(2)),
        *(Conv2d(10, 5), ReLU(), MaxPool2d(2)),
        *(Flatten(), Linear(47)),
    ),
    (1, 28, 28),
)
ODD = Network(
    (
        Conv2d(3, 3, padding=1),
        ReLU(),
        MaxPool2d(2),
        Conv2d(5, (5, 2)),
        MaxPool2d(2),
        Flatten(),
        Linear(5),
    ),
    (3, 13, 11),
)
"""No map fills up whole vectors, and behind the second convolution every window has a winner."""
GAP = 1024


@contextmanager
def of_winners(weights: bool, of_input: bool = True) -> Iterator[None]:
    """Take the winners alone, or all positions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "weights_pay", lambda stage, plan, first: weights)
        patch.setattr(convolution, "input_pays", lambda stage, plan: of_input)
        patch.setattr(convolution, "_pays", lambda stage, blocks: False)
        programs.cache_clear()
        yield
    programs.cache_clear()


@st.composite
def pooled(draw: st.DrawFn) -> Network:
    """Up to two convolutions behind each other, each pooled; windows may reach beyond the map."""
    layers = []
    for _ in range(draw(st.integers(1, 2))):
        kernel = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
        padding = tuple(draw(st.integers(0, 2)) for _ in range(2))
        stride = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
        dilation = (draw(st.integers(1, 2)), 1)
        bias = draw(st.booleans())
        layers.append(Conv2d(draw(st.integers(1, 9)), kernel, stride, padding, dilation, bias=bias))
        layers += [ReLU()] * draw(st.booleans())
        layers.append(MaxPool2d(2, 2, draw(st.integers(0, 1))))
    shape = (draw(st.integers(1, 3)), draw(st.integers(6, 15)), draw(st.integers(6, 15)))
    try:
        return Network((*layers, Flatten(), Linear(5)), shape)
    except ShapeError:
        assume(False)
        raise


@given(pooled(), st.integers(4, 40), st.integers(1, 45), st.booleans())
@settings(max_examples=drawn(60), deadline=None)
def test_any_pooled_convolution_agrees_with_the_formulas(
    network: Network, size: int, count: int, of_input: bool
) -> None:
    recipe = Recipe(SGD(0.01), size, dtype="float64")
    with of_winners(True, of_input):
        found = train(NumbaEngine(), network, recipe, epochs=1, count=count)
    assert Kernel.WINNER_SUMS in kernels_of(found) or not any(stage.pool for stage in stages(network))
    assert_agree(found, train(ReferenceEngine(), network, recipe, epochs=1, count=count), network)


def test_blocks_of_large_maps_pass_one_by_one() -> None:
    layers = (Conv2d(8, 3), ReLU(), MaxPool2d(2), Conv2d(4, 4), MaxPool2d(2), Flatten(), Linear(5))
    network, recipe = Network(layers, (1, 52, 52)), Recipe(SGD(0.05), 21, dtype="float64")
    with of_winners(True):
        found = train(NumbaEngine(), network, recipe, epochs=1, count=40)
    assert_agree(found, train(ReferenceEngine(), network, recipe, epochs=1, count=40), network)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_blank_image_wins_nothing_but_ties(dtype: str) -> None:
    """All entries of its windows are equal, and the first of each has the gradient."""
    recipe = Recipe(SGD(0.1), 10, dtype=dtype)
    data = np.zeros((20, 28, 28), np.uint8), np.arange(20) % 5
    data[0][::2, 3:20, 5:9] = 255
    found = []
    for chosen in (True, False):
        with of_winners(chosen):
            session = open_session(NumbaEngine(), A2, recipe)
        session.train_epoch(*data, 1, lambda steps: None)
        found.append(values(session.states()[0]))
    for name, value in found[0].items():
        scale = np.abs(found[1][name]).max()
        assert np.abs(value - found[1][name]).max() < 1e3 * np.finfo(dtype).eps * scale, name


def test_a_loss_that_is_no_number_is_found_at_the_same_step() -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 12, 12), dtype=np.uint8)
    broken = []
    for chosen in (True, False):
        with of_winners(chosen):
            session = open_session(NumbaEngine(), SMALL_CNN, Recipe(SGD(1e30), 10))
        session.train_epoch(images, np.arange(40) % 5, 1, lambda steps: None)
        broken.append(session.broken())
    assert broken[0] == broken[1] != [0]


@pytest.mark.parametrize(
    ("layer", "weights", "of_input"),
    [
        (Conv2d(16, 5), True, True),
        (Conv2d(16, 5, dilation=2), False, None),
        (Conv2d(16, 5, groups=2), False, None),
        (Conv2d(16, 1), False, None),
    ],
)
def test_winners_pay_where_kernels_are_large(layer: Conv2d, weights: bool, of_input: bool | None) -> None:
    """Rows of dilated kernels and of groups have gaps; a kernel of one pixel has little to save."""
    network = Network((Conv2d(16, 3), layer, ReLU(), MaxPool2d(2), Flatten(), Linear(5)), (1, 28, 28))
    plan = Blueprint(network, RULES[Adam](Adam()), Recipe(Adam(), 100))
    (stage,) = (stage for stage in stages(network) if stage.pool)
    assert weights_pay(stage, plan, first=False) == weights
    assert of_input is None or input_pays(stage, plan) == of_input


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_places_are_told_exactly(dtype: str) -> None:
    """They are listed as numbers of the memory: a float32 holds every integer up to 2 to the 24th.

    Products of bfloat16 take the usual form.
    """

    def pays(side: int) -> bool:
        layers = Conv2d(8, 3, padding=1), Conv2d(16, 5), ReLU(), MaxPool2d(2), Flatten(), Linear(5)
        network, recipe = Network(layers, (1, side, side)), Recipe(Adam(), 100, dtype=dtype)
        stage = next(stage for stage in stages(network) if stage.pool)
        return weights_pay(stage, Blueprint(network, RULES[Adam](Adam()), recipe), first=False)

    lanes = VECTOR_BYTES // np.dtype(np.float32).itemsize
    side = int((2**24 / 8 / lanes) ** 0.5)
    assert pays(side - 8) == (dtype != "bfloat16")
    assert pays(side + 8) == (dtype == "float64")


def test_the_table_of_pixels_is_read_in_whole_vectors() -> None:
    with of_winners(True):
        session = open_session(NumbaEngine(), ODD, Recipe(SGD(0.1), 4))
    assert isinstance(session, NumbaSession)
    turned = [call for call in session._training.calls if kernel_of(int(call[0])) == Kernel.TRANSPOSE_LISTED]
    for _, _, table, features, lanes, *_ in turned:
        assert features % lanes
        last = session._tables[table + features : table + features + lanes - features % lanes]
        assert set(last) <= set(session._tables[table : table + features])
    assert len(turned) == 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_lies_around_is_neither_read_nor_written(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaps between all parts of the memory hold what is no number, and change no bit."""
    gaps, take, recipe = [], Memory.take, Recipe(SGD(0.1), 32, dtype=dtype)

    def spaced(memory: Memory, size: int) -> int:
        start, gap = take(memory, size), take(memory, GAP)
        gaps.append(slice(gap, gap + GAP))
        return start

    found = []
    for surrounded in (False, True):
        if surrounded:
            monkeypatch.setattr(Memory, "take", spaced)
        with of_winners(True):
            session = open_session(NumbaEngine(), ODD, recipe)
        assert isinstance(session, NumbaSession)
        own = [gap for gap in gaps if gap.stop <= len(session._memory)]
        for gap in own:
            session._memory[gap] = np.nan
        session.train_epoch(*draw_images(70, ODD), 1, lambda steps: None)
        assert all(np.isnan(session._memory[gap]).all() for gap in own)
        found.append(session.states()[0])
    assert own
    assert_same(*found)
