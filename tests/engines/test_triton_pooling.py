"""The kernel for ReLU and max pooling at once, run by Triton's interpreter where there is no GPU."""

import os

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numba_cases import uneven
from torch_cases import train

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
pytest.importorskip("triton")

from torch.nn.functional import max_pool2d

from assay.engines.base import Recipe
from assay.engines.torch import TorchEngine, triton_pooling
from assay.engines.torch.ways import Ways, has_triton
from assay.nn import Conv2d, Flatten, Linear, MaxPool2d, ReLU
from assay.nn.network import Network
from assay.nn.sliding import Sliding
from assay.optim import SGD

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


WINDOWS = [
    Sliding((2, 2), (2, 2)),
    Sliding((2, 2), (2, 2), (1, 1)),
    Sliding((3, 2), (4, 3), (1, 1)),
    Sliding((1, 1), (2, 1)),
]
"""Few, since for each a kernel is built."""


def expected(x, dy_of, sliding):
    """Return what PyTorch finds, and the gradient."""
    x = x.clone().requires_grad_()
    y = torch.relu(max_pool2d(x, sliding.kernel_size, sliding.stride, sliding.padding))
    dy = dy_of(y)
    return y.detach(), dy, torch.autograd.grad(y, x, dy)[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("sliding", WINDOWS, ids=str)
@given(shape=st.tuples(*(st.integers(low, low + 3) for low in (1, 2, 3, 3))), ties=st.booleans())
@settings(max_examples=4, deadline=None)
def test_pools_rectifies_and_differentiates_as_pytorch(sliding, dtype, shape, ties):
    torch.manual_seed(sum(shape))
    x = torch.randint(-2, 3, shape).to(DEVICE, dtype) if ties else torch.randn(shape).to(DEVICE, dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    y, dy, dx = expected(x, torch.randn_like, sliding)
    found, which = triton_pooling.forward(x, sliding)
    assert found.dtype == dtype
    assert torch.equal(found, y)
    assert torch.equal(triton_pooling.backward(dy, which, shape[2:], sliding), dx)


def test_what_is_no_number_is_seen():
    x = torch.ones(1, 1, 4, 4, device=DEVICE)
    x[0, 0, 1, 1] = torch.nan
    y, which = triton_pooling.forward(x, Sliding((2, 2), (2, 2)))
    assert y.isnan().flatten().tolist() == [True, False, False, False]
    dx = triton_pooling.backward(torch.ones_like(y), which, (4, 4), Sliding((2, 2), (2, 2)))
    assert dx[0, 0, 1, 1] == 1


def test_the_engine_trains_the_same_with_it():
    layers = (Conv2d(2, 3), ReLU(), MaxPool2d(2, 2, 1), Flatten(), Linear(5))
    network, recipe = Network(layers, (1, 6, 6)), Recipe(SGD(0.1), 2)
    states = [uneven(network, recipe, seed) for seed in (7, 8)]
    found, plain = (
        train(
            TorchEngine(DEVICE, Ways(fused_pooling=fused)), network, recipe, (7, 8), (1,), 4, states
        ).states()
        for fused in (True, False)
    )
    for one, other in zip(found, plain, strict=True):
        for name, value in other.parameters.items():
            assert abs(one.parameters[name] - value).max() < 1e-5, name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_kernel_that_was_built_works():
    assert has_triton()
