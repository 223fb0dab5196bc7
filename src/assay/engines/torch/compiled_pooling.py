"""Pooling of a ReLU's output, in one pass over channels-last maps.

The torch engine uses it on the CPU, since PyTorch reads and writes these maps, the
largest of a network, several times and keeps eight bytes of index an output.

Numbers are only compared and copied, as the integers that their bits are: of
two that are not negative the larger has the larger bits, in every precision,
bfloat16 too, which Numba does not have. What is negative is zero behind the
ReLU. A nan is taken with a positive sign, and so stays the largest of all.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.engines.kernel_cache import kept
from assay.shapes import Pair

Bits = NDArray[np.signedinteger[Any]]
"""Maps (N, H, W, C) in C order, seen as integers of the same width."""

Which = NDArray[np.uint8]
"""Where in its window the first maximum is, in row-major order; beyond the window if none is positive."""

FRACTION = {2: 7, 4: 23, 8: 52}
"""Bits of the fraction by bytes of a number: bfloat16's, float32's and float64's."""


class Windows(NamedTuple):
    """Windows that do not overlap; each size as (vertical, horizontal)."""

    kernel_size: Pair
    stride: Pair
    padding: Pair


def maximum(x: Bits, windows: Windows, y: Bits, which: Which) -> None:
    """Fill ``y`` and ``which`` (N, H', W', C) with max(0, x) of each window and where that was."""
    width, fraction = 8 * x.dtype.itemsize, FRACTION[x.dtype.itemsize]
    minus_infinity = -(1 << fraction)
    largest = (1 << (width - 1)) - 1
    _maximum(x, windows, x.dtype.type(minus_infinity), x.dtype.type(largest), y, which)


@kept(nogil=True)
def _maximum(x, windows, minus_infinity, largest, y, which):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    (kh, kw), (sh, sw), (ph, pw) = windows
    examples, height, width, _ = x.shape
    y[...] = 0
    which[...] = kh * kw
    for n in range(examples):
        for r in range(y.shape[1]):
            for s in range(y.shape[2]):
                best, place = y[n, r, s], which[n, r, s]
                for i in range(max(0, ph - r * sh), min(kh, height + ph - r * sh)):
                    for j in range(max(0, pw - s * sw), min(kw, width + pw - s * sw)):
                        seen = x[n, r * sh + i - ph, s * sw + j - pw]
                        for c in range(seen.size):
                            value = (seen[c] & largest) if seen[c] > minus_infinity else 0
                            larger = value > best[c]
                            best[c] = value if larger else best[c]
                            place[c] = i * kw + j if larger else place[c]


@kept(nogil=True)
def maximum_gradient(dy, which, windows, dx):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
    """Fill ``dx`` (N, H, W, C) with every gradient at its maximum, if that was positive; zero elsewhere."""
    (_, kw), _, _ = windows
    for n in range(dx.shape[0]):
        for row in range(dx.shape[1]):
            r, i = _window(row, 0, windows, dy.shape[1])
            for column in range(dx.shape[2]):
                s, j = _window(column, 1, windows, dy.shape[2])
                found = dx[n, row, column]
                if r >= 0 and s >= 0:
                    given, place = dy[n, r, s], which[n, r, s]
                    for c in range(found.size):
                        found[c] = given[c] if place[c] == i * kw + j else 0
                else:
                    found[:] = 0


@kept(nogil=True)
def mean_gradient(share, x, windows, dx):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
    """Fill ``dx`` with its window's ``share`` (N, H', W', C) where x (N, H, W, C) is positive, else zero."""
    for n in range(dx.shape[0]):
        for row in range(dx.shape[1]):
            r, _ = _window(row, 0, windows, share.shape[1])
            for column in range(dx.shape[2]):
                s, _ = _window(column, 1, windows, share.shape[2])
                found, seen = dx[n, row, column], x[n, row, column]
                if r >= 0 and s >= 0:
                    given = share[n, r, s]
                    for c in range(found.size):
                        found[c] = given[c] if seen[c] > 0 else 0
                else:
                    found[:] = 0


@kept(nogil=True)
def _window(position, axis, windows, count):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Return which of ``count`` windows covers a position, and where in it; -1 if none does."""
    number, inside = divmod(position + windows.padding[axis], windows.stride[axis])
    covered = number < count and inside < windows.kernel_size[axis]
    return (number if covered else -1), inside
