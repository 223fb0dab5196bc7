"""Whatever way a layer is computed in, it agrees with the reference; a GPU's ways are tried on the CPU."""

from dataclasses import replace

import pytest
import torch
from example_counts import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_cases import CNN, REFERENCE, assert_trains_as_the_reference, draw_conv, networks, train

from assay.engines.base import Recipe
from assay.engines.torch import TorchEngine, ways
from assay.engines.torch.convolution import ApartConv2dOp, Conv2dOp, PatchesConv2dOp, WinogradConv2dOp
from assay.engines.torch.ways import PLAIN, Ways
from assay.nn import Conv2d, Flatten, Linear, MaxPool2d, ReLU
from assay.nn.network import Network
from assay.optim import SGD
from assay.study.architectures import ConvBlocks

GPU = torch.device("cuda")
ALL = Ways(patches=100, own_gradients=True, summed_parts=True)
TILES = Ways(winograd=1)
BLOCKS = ConvBlocks(2, 4).build((1, 12, 12), 5)


@pytest.fixture
def no_triton(monkeypatch):
    monkeypatch.setattr(ways, "has_triton", lambda: False)


def convolutions(network: Network, engine: TorchEngine) -> list[type]:
    """Return what computes the convolutions."""
    session = train(engine, network, Recipe(SGD(0.1), 8, dtype="float64"), epochs=())
    return [type(op) for op in session._ops if isinstance(op, Conv2dOp | PatchesConv2dOp | WinogradConv2dOp)]


def test_a_first_layer_of_few_channels_is_a_product_of_patches_and_others_have_their_gradients_apart():
    assert convolutions(BLOCKS, TorchEngine("cpu", ALL)) == [PatchesConv2dOp, ApartConv2dOp]
    assert convolutions(BLOCKS, TorchEngine("cpu", replace(ALL, patches=8))) == 2 * [ApartConv2dOp]
    assert convolutions(BLOCKS, TorchEngine("cpu")) == 2 * [Conv2dOp]
    assert convolutions(BLOCKS, TorchEngine("cpu", replace(ALL, winograd=4))) == [
        PatchesConv2dOp,
        WinogradConv2dOp,
    ]
    assert convolutions(BLOCKS, TorchEngine("cpu", replace(ALL, winograd=5))) == [
        PatchesConv2dOp,
        ApartConv2dOp,
    ]


@pytest.mark.parametrize(
    ("layer", "found"),
    [
        (Conv2d(4, 3), True),
        (Conv2d(4, 3, padding=2), True),
        (Conv2d(4, 3, padding=3), False),
        (Conv2d(4, 3, padding=3, dilation=2), True),
        (Conv2d(4, 3, stride=(1, 2)), False),
        (Conv2d(4, 3, groups=2), False),
    ],
    ids=str,
)
def test_only_where_dy_can_be_correlated_with_the_kernels_are_gradients_apart(layer, found):
    assert ALL.by_own_gradients(layer) is found
    assert not PLAIN.by_own_gradients(layer)


def test_patches_are_written_out_for_a_first_layer_of_few_entries_alone():
    gpu = Ways(patches=32)
    assert gpu.by_patches(Conv2d(64, 3), 3, needs_dx=False)
    assert not gpu.by_patches(Conv2d(64, 3), 3, needs_dx=True)
    assert not gpu.by_patches(Conv2d(64, 3), 4, needs_dx=False)
    assert not gpu.by_patches(Conv2d(63, 3, groups=3), 3, needs_dx=False)


@pytest.mark.parametrize(
    ("layer", "found"),
    [
        (Conv2d(4, 3), True),
        (Conv2d(4, 3, padding=2), True),
        (Conv2d(3, 3, padding=1), False),
        (Conv2d(4, 3, padding=3), False),
        (Conv2d(4, 3, dilation=2), False),
        (Conv2d(4, 3, stride=(1, 2)), False),
        (Conv2d(4, 3, groups=2), False),
        (Conv2d(4, (3, 2)), False),
    ],
    ids=str,
)
def test_wide_kernels_of_3_by_3_with_stride_1_go_by_winograds_algorithm(layer, found):
    assert Ways(winograd=4).by_winograd(layer, (4, 18, 18)) is found
    assert not Ways(winograd=5).by_winograd(layer, (4, 18, 18))
    assert not PLAIN.by_winograd(layer, (4, 18, 18))


def test_small_maps_which_tiles_reach_beyond_do_not_go_by_winograds_algorithm():
    sides = [side for side in range(1, 20) if TILES.by_winograd(Conv2d(4, 3, padding=1), (4, side, side))]
    assert sides == [3, 4, 5, *range(6, 20)]


@pytest.mark.parametrize("dtype", ["float32", "tf32", "float64", "bfloat16"])
def test_a_gpu_has_ways_of_its_own_for_each_precision(dtype, no_triton):
    assert ways.best(torch.device("cpu"), dtype) == PLAIN
    found = ways.best(GPU, dtype)
    assert found.patches
    assert found.own_gradients is (dtype in ("float32", "float64"))
    assert found.summed_parts is (dtype != "bfloat16"), "bfloat16 would round every part"
    assert not found.fused_pooling
    assert not found.winograd


@pytest.mark.parametrize("works", [True, False])
def test_only_strict_float32_goes_by_winograds_algorithm_and_only_where_that_passes_its_check(
    works, monkeypatch
):
    monkeypatch.setattr(ways, "has_triton", lambda: True)
    monkeypatch.setattr(ways, "winograd_works", lambda: works)
    chosen = {dtype: ways.best(GPU, dtype).winograd for dtype in ("float32", "tf32", "float64", "bfloat16")}
    assert chosen == {"float32": 32 if works else 0, "tf32": 0, "float64": 0, "bfloat16": 0}


@given(
    networks(),
    st.builds(
        Ways, st.sampled_from([0, 12, 100]), st.booleans(), st.booleans(), winograd=st.sampled_from([0, 1])
    ),
    st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
)
@settings(max_examples=drawn(30))
def test_every_way_trains_as_the_reference(network, chosen, seeds):
    recipe = Recipe(SGD(0.01), 7, dtype="float64")
    assert_trains_as_the_reference(network, recipe, seeds, 20, TorchEngine("cpu", chosen))


@given(st.data(), st.booleans(), st.booleans())
@settings(max_examples=drawn(20))
def test_every_convolution_trains_as_the_reference_with_gradients_in_parts(data, own, parts):
    """Sums in parts are for many positions; here any number counts as many."""
    first, second = draw_conv(data.draw, 2), Conv2d(3, data.draw(st.integers(1, 3)), padding=1)
    tiles = data.draw(st.integers(0, 1))
    layers = (first, ReLU(), second, ReLU(), MaxPool2d(1), Flatten(), Linear(5))
    network = Network(layers, (2, 13, 12))
    chosen = Ways(100, own, parts, winograd=tiles)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ways, "MANY", 1)
        recipe = Recipe(SGD(0.01), 3, dtype="float64")
        assert_trains_as_the_reference(network, recipe, (7, 8), 7, TorchEngine("cpu", chosen))


def test_all_ways_agree_in_few_digits_too():
    for dtype, tolerance, chosen in (
        ("float32", 1e-4, ALL),
        ("float32", 1e-4, TILES),
        ("bfloat16", 0.05, ALL),
    ):
        recipe = Recipe(SGD(0.01), 10, dtype=dtype)
        found = train(TorchEngine("cpu", chosen), CNN, recipe, (7, 8)).states()
        for state, seed in zip(found, (7, 8), strict=True):
            exact = Recipe(SGD(0.01), 10, dtype="float64")
            expected = train(REFERENCE, CNN, exact, (seed,)).states()[0]
            for name, value in expected.parameters.items():
                error = abs(state.parameters[name] - value).max()
                assert error < tolerance * max(0.1, abs(value).max()), (dtype, name)
