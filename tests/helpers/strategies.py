"""Hypothesis strategies: shapes and windows, size 1 and odd sizes among them."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)
batches = st.integers(1, 4)
channels = st.integers(1, 4)
sizes = st.integers(1, 9)


@dataclass(frozen=True)
class Geometry:
    """A window along both axes, and maps into which it fits."""

    size: tuple[int, int]
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]


@st.composite
def _axis(draw: st.DrawFn, pooling: bool) -> tuple[int, int, int, int, int]:
    kernel = draw(st.integers(1, 4))
    stride = draw(st.integers(1, 5))
    padding = draw(st.integers(0, kernel // 2 if pooling else 4))
    dilation = 1 if pooling else draw(st.integers(1, 3))
    least = max(1, dilation * (kernel - 1) + 1 - 2 * padding)
    return draw(st.integers(least, least + 7)), kernel, stride, padding, dilation


@st.composite
def geometries(draw: st.DrawFn, pooling: bool = False) -> Geometry:
    """Draw windows that fit; for pooling without dilation and with padding up to half the kernel."""
    rows, columns = draw(_axis(pooling)), draw(_axis(pooling))
    return Geometry(*zip(rows, columns, strict=True))


maps = st.tuples(channels, sizes, sizes)
"""Shapes (C, H, W)."""

vectors = st.tuples(st.integers(1, 9))
"""Shapes (D,)."""

any_shapes = st.one_of(maps, vectors)
