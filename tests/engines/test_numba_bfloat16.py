"""Products of bfloat16 in the numba engine: what is rounded is rounded, and nothing else is."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from example_counts import drawn
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numba_cases import (
    REGULARISED,
    RULES,
    after_a_step,
    assert_resumes,
    assert_same,
    draw_images,
    in_processes,
    kernels_of,
    networks,
    open_session,
    train,
)
from numba_cases import convolutions as tiled
from rounding import BFLOAT16, FLOAT32, TILES, assert_rounded
from torch.nn import functional

from assay.engines.base import Recipe, State, initial_state
from assay.engines.numba import NumbaEngine, build, convolution, winograd
from assay.engines.numba.engine import programs
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.pairs import SUPPORTED
from assay.nn import AvgPool2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU
from assay.nn.network import Network
from assay.optim import SGD, Adam, Optimizer
from assay.shapes import channels_first

pytestmark = pytest.mark.skipif(
    not SUPPORTED, reason="this processor does not multiply bfloat16 (AVX512-BF16)"
)

SMOOTH = Network(
    (Conv2d(32, 3, padding=1), Conv2d(32, 3, padding=1), AvgPool2d(2), Conv2d(32, 3), Flatten(), Linear(10)),
    (1, 14, 14),
)
"""Without kinks, so that rounding is all that its gradients differ by."""


TIE = 1e-3
"""In units of bfloat16's last digit: a sum this near to the middle of two numbers may be rounded to either,
since engines add in float32."""
ties: list[bool] = []
"""Whether factors lay near the middle of two numbers, one entry a product."""


def rounded(x: torch.Tensor) -> torch.Tensor:
    """Return the nearest numbers of bfloat16, in double precision."""
    coarse = x.float().bfloat16().double()
    digit = torch.exp2(torch.floor(torch.log2(coarse.abs().clamp_min(1e-30))) - 7)
    ties.append(bool((((x - coarse).abs() / digit - 0.5).abs() < TIE).any()))
    return coarse


class Rounded(torch.autograd.Function):
    """A bilinear operation whose factors are rounded, forward and backward, and whose sums are not."""

    @staticmethod
    def forward(ctx, operation, x, weight):
        ctx.operation = operation
        coarse = rounded(x), rounded(weight)
        ctx.save_for_backward(*coarse)
        return operation(*coarse)

    @staticmethod
    def backward(ctx, dy):
        x, weight = (value.detach().requires_grad_() for value in ctx.saved_tensors)
        with torch.enable_grad():
            y = ctx.operation(x, weight)
        return None, *torch.autograd.grad(y, (x, weight), rounded(dy))


def in_torch(
    network: Network, state: State, images: np.ndarray
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return the class scores, and the parameters that they are made of."""
    parameters = {
        name: torch.tensor(value, dtype=torch.double, requires_grad=True)
        for name, value in state.parameters.items()
    }
    pixels = (
        torch.tensor(channels_first(images).copy()).reshape(len(images), *network.input_shape).float() / 255
    )
    x = pixels.double()
    for node in network.nodes:
        layer, weight = node.layer, parameters.get(f"{node.name}.weight")
        bias = parameters.get(f"{node.name}.bias")
        if isinstance(layer, Conv2d):
            s = layer.sliding
            x = Rounded.apply(
                lambda x, w, s=s, g=layer.groups: functional.conv2d(
                    x, w, None, s.stride, s.padding, s.dilation, g
                ),
                x,
                weight,
            )
            x = x if bias is None else x + bias[:, None, None]
        elif isinstance(layer, Linear):
            x = Rounded.apply(functional.linear, x, weight)
            x = x if bias is None else x + bias
        elif isinstance(layer, MaxPool2d):
            s = layer.sliding
            x = functional.max_pool2d(x, s.kernel_size, s.stride, s.padding)
        elif isinstance(layer, AvgPool2d):
            x = functional.avg_pool2d(x, layer.sliding.kernel_size)
        else:
            x = x.flatten(1) if isinstance(layer, Flatten) else x.relu()
    return x, parameters


def assert_close(name: str, found: np.ndarray, expected: np.ndarray) -> None:
    """Within a fifth of what rounding one factor differently, of those that matter most, could do."""
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, 0, 2**-11 * scale + 1e-6, err_msg=name)


def assert_a_step_agrees(network: Network, count: int) -> None:
    """Hold scores and one step of a rate of 1, hence the gradients, to PyTorch's with rounded factors.

    Where they do not agree and a factor lay between two numbers of bfloat16, nothing is shown.
    """
    ties.clear()
    try:
        _assert_a_step_agrees(network, count)
    except AssertionError:
        assume(not any(ties))
        raise


def _assert_a_step_agrees(network: Network, count: int) -> None:
    session = open_session(NumbaEngine(), network, Recipe(SGD(1.0), count, dtype="bfloat16"))
    images, labels = draw_images(count, network)
    start = session.states()[0]
    scores, parameters = in_torch(network, start, images)
    assert_close("scores", session.scores(images)[0], scores.detach().numpy())
    functional.cross_entropy(scores, torch.tensor(labels)).backward()
    session.train_epoch(images, labels, 1, lambda steps: None)
    for name, value in session.states()[0].parameters.items():
        gradient = parameters[name].grad
        assert gradient is not None
        assert_close(name, start.parameters[name] - value, gradient.numpy())


@given(networks(exact=True), st.sampled_from([1, 3, 16, 19, 20, 33]), st.booleans())
@settings(max_examples=drawn(15), deadline=None)
def test_factors_are_rounded_and_nothing_else(network: Network, count: int, blockwise: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "_pays", lambda stage, plan: False)
        patch.setattr(build, "LARGE", 0 if blockwise else build.LARGE)
        programs.cache_clear()
        assert_a_step_agrees(network, count)


@pytest.mark.parametrize("width", [1, 2, 9, 47, 64, 100])
def test_wide_layers_too(width: int) -> None:
    """Of more than one register's outputs, of even and odd numbers of them."""
    layers = (Flatten(), Linear(width), ReLU(), Linear(width, bias=False), ReLU(), Linear(5))
    assert_a_step_agrees(Network(layers, (1, 9, 7)), 100)


@pytest.mark.parametrize("count", [4, 16, 19, 37])
def test_tiles_are_as_exact_as_products_of_bfloat16_are(count: int) -> None:
    """Winograd's positions are rounded instead of the factors themselves."""
    images, labels = draw_images(count, SMOOTH)
    recipe = Recipe(SGD(1.0), count, dtype="bfloat16")
    start = initial_state(SMOOTH, recipe, 7)
    session = open_session(NumbaEngine(), SMOOTH, recipe, start)
    assert {Kernel.WINOGRAD_INPUT_PAIRED, Kernel.WINOGRAD_INPUT_NARROWED} <= set(kernels_of(session))
    found = after_a_step(session, images, labels)
    sizes = {"unit": FLOAT32, "factor": TILES * BFLOAT16}
    assert_rounded(found, SMOOTH, start, images, labels, 1.0, count, **sizes)


@given(tiled(), st.sampled_from([4, 19, 33]), st.booleans())
@settings(max_examples=drawn(15), deadline=None)
def test_tiles_of_any_shape(network: Network, count: int, blockwise: bool) -> None:
    """Groups, dilation, pooling, channels that are odd: as near as roundings at other places can be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "_pays", lambda stage, blocks: True)
        patch.setattr(winograd, "STRIP", 1)
        patch.setattr(winograd, "LONG_STRIP", 7)
        patch.setattr(build, "LARGE", 0 if blockwise else build.LARGE)
        programs.cache_clear()
        recipe = Recipe(SGD(1.0), count, dtype="bfloat16")
        session = open_session(NumbaEngine(), network, recipe, initial_state(network, recipe, 7))
    images, labels = draw_images(count, network)
    start = session.states()[0]
    scores, parameters = in_torch(network, start, images)
    assert_same_direction("scores", session.scores(images)[0], scores.detach().numpy(), 0.05)
    if any(isinstance(layer, ReLU | MaxPool2d) for layer in network.layers):
        return  # a kink may send a gradient elsewhere
    functional.cross_entropy(scores, torch.tensor(labels)).backward()
    session.train_epoch(images, labels, 1, lambda steps: None)
    for name, value in session.states()[0].parameters.items():
        gradient = parameters[name].grad
        assert gradient is not None
        assert_same_direction(name, start.parameters[name] - value, gradient.numpy(), 0.1)


def assert_same_direction(name: str, found: np.ndarray, expected: np.ndarray, share: float) -> None:
    assert np.linalg.norm(found - expected) <= share * np.linalg.norm(expected) + 1e-5, name


@pytest.mark.parametrize("rule", RULES[-3:], ids=str)
def test_resumed_training_ends_with_the_same_bits(rule: Optimizer) -> None:
    recipe = Recipe(rule, batch_size=8, dtype="bfloat16")
    assert_resumes(NumbaEngine(), REGULARISED, recipe)


def test_runs_in_two_threads_are_the_same_as_alone() -> None:
    recipe = Recipe(Adam(), 16, dtype="bfloat16")
    alone = train(NumbaEngine(), SMOOTH, recipe).states()[0]
    with ThreadPoolExecutor(2) as pool:
        sessions = pool.map(lambda _: train(NumbaEngine(), SMOOTH, recipe), range(2))
        for session in sessions:
            assert_same(session.states()[0], alone)


def test_parameters_stay_in_float32() -> None:
    """Steps of which bfloat16 itself would lose most."""
    network = Network((Flatten(), Linear(47), Linear(10)), (1, 9, 7))
    coarse, fine = (
        train(NumbaEngine(), network, Recipe(SGD(1e-4), 10, dtype=dtype)).states()[0]
        for dtype in ("bfloat16", "float32")
    )
    start = open_session(NumbaEngine(), network, Recipe(SGD())).states()[0]
    for name, value in coarse.parameters.items():
        moved, expected = (state.parameters[name] - start.parameters[name] for state in (coarse, fine))
        assert value.dtype == np.float32
        assert np.linalg.norm(moved - expected) < 0.1 * np.linalg.norm(expected), name


def test_code_from_the_disk_is_that_of_its_precision(tmp_path: Path) -> None:
    """Compiled by different processes, loaded by one: no precision's kernels are taken for the other's."""
    both = ("float32", "bfloat16")
    plain, paired, forth, back = in_processes(
        *(digests(tmp_path, dtypes) for dtypes in (both[:1], both[1:], both, both[::-1]))
    )
    assert forth == plain + paired
    assert back == paired + plain


def digests(cache: Path, dtypes: tuple[str, ...]) -> str:
    """Return code that trains in one precision after the other, and prints what tells the weights."""
    return f"""
from numba import config
config.CACHE_DIR = {str(cache)!r}
from assay.engines.base import Recipe
from assay.engines.numba import NumbaEngine
from assay.optim import SGD
from assay.nn import Flatten, Linear
from assay.nn.network import Network
from numba_cases import train
from tiny import weights_digest
network = Network((Flatten(), Linear(5)), (1, 8, 8))
for dtype in {dtypes}:
    recipe = Recipe(SGD(), 10, dtype=dtype)
    print(weights_digest(train(NumbaEngine(), network, recipe, epochs=1).states()[0].parameters))
"""
