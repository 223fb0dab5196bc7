"""Conv2d against PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_agrees_with_torch
from strategies import Geometry, batches, generators, geometries
from torch.nn import functional as F

from assay.errors import ShapeError, UsageError
from assay.nn import Conv2d
from assay.nn.convolution import METHODS


@given(
    generators, batches, st.integers(1, 3), st.tuples(*[st.integers(1, 3)] * 2), st.booleans(), geometries()
)
def test_agrees_with_torch(rng, n, groups, channels, bias, g: Geometry):
    in_channels, out_channels = (groups * c for c in channels)
    layer = Conv2d(out_channels, g.kernel_size, g.stride, g.padding, g.dilation, groups, bias)

    def reference(x, p):
        return F.conv2d(x, p["weight"], p.get("bias"), g.stride, g.padding, g.dilation, groups)

    assert_agrees_with_torch(layer, reference, rng.normal(size=(n, in_channels, *g.size)), rng)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_chosen(method):
    rng = np.random.default_rng(0)
    layer = Conv2d(4, (2, 3), (1, 2), 1, groups=2, method=method)

    def reference(x, p):
        return F.conv2d(x, p["weight"], p["bias"], (1, 2), 1, groups=2)

    assert_agrees_with_torch(layer, reference, rng.normal(size=(2, 2, 5, 7)), rng)


def test_refuses_an_unknown_method():
    with pytest.raises(UsageError, match="convolution method 'direct' is unknown"):
        Conv2d(4, 3, method="direct")


def test_one_integer_stands_for_both_axes():
    assert Conv2d(2, 3, 2, 1, 1).sliding == Conv2d(2, (3, 3), (2, 2), (1, 1), (1, 1)).sliding


def test_fans_are_those_of_torch():
    spec = Conv2d(6, (3, 2), groups=2).parameters((4, 9, 9))["weight"]
    weight = torch.nn.Conv2d(4, 6, (3, 2), groups=2).weight
    assert (spec.fan_in, spec.fan_out) == torch.nn.init._calculate_fan_in_and_fan_out(weight)
    assert spec.shape == tuple(weight.shape)


def test_counts_two_operations_a_product_and_one_a_bias():
    # 4 outputs of 3 x 3, each the sum over 2 channels of a 3 x 3 kernel
    assert Conv2d(4, 3, bias=False).flops((2, 5, 5)) == 4 * 9 * 2 * 18
    assert Conv2d(4, 3).flops((2, 5, 5)) == 4 * 9 * (2 * 18 + 1)
    assert Conv2d(4, 3, groups=2, bias=False).flops((2, 5, 5)) == 4 * 9 * 2 * 9


def test_does_not_change_its_input():
    layer = Conv2d(1, 1)
    x, params = np.ones((1, 1, 2, 2)), {"weight": np.ones((1, 1, 1, 1)), "bias": np.ones(1)}
    layer.forward(params, x)
    assert (x == 1).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 0}, r"kernel_size must be an integer >= 1; got \(0, 0\)"),
        ({"kernel_size": (3, 0)}, r"kernel_size must be an integer >= 1; got \(3, 0\)"),
        ({"kernel_size": 3, "stride": 0}, "stride must be an integer >= 1"),
        ({"kernel_size": 3, "padding": -1}, "padding must be an integer >= 0"),
        ({"kernel_size": 3, "dilation": 0}, "dilation must be an integer >= 1"),
        ({"kernel_size": 3, "groups": 0}, "groups must be an integer >= 1"),
        ({"kernel_size": 3, "groups": 3}, "out_channels must be divisible by groups 3; got 4"),
    ],
)
def test_refuses_values_that_make_no_layer(arguments, message):
    with pytest.raises(ShapeError, match=message):
        Conv2d(4, **arguments)


def test_refuses_inputs_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"expected feature maps \(C x H x W\), found 7"):
        Conv2d(4, 3).output_shape((7,))
    with pytest.raises(ShapeError, match="input channels must be divisible by groups 2; found 3"):
        Conv2d(4, 3, groups=2).output_shape((3, 5, 5))
