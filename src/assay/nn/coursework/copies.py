"""Copies of arrays that a user's code may write into."""

import numpy as np

from assay.shapes import Array


def copied(x: Array) -> Array:
    """Return a copy in the same memory layout, not contiguous where ``x`` is not."""
    if x.flags.c_contiguous or x.flags.f_contiguous or not x.ndim:
        return x.copy(order="K")
    view = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)[..., ::2]
    view[...] = x
    return view


def same(a: Array, b: Array) -> bool:
    """Whether two arrays have one content; nan equals nan."""
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc")
