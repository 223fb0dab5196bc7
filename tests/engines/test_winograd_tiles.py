"""Winograd's algorithm of the torch engine is a convolution, and rounds no more than it must."""

import numpy as np
import pytest
import torch
from example_counts import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import conv2d

from assay.engines.torch import tile_matrices, winograd_check, winograd_tiles
from assay.engines.torch.layout import channels_last
from assay.engines.torch.winograd_tiles import TiledConvolution

EPSILON = 2.0**-24
NUMBERS = st.tuples(*(st.integers(1, most) for most in (3, 4, 5, 5, 16, 16)))
"""Runs, images, channels in and out, height and width."""
PADDINGS = st.tuples(st.integers(0, 2), st.integers(0, 2))


def problem(numbers, padding, dtype):
    """Return x, kernels, biases and dy of a convolution; maps are never smaller than a kernel."""
    runs, n, channels, out, height, width = numbers
    height, width = (max(side, 3 - 2 * border) for side, border in zip((height, width), padding, strict=True))
    draw = torch.Generator().manual_seed(sum(numbers))
    x = torch.randn(n, runs * channels, height, width, generator=draw)
    kernels = torch.randn(runs, out, channels, 3, 3, generator=draw)
    size = (height + 2 * padding[0] - 2, width + 2 * padding[1] - 2)
    dy = torch.randn(n, runs * out, *size, generator=draw)
    bias = torch.randn(runs * out, generator=draw)
    return [channels_last(x).to(dtype), kernels.to(dtype), bias.to(dtype), channels_last(dy).to(dtype)]


def by_tiles(x, kernels, bias, dy, padding):
    """Return y and the gradients of x and the kernels."""
    runs, (up, left) = len(kernels), padding
    way, back = TiledConvolution(runs, padding, x), TiledConvolution(runs, (2 - up, 2 - left), x)
    turned = kernels.transpose(1, 2).flip(3, 4)
    return [
        way.correlate(x, kernels, bias), back.correlate(dy, turned, None), way.kernel_gradient(x, dy)
    ]  # fmt: skip


def by_autograd(x, kernels, bias, dy, padding):
    """Return what PyTorch's convolution and autograd find."""
    x, kernels = x.clone().requires_grad_(), kernels.clone().requires_grad_()
    y = conv2d(x, kernels.flatten(0, 1), bias, padding=padding, groups=len(kernels))
    return [y.detach(), *torch.autograd.grad(y, (x, kernels), dy)]


@given(NUMBERS, PADDINGS)
@settings(max_examples=drawn(40))
def test_outputs_and_gradients_are_those_of_a_convolution(numbers, padding):
    given_ = problem(numbers, padding, torch.float64)
    for found, exact in zip(by_tiles(*given_, padding), by_autograd(*given_, padding), strict=True):
        assert found.shape == exact.shape
        torch.testing.assert_close(found, exact, rtol=1e-11, atol=1e-11)


@given(NUMBERS, PADDINGS)
@settings(max_examples=drawn(20))
def test_rounding_stays_within_the_bound(numbers, padding):
    """A sum of n rounded terms is off by at most n/2**24 times the sum of their absolute values.

    The same algorithm with all numbers and matrices made positive finds these; along the way from an input to
    an output are 2 x 6 roundings in tiles, 20 in kernels, 2 x 6 in outputs, 2 for the bias, and those of the
    sum over channels or tiles.
    """
    _, n, channels, out, *_ = numbers
    given_ = problem(numbers, padding, torch.float32)
    doubled = [value.double() for value in given_]
    found, exact = by_tiles(*given_, padding), by_autograd(*doubled, padding)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("INPUT", "KERNEL", "OUTPUT", "GRADIENT"):
            patch.setattr(winograd_tiles, name, tuple(map(tuple, np.abs(getattr(winograd_tiles, name)))))
        largest = by_tiles(*(value.abs() for value in doubled), padding)
    for one, other, most in zip(found, exact, largest, strict=True):
        terms = 46 + max(channels, out, n * 25)
        assert ((one - other).abs() <= terms * EPSILON * most).all()


@pytest.mark.parametrize("side", [15, 8, 5])
def test_float32_loses_half_a_digit(side):
    given_ = problem((1, 8, 64, 64, side, side), (1, 1), torch.float32)
    exact = by_autograd(*(value.double() for value in given_), (1, 1))
    tiles, usual = (winograd_check.errors(way(*given_, (1, 1)), exact) for way in (by_tiles, by_autograd))
    assert max(tiles) < 2**-19
    assert all(one < 6 * max(other, 2**-23) for one, other in zip(tiles, usual, strict=True))


def test_images_are_taken_part_by_part_where_there_is_little_room(monkeypatch):
    given_ = problem((2, 5, 3, 4, 9, 6), (1, 1), torch.float64)
    whole = by_tiles(*given_, (1, 1))
    one = 36 * 3 * 2 * 8 * 8
    for room in (1, one, 2 * one + 1):
        monkeypatch.setattr(winograd_tiles, "WORKSPACE", room)
        assert len(list(TiledConvolution(2, (1, 1), given_[0])._parts(given_[0], given_[3]))) == (
            3 if room > one else 5
        )
        for found, expected in zip(by_tiles(*given_, (1, 1)), whole, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_matrices_make_any_three_weights_and_six_inputs_a_convolution():
    draw = np.random.default_rng(0)
    weights, inputs = draw.standard_normal(3), draw.standard_normal(6)
    take, kernel, give = (np.array(getattr(tile_matrices, name)) for name in ("INPUT", "KERNEL", "OUTPUT"))
    found = give @ ((kernel @ weights) * (take @ inputs))
    np.testing.assert_allclose(found, np.correlate(inputs, weights), rtol=1e-12)
    for matrix in (take, give):
        assert (matrix.astype(np.float32) == matrix).all(), "what tiles are multiplied with is not rounded"


def test_a_device_that_rounds_as_the_cpu_passes_and_one_with_ten_digits_does_not(monkeypatch):
    cpu = torch.device("cpu")
    assert winograd_check.agrees(cpu)
    usual, calls = winograd_check.by_winograd, []

    def coarse(*values):
        calls.append(None)
        made = usual(*values)
        return made if len(calls) % 2 else [value.bfloat16().float() for value in made]

    monkeypatch.setattr(winograd_check, "by_winograd", coarse)
    assert not winograd_check.agrees(cpu)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_does_not_work():
    assert not winograd_check.works()
