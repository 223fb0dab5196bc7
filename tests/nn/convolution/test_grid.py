"""Padding and spreading against NumPy and SciPy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from assay.nn.convolution.grid import crop, pad, spread

maps = hnp.arrays(np.int64, hnp.array_shapes(min_dims=2, max_dims=4, max_side=5), elements=st.integers(-9, 9))
pairs = st.tuples(st.integers(0, 3), st.integers(0, 3))


@given(maps, pairs)
def test_crop_undoes_pad(x, padding):
    padded = pad(x, padding)
    assert padded.sum() == x.sum()
    assert (crop(padded, padding) == x).all()


@given(maps, st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_spread_is_the_kronecker_product_with_a_corner(x, step):
    corner = np.zeros(step)
    corner[0, 0] = 1
    rows, columns = ((size - 1) * s + 1 for size, s in zip(x.shape[-2:], step, strict=True))
    expected = np.kron(x, corner)[..., :rows, :columns]
    assert (spread(x, step) == expected).all()
