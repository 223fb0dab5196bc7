"""Maps with zeros put around them or between their entries, and taken off again."""

import numpy as np

from assay.shapes import Array, Pair


def pad(x: Array, padding: Pair) -> Array:
    """Put ``padding`` rows and columns of zeros around the last two axes."""
    rows, columns = padding
    if not (rows or columns):
        return x
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(rows, rows), (columns, columns)])


def crop(x: Array, padding: Pair) -> Array:
    """Take the rows and columns off that `pad` put around."""
    rows, columns = padding
    return x[..., rows : x.shape[-2] - rows, columns : x.shape[-1] - columns]


def spread(x: Array, step: Pair) -> Array:
    """Put zeros between the entries of the last two axes, so that they lie ``step`` apart."""
    if step == (1, 1):
        return x
    size = tuple((length - 1) * s + 1 for length, s in zip(x.shape[-2:], step, strict=True))
    apart = np.zeros((*x.shape[:-2], *size), x.dtype)
    apart[..., :: step[0], :: step[1]] = x
    return apart
