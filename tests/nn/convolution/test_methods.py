"""Every way to convolve against PyTorch and SciPy."""

import numpy as np
import pytest
import torch
from example_counts import drawn
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles import TOLERANCE, assert_close
from scipy import signal
from strategies import Geometry as Drawn
from strategies import generators, geometries
from torch.nn import functional as F

from assay.errors import ShapeError, UnsupportedError, UsageError
from assay.nn.convolution import METHODS, Geometry, method

every_method = pytest.mark.parametrize("name", METHODS)
SIZE_ONE = Drawn((1, 1), (1, 1), (1, 1), (0, 0), (1, 1))
STRIDE_LEAVES_REST = Drawn((8, 9), (3, 2), (3, 4), (1, 0), (1, 2))


def problem(rng, n, groups, channels, drawn):
    """Return a batch, a weight and how it moves over the batch."""
    x = rng.normal(size=(n, groups * channels[0], *drawn.size))
    weight = rng.normal(size=(groups * channels[1], channels[0], *drawn.kernel_size))
    return x, weight, Geometry(drawn.stride, drawn.padding, drawn.dilation, groups)


def assert_agrees(found, expected, *factors):
    """Compare relative to the largest product, since the errors of an FFT are relative to that."""
    assert found.shape == expected.shape
    largest = np.prod([np.abs(factor).max() for factor in factors])
    assert np.abs(found - expected).max() < TOLERANCE * max(largest, np.abs(expected).max())


@every_method
@settings(max_examples=drawn(20))
@given(generators, st.integers(1, 2), st.integers(1, 3), st.tuples(*[st.integers(1, 2)] * 2), geometries())
@example(np.random.default_rng(0), 1, 1, (1, 1), SIZE_ONE)
@example(np.random.default_rng(0), 2, 2, (2, 1), STRIDE_LEAVES_REST)
def test_agrees_with_torch(name, rng, n, groups, channels, drawn):
    x, weight, geometry = problem(rng, n, groups, channels, drawn)
    leaves = torch.tensor(x, requires_grad=True), torch.tensor(weight, requires_grad=True)
    expected = F.conv2d(*leaves, None, drawn.stride, drawn.padding, drawn.dilation, groups)
    dy = rng.normal(size=tuple(expected.shape))
    expected.backward(torch.tensor(dy))

    convolution = method(name)
    dx, dweight = convolution.backward(x, weight, dy, geometry)
    assert_agrees(convolution.forward(x, weight, geometry), expected.detach().numpy(), x, weight)
    assert_agrees(dx, leaves[0].grad.numpy(), dy, weight)
    assert_agrees(dweight, leaves[1].grad.numpy(), x, dy)


@every_method
@given(
    generators, st.integers(1, 3), st.tuples(*[st.integers(1, 6)] * 2), st.tuples(*[st.integers(0, 4)] * 2)
)
@settings(max_examples=drawn(10))
def test_agrees_with_scipy(name, rng, channels, kernel_size, more):
    size = tuple(k + m for k, m in zip(kernel_size, more, strict=True))
    x, weight = rng.normal(size=(2, channels, *size)), rng.normal(size=(3, channels, *kernel_size))
    expected = np.array(
        [[signal.correlate(maps, kernel, "valid", "direct")[0] for kernel in weight] for maps in x]
    )
    assert_close("forward", method(name).forward(x, weight, Geometry()), expected)


@every_method
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_precision_and_inputs(name, dtype):
    rng = np.random.default_rng(1)
    x, weight, geometry = problem(rng, 2, 2, (2, 3), STRIDE_LEAVES_REST)
    x, weight = x.astype(dtype), weight.astype(dtype)
    before = x.copy(), weight.copy()
    y = method(name).forward(x, weight, geometry)
    dx, dweight = method(name).backward(x, weight, y, geometry)
    assert {array.dtype.name for array in (y, dx, dweight)} == {dtype}
    assert (x == before[0]).all()
    assert (weight == before[1]).all()
    y += 1  # the result is the caller's own
    assert (x == before[0]).all()


@every_method
def test_takes_arrays_of_any_layout(name):
    rng = np.random.default_rng(2)
    x, weight, geometry = problem(rng, 2, 2, (2, 3), STRIDE_LEAVES_REST)
    y = method(name).forward(x, weight, geometry)
    expected = method(name).backward(x, weight, y, geometry)
    found = method(name).backward(*map(np.asfortranarray, (x, weight, y)), geometry)
    for array, reference in zip(found, expected, strict=True):
        assert_close("gradient", array, reference)


@every_method
def test_refuses_what_does_not_fit(name):
    weight = np.ones((4, 2, 3, 3))
    with pytest.raises(ShapeError, match=r"cannot take a batch of 1 x 3 x 5 x 5 \(expected N x 2 x H x W\)"):
        method(name).forward(np.ones((1, 3, 5, 5)), weight, Geometry())
    with pytest.raises(ShapeError, match="no 3 x 3 kernel fits into maps of 2 x 5"):
        method(name).forward(np.ones((1, 2, 2, 5)), weight, Geometry())
    with pytest.raises(ShapeError, match="upstream gradient is 1 x 4 x 2 x 3, the output was 1 x 4 x 3 x 3"):
        method(name).backward(np.ones((1, 2, 5, 5)), weight, np.ones((1, 4, 2, 3)), Geometry())


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("scipy", np.float16), ("numba", np.float16), ("numba", np.longdouble)],
)
def test_says_which_precision_it_lacks_and_what_has_it(name, dtype):
    x, weight = np.ones((1, 1, 3, 3), dtype), np.ones((1, 1, 2, 2), dtype)
    found = np.dtype(dtype).name
    with pytest.raises(UnsupportedError, match=rf"{name!r} has no {found}, .* \(use method 'im2col'"):
        method(name).forward(x, weight, Geometry())
    assert method("im2col").forward(x, weight, Geometry()).dtype == dtype


@pytest.mark.parametrize("name", [name for name in METHODS if method(name).dtypes is None])
@pytest.mark.parametrize("dtype", [np.float16, np.longdouble])
def test_has_every_precision_that_it_does_not_deny(name, dtype):
    x, weight = np.ones((1, 1, 3, 3), dtype), np.ones((1, 1, 2, 2), dtype)
    y = method(name).forward(x, weight, Geometry())
    assert y.dtype == dtype
    assert np.allclose(y, 4)


def test_refuses_an_unknown_name():
    with pytest.raises(UsageError, match=r"method 'im2cols' is unknown \(did you mean 'im2col'"):
        method("im2cols")


@pytest.mark.parametrize("arguments", [{"groups": 0}, {"stride": (0, 1)}, {"dilation": (1, 0)}])
def test_refuses_a_geometry_of_nothing(arguments):
    with pytest.raises(ShapeError, match="must be an integer >= 1"):
        Geometry(**arguments)
