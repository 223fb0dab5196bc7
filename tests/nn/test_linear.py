"""Linear against PyTorch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_agrees_with_torch
from strategies import batches, generators
from torch.nn import functional as F

from assay.errors import ShapeError
from assay.nn import Linear

widths = st.integers(1, 9)


@given(generators, batches, widths, widths, st.booleans())
def test_agrees_with_torch(rng, n, features, outputs, bias):
    layer = Linear(outputs, bias=bias)
    x = rng.normal(size=(n, features))
    assert_agrees_with_torch(layer, lambda x, p: F.linear(x, p["weight"], p.get("bias")), x, rng)


def test_counts_two_operations_a_weight_and_one_a_bias():
    assert Linear(3).flops((5,)) == 2 * 15 + 3
    assert Linear(3, bias=False).flops((5,)) == 2 * 15


def test_refuses_maps_and_says_what_to_do():
    with pytest.raises(
        ShapeError, match=r"expected a vector \(D\), found 2 x 3 x 3 \(put Flatten before it\)"
    ):
        Linear(3).output_shape((2, 3, 3))


@pytest.mark.parametrize("outputs", [0, -1, 2.5])
def test_refuses_a_layer_without_outputs(outputs):
    with pytest.raises(ShapeError, match="out_features must be an integer >= 1"):
        Linear(outputs)
