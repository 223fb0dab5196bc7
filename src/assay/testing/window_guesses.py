"""Guesses at mistakes with sliding windows: a stride or a padding that backward forgets."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from assay.shapes import Array

CLOSE = 1e-4
"""How far a pattern may be off, relative to the gradient's largest entry."""

STRIDES, PADDINGS, KERNELS = range(1, 5), range(4), range(1, 8)
"""What is tried: the geometry is not known, only the sizes of maps before and after."""

Sizes = tuple[int, ...]


def guess_at_windows(found: Array, expected: Array, x: Array, dy: Array) -> str:
    """Return what a gradient of maps ``x`` or of kernels forgets of the windows, or nothing."""
    if x.ndim != 4 or dy.ndim != 4 or found.ndim != 4:
        return ""
    if found.shape == x.shape:
        return _of_input(found, expected, dy.shape[2:])
    return _of_kernels(found, expected, x, dy)


def _of_input(found: Array, expected: Array, outputs: Sizes) -> str:
    for padding in PADDINGS[1:]:
        if min(found.shape[2:]) <= padding + 1:
            break
        ahead, back = np.s_[:, :, padding:, padding:], np.s_[:, :, :-padding, :-padding]
        if _close(found[ahead], expected[back]) or _close(found[back], expected[ahead]):
            return f"shifted by {padding}: the padding is forgotten in backward, or cut off twice"
    reach, should = _reach(found), _reach(expected)
    for stride, padding, kernel in product(STRIDES[1:], PADDINGS, KERNELS):
        if padding >= kernel or not _fits(found.shape[2:], outputs, stride, padding, kernel):
            continue
        with_it, without = (
            tuple(
                min(size, (count - 1) * step + kernel - padding)
                for size, count in zip(found.shape[2:], outputs, strict=True)
            )
            for step in (stride, 1)
        )
        if (reach, should) == (without, with_it) and reach != should:
            return f"the stride of {stride} is forgotten in backward: windows are placed one apart"
    return ""


def _of_kernels(found: Array, expected: Array, x: Array, dy: Array) -> str:
    if found.shape[:2] != (dy.shape[1], x.shape[1]):
        return ""
    kernel = found.shape[2:]
    for stride, padding in product(STRIDES, PADDINGS):
        if not all(
            _fits((size,), (count,), stride, padding, side)
            for size, count, side in zip(x.shape[2:], dy.shape[2:], kernel, strict=True)
        ):
            continue
        for turn in (np.s_[:, :, :, :], np.s_[:, :, ::-1, ::-1]):
            if not _close(_correlated(x, dy, kernel, stride, padding)[turn], expected):
                continue
            for words, step, border in _forgotten(stride, padding):
                if _close(found, _correlated(x, dy, kernel, step, border)[turn]):
                    return words
    return ""


def _forgotten(stride: int, padding: int) -> Iterator[tuple[str, int, int]]:
    if stride > 1:
        yield f"the stride of {stride} is forgotten in backward", 1, padding
    if padding:
        yield "the padding is forgotten in backward", stride, 0


def _correlated(x: Array, dy: Array, kernel: Sizes, stride: int, padding: int) -> Array:
    """Return the gradient of kernels (F, C, kh, kw) of a cross-correlation; what is beyond the maps is 0."""
    beyond = stride * max(dy.shape[2:]) + max(kernel)
    padded = np.pad(x, ((0, 0), (0, 0), (padding, beyond), (padding, beyond)))
    rows, columns = dy.shape[2:]
    gradient = np.zeros((dy.shape[1], x.shape[1], *kernel))
    for i, j in np.ndindex(*kernel):
        seen = padded[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride]
        gradient[:, :, i, j] = np.einsum("nfrs,ncrs->fc", dy, seen)
    return gradient


def _fits(sizes: Sizes, outputs: Sizes, stride: int, padding: int, kernel: int) -> bool:
    return all(
        (size + 2 * padding - kernel) // stride + 1 == count
        for size, count in zip(sizes, outputs, strict=True)
    )


def _reach(values: Array) -> Sizes:
    """Return how many rows and columns there are up to the last that is not 0."""
    rows, columns = values.any(axis=(0, 1, 3)), values.any(axis=(0, 1, 2))
    return tuple(int(np.flatnonzero(each).max(initial=-1)) + 1 for each in (rows, columns))


def _close(a: Array, b: Array) -> bool:
    return bool(b.any()) and bool((np.abs(a - b) <= CLOSE * np.abs(b).max()).all())
