"""Reshape and ZeroPad2d against PyTorch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_agrees_with_torch
from strategies import batches, generators, maps
from torch.nn import functional as F

from assay.errors import ShapeError
from assay.nn import Conv2d, Flatten, Linear, Reshape, ZeroPad2d
from assay.nn.network import Network

sides = st.integers(0, 3)


@given(generators, batches, maps)
def test_reshape_agrees_with_torch(rng, n, shape):
    c, h, w = shape
    x = rng.normal(size=(n, c, h, w))
    assert_agrees_with_torch(Reshape((h, w * c)), lambda x, _: x.reshape(n, h, w * c), x, rng)


@given(generators, batches, maps, st.one_of(sides, st.tuples(sides, sides, sides, sides)))
def test_padding_agrees_with_torch(rng, n, shape, padding):
    four = (padding,) * 4 if isinstance(padding, int) else padding
    x = rng.normal(size=(n, *shape))
    assert_agrees_with_torch(ZeroPad2d(padding), lambda x, _: F.pad(x, four), x, rng)


def test_padding_on_one_side_keeps_the_size_under_an_even_kernel():
    assert Network((ZeroPad2d((0, 1, 0, 1)), Conv2d(1, 2)), (1, 5, 7)).output_shape == (1, 5, 7)


def test_a_vector_can_become_maps_again():
    network = Network((Flatten(), Linear(18), Reshape((2, 3, 3)), Conv2d(4, 3)), (1, 4, 4))
    assert network.output_shape == (4, 1, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Reshape((2, 5)).output_shape((3, 3)),
            "3 x 3 cannot become 2 x 5: the numbers of entries differ",
        ),
        (lambda: Reshape((2, -1)), r"shape must be an integer >= 1; got \(2, -1\)"),
        (lambda: ZeroPad2d(-1), "padding must be an integer >= 0"),
        (lambda: ZeroPad2d((0, 0, -1, 0)), "padding must be an integer >= 0"),
        (lambda: ZeroPad2d(1).output_shape((5,)), "expected feature maps"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ShapeError, match=message):
        make()
