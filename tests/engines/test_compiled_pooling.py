"""Pooling behind a ReLU, on bits: to the last one what PyTorch makes of the numbers, bfloat16 too."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import generators
from torch.nn import functional

from assay.engines.torch import compiled_pooling
from assay.engines.torch.compiled_pooling import Windows

DTYPES = {
    "bfloat16": (torch.bfloat16, torch.int16),
    "float32": (torch.float32, torch.int32),
    "float64": (torch.float64, torch.int64),
}


@st.composite
def windows(draw):
    """Windows that do not overlap, some of them with gaps between."""
    axes = []
    for _ in range(2):
        kernel = draw(st.integers(1, 4))
        axes.append((kernel, draw(st.integers(kernel, kernel + 2)), draw(st.integers(0, kernel // 2))))
    return Windows(*zip(*axes, strict=True))


def draw_maps(windows, dtype, rng):
    """Return maps (N, C, H, W) with ties, zeros of both signs and infinities."""
    least = [max(1, k - 2 * p) for k, _, p in zip(*windows, strict=True)]
    shape = (2, 3, *(int(rng.integers(size, size + 8)) for size in least))
    values = rng.integers(-3, 4, shape) / 2
    values[rng.random(shape) < 0.05] = -0.0
    values[rng.random(shape) < 0.05] = -np.inf
    values[rng.random(shape) < 0.02] = np.inf
    return torch.tensor(values).to(DTYPES[dtype][0])


def bits(x, dtype):
    """Lay maps (N, C, H, W) out as (N, H, W, C) and see their bits."""
    return x.permute(0, 2, 3, 1).contiguous().view(DTYPES[dtype][1]).numpy()


def numbers(x, dtype):
    return torch.tensor(x).view(DTYPES[dtype][0]).permute(0, 3, 1, 2)


def maximum(x, windows, dtype, size):
    y = np.full((len(x), *size, x.shape[1]), 7, bits(x, dtype).dtype)
    which = np.full(y.shape, 99, np.uint8)
    compiled_pooling.maximum(bits(x, dtype), windows, y, which)
    return y, which


@given(windows(), st.sampled_from(sorted(DTYPES)), generators)
def test_maximum_and_its_gradient(windows, dtype, rng):
    x = draw_maps(windows, dtype, rng).requires_grad_()
    expected = functional.max_pool2d(torch.relu(x), *windows)
    dy = torch.tensor(rng.normal(size=expected.shape)).to(x.dtype)
    expected.backward(dy)
    y, which = maximum(x.detach(), windows, dtype, expected.shape[2:])
    dx = np.full_like(bits(x.detach(), dtype), 7)
    compiled_pooling.maximum_gradient(bits(dy, dtype), which, windows, dx)
    assert torch.equal(numbers(y, dtype), expected)
    assert torch.equal(numbers(dx, dtype), x.grad)


@given(windows(), st.sampled_from(sorted(DTYPES)), generators)
def test_gradient_of_the_mean(windows, dtype, rng):
    x = draw_maps(windows, dtype, rng).requires_grad_()
    expected = functional.avg_pool2d(torch.relu(x), *windows)
    area = windows.kernel_size[0] * windows.kernel_size[1]
    dy = torch.tensor(rng.integers(-8, 9, expected.shape) * area).to(x.dtype)
    expected.backward(dy)
    dx = np.full_like(bits(x.detach(), dtype), 7)
    compiled_pooling.mean_gradient(bits(dy / area, dtype), bits(x.detach(), dtype), windows, dx)
    assert torch.equal(numbers(dx, dtype), x.grad)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_nan_of_either_sign_comes_through(dtype, sign):
    x = torch.tensor([[[[5.0, np.inf], [np.nan, -1.0]]]]).to(DTYPES[dtype][0])
    x[0, 0, 1, 0] = torch.copysign(x[0, 0, 1, 0], torch.tensor(float(sign)))
    y, which = maximum(x, Windows((2, 2), (2, 2), (0, 0)), dtype, (1, 1))
    assert torch.isnan(numbers(y, dtype)).all()
    assert which.item() == 2
