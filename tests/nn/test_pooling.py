"""Max, average and adaptive average pooling against PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_agrees_with_torch
from strategies import Geometry, batches, channels, generators, geometries, sizes
from torch.nn import functional as F

from assay.errors import ShapeError
from assay.nn import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d
from assay.nn.adaptive_avg_pool2d import mean_matrix


@given(generators, batches, channels, geometries(pooling=True))
def test_max_pooling_agrees_with_torch(rng, n, c, g: Geometry):
    layer = MaxPool2d(g.kernel_size, g.stride, g.padding)
    x = rng.normal(size=(n, c, *g.size))
    assert_agrees_with_torch(layer, lambda x, _: F.max_pool2d(x, g.kernel_size, g.stride, g.padding), x, rng)


@given(generators, batches, channels, geometries(pooling=True))
def test_of_equal_maxima_the_first_gets_the_gradient_as_in_torch(rng, n, c, g: Geometry):
    layer = MaxPool2d(g.kernel_size, g.stride, g.padding)
    x = rng.integers(-1, 1, size=(n, c, *g.size)).astype(float)
    assert_agrees_with_torch(layer, lambda x, _: F.max_pool2d(x, g.kernel_size, g.stride, g.padding), x, rng)


def test_a_tie_written_out():
    y, cache = MaxPool2d(2).forward({}, np.zeros((1, 1, 2, 2)))
    dx, _ = MaxPool2d(2).backward({}, cache, np.ones_like(y))
    assert dx.tolist() == [[[[1.0, 0.0], [0.0, 0.0]]]]


@given(generators, batches, channels, geometries(pooling=True), st.booleans())
def test_average_pooling_agrees_with_torch(rng, n, c, g: Geometry, count_include_pad):
    layer = AvgPool2d(g.kernel_size, g.stride, g.padding, count_include_pad)

    def reference(x, _):
        arguments = g.kernel_size, g.stride, g.padding
        return F.avg_pool2d(x, *arguments, count_include_pad=count_include_pad)

    assert_agrees_with_torch(layer, reference, rng.normal(size=(n, c, *g.size)), rng)


def test_the_border_counts_in_the_average_unless_told_otherwise():
    x = np.ones((1, 1, 2, 2))
    assert (AvgPool2d(2, 2, 1).forward({}, x)[0] == 0.25).all()
    assert (AvgPool2d(2, 2, 1, count_include_pad=False).forward({}, x)[0] == 1).all()


@given(generators, batches, channels, sizes, sizes, sizes, sizes)
def test_adaptive_average_pooling_agrees_with_torch(rng, n, c, height, width, rows, columns):
    layer = AdaptiveAvgPool2d((rows, columns))
    x = rng.normal(size=(n, c, height, width))
    assert_agrees_with_torch(layer, lambda x, _: F.adaptive_avg_pool2d(x, (rows, columns)), x, rng)


@given(generators, sizes, sizes)
def test_global_average_pooling_is_the_mean(rng, height, width):
    x = rng.normal(size=(2, 3, height, width))
    y, _ = AdaptiveAvgPool2d(1).forward({}, x)
    np.testing.assert_allclose(y[:, :, 0, 0], x.mean(axis=(2, 3)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", [MaxPool2d, AvgPool2d])
def test_stride_is_the_kernel_size_unless_given(kind):
    assert kind((2, 3)).sliding == kind((2, 3), (2, 3)).sliding


@pytest.mark.parametrize("kind", [MaxPool2d, AvgPool2d])
@pytest.mark.parametrize("padding", [2, (0, 2)])
def test_padding_over_half_the_kernel_is_refused_as_in_torch(kind, padding):
    with pytest.raises(ShapeError, match="padding must be at most half of kernel_size"):
        kind(3, 1, padding)
    with pytest.raises(RuntimeError, match="at most half of"):
        F.max_pool2d(torch.zeros(1, 1, 9, 9), 3, 1, padding)


@pytest.mark.parametrize("kind", [MaxPool2d, AvgPool2d])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0,), "kernel_size"), ((2, 0), "stride"), ((2, 2, -1), "padding"), ((2.0,), "kernel_size")],
)
def test_values_that_make_no_window_are_refused(kind, arguments, message):
    with pytest.raises(ShapeError, match=f"{message} must be an integer"):
        kind(*arguments)


@given(sizes, sizes, st.integers(1, 12), st.integers(1, 12))
def test_the_regions_of_an_adaptive_pooling_are_counted_without_being_listed(height, width, rows, columns):
    layer = AdaptiveAvgPool2d((rows, columns))
    a, b = (mean_matrix(*region) > 0 for region in ((height, rows), (width, columns)))
    assert layer.flops((3, height, width)) == 3 * a.sum() * b.sum()
    assert layer.window((3, height, width)).kernel_size == (a.sum(axis=1).max(), b.sum(axis=1).max())


@pytest.mark.parametrize("layer", [MaxPool2d(2), AvgPool2d(2), AdaptiveAvgPool2d(2)])
def test_vectors_are_refused(layer):
    with pytest.raises(ShapeError, match="expected feature maps"):
        layer.output_shape((7,))


def test_adaptive_pooling_refuses_an_empty_output():
    with pytest.raises(ShapeError, match="output_size must be an integer >= 1"):
        AdaptiveAvgPool2d((2, 0))


def test_operations():
    assert MaxPool2d(2).flops((3, 4, 4)) == AvgPool2d(2).flops((3, 4, 4)) == 3 * 4 * 4
    # 5 rows into 2 regions: 0..2 and 2..4, three each
    assert AdaptiveAvgPool2d((2, 1)).flops((2, 5, 4)) == 2 * 6 * 4
