"""The numba engine's activations, computed a vector at a time, agree with `assay.nn` to a derived bound."""

import numpy as np
import pytest
from entrywise_cases import DTYPES, LAYERS, assert_activations_agree, assert_agrees, computed
from hypothesis import given
from hypothesis import strategies as st
from numba_cases import NARROW
from register_files import agrees_in

from assay.engines.numba import elementwise
from assay.engines.numba.kernels import entrywise


def numbers(dtype: str) -> st.SearchStrategy[np.ndarray]:
    """Draw any numbers there are, and others of a size that activations have."""
    width = np.dtype(dtype).itemsize * 8
    near = st.floats(-30, 30, width=width)
    return st.lists(st.floats(width=width) | near, min_size=1, max_size=40).map(lambda x: np.array(x, dtype))


@pytest.mark.parametrize("layer", LAYERS, ids=str)
@given(st.sampled_from(DTYPES).flatmap(numbers))
def test_of_any_numbers(layer, x):
    assert_agrees(layer, x)


def test_of_many_numbers_and_extremes():
    assert_activations_agree()


@pytest.mark.parametrize("file", [f"{NARROW.bytes}, {NARROW.count}", "16, 16, False"])
def test_in_other_registers(file):
    """Also without fused arithmetic."""
    assert agrees_in(file, ("entrywise_cases.assert_activations_agree",))


@pytest.mark.parametrize("layer", LAYERS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_no_number_stays_none(layer, dtype):
    """As many payloads as there are bits: the exponential takes bits for a number."""
    kind = np.uint32 if dtype == "float32" else np.uint64
    bits = np.array([np.nan, -np.nan], dtype).view(kind)[:, None]
    payloads = kind(1) << np.arange(np.finfo(dtype).nmant, dtype=kind)
    x = (bits | payloads).ravel().view(dtype)
    for y in computed(layer, x):
        assert np.isnan(y).all() or (layer.kind == "leakyrelu" and not np.isnan(y).any())


def test_every_function_is_some_layers():
    assert {each for pair in elementwise.BUILT_IN.values() for each in pair} == set(entrywise.BUILT_IN)
