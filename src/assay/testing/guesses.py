"""What a mistake may be, where the pattern of wrong and right entries gives it away."""

import numpy as np
from numpy.typing import NDArray

from assay.shapes import Array
from assay.testing.gradients import LEAST_SCALE
from assay.testing.situations import BATCH

Mask = NDArray[np.bool]

CLOSE = 1e-4
"""How far a pattern may be off, relative to the gradient's largest entry."""


def guess_at_ties(found: float, expected: float) -> str:
    """Return a guess for derivatives along all entries of an input with ties."""
    whole = bool(expected) and abs(found) > abs(expected)
    return "each of several entries that tie is given the whole gradient" if whole else ""


def guess(found: Array, expected: Array, value: Array | None) -> str:
    """Return what may be wrong with a gradient, or nothing; ``value`` is the argument, x or a parameter.

    A single entry is a multiple of anything, so nothing is made of that.
    """
    for pattern in (_turned, _factor, _passes, _overlap, _border):
        if words := pattern(found, expected):
            return words
    return _along_value(found, expected, value) if value is not None and found.size > 1 else ""


def _turned(found: Array, expected: Array) -> str:
    if not found.any():
        return "it is never written: all entries are 0"
    if found.ndim == 2 and found.shape[0] == found.shape[1] > 1 and _close(found.T, expected):
        return "transposed"
    if found.ndim == 4 and _close(np.flip(found, (2, 3)), expected):
        return "turned by 180 degrees: kernels flipped, or not flipped"
    if found.ndim == 4 and found.shape[2] == found.shape[3] and _close(found.swapaxes(2, 3), expected):
        return "height and width are exchanged"
    return ""


def _factor(found: Array, expected: Array) -> str:
    size = float((expected**2).sum())
    factor = float((found * expected).sum()) / size if size else 0.0
    if not factor or not _close(found, factor * expected):
        return ""
    known = {
        float(found.size): f"a sum over all {found.size} entries in the place of a mean",
        1 / found.size: f"a mean over all {found.size} entries in the place of a sum",
        1 / BATCH: f"a mean over the batch of {BATCH} in the place of a sum (or divided by its size twice)",
        float(BATCH): f"a sum over the batch of {BATCH} in the place of a mean",
        2.0: "twice too large: a factor 2 too many",
        0.5: "half of what it should be: a factor 2 is missing",
        -1.0: "the sign is wrong",
    }
    return next(
        (words for value, words in known.items() if abs(factor - value) < 1e-3 * abs(value)),
        f"{_times(factor)} what it should be, in every entry" if found.size > 1 else "",
    )


def _times(factor: float) -> str:
    """Say a factor: 0.25 as it is, but 1/144, which says more than 0.00694444 of 3 examples of 6 x 8."""
    said, parts = f"{factor:.6g}", round(1 / factor) if factor > 1e-6 else 0
    if len(said) > 5 and parts > 1 and abs(factor * parts - 1) < 1e-3:
        return f"1/{parts} of"
    return f"{said} times"


def _passes(found: Array, expected: Array) -> str:
    """Name a mask that is not applied: the gradient goes where the output does not depend on the input."""
    wrong, room = _wrong(found, expected), CLOSE * _size(expected)
    if wrong.any() and not wrong.all() and (np.abs(expected[wrong]) <= room).all():
        return "a mask is not applied: wrong where it should be 0, right elsewhere"
    return ""


def _overlap(found: Array, expected: Array) -> str:
    wrong = _wrong(found, expected)
    if found.ndim != 4 or wrong.all():
        return ""
    edges = wrong[:, :, [0, -1]].any() or wrong[..., [0, -1]].any()
    corners = wrong[:, :, [0, 0, -1, -1], [0, -1, 0, -1]].any()
    inside = wrong[:, :, 1:-1, 1:-1].any()
    if inside and not corners and (not edges or wrong.mean() < 0.9):
        return "'=' where '+=' is meant, in windows that overlap"
    return ""


def _border(found: Array, expected: Array) -> str:
    wrong = _wrong(found, expected)
    inside = wrong[..., 1:-1, 1:-1] if wrong.ndim > 2 else wrong[..., 1:-1]
    if wrong.ndim >= 2 and inside.size and not inside.any():
        return "off by one at the border: only entries there are wrong"
    return ""


def _along_value(found: Array, expected: Array, value: Array) -> str:
    """Look at what is too much: along the argument itself, or along its deviations from a mean."""
    excess = found - expected
    if value.shape != excess.shape:
        return ""
    if _proportional(excess, value):
        return "what is too much is proportional to the argument: a penalty is added, or counted twice"
    groups = [(0, 2, 3), (2, 3)] if value.ndim == 4 else [(0,)]
    for along in dict.fromkeys([*groups, tuple(range(1, value.ndim))]):
        deviation = value - value.mean(axis=along, keepdims=True)
        terms = [np.broadcast_to(np.ones(()), value.shape), deviation]
        if not _close(excess, excess.mean(axis=along, keepdims=True)) and _spanned(excess, terms, along):
            return "a term of the variance is missing"
        if _close(excess, np.broadcast_to(excess.mean(axis=along, keepdims=True), excess.shape)):
            return "a term of the mean is missing"
    return ""


def _spanned(excess: Array, terms: list[Array], along: tuple[int, ...]) -> bool:
    """Whether within each group of entries the excess is a combination of the terms."""
    keep = [axis for axis in range(excess.ndim) if axis not in along]

    def rows(values: Array) -> Array:
        moved = np.transpose(values, (*keep, *along))
        return moved.reshape(int(np.prod(moved.shape[: len(keep)])), -1)

    groups = [rows(term) for term in terms]
    size = _size(excess)
    for number, row in enumerate(rows(excess)):
        if row.size <= len(terms):
            return False
        columns = np.stack([group[number] for group in groups], axis=1)
        solution = np.linalg.lstsq(columns, row, rcond=None)[0]
        if np.abs(columns @ solution - row).max() > 10 * CLOSE * size:
            return False
    return True


def _proportional(excess: Array, value: Array) -> bool:
    size = float((value**2).sum())
    return bool(size) and _close(excess, float((excess * value).sum()) / size * value)


def _wrong(found: Array, expected: Array) -> Mask:
    wrong: Mask = np.abs(found - expected) > CLOSE * _size(expected)
    return wrong


def _close(a: Array, b: Array) -> bool:
    return bool((np.abs(a - b) <= CLOSE * _size(b)).all())


def _size(values: Array) -> float:
    return max(float(np.abs(values).max(initial=0)), LEAST_SCALE)
