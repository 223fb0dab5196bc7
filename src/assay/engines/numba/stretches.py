"""Stretches: neighbouring positions of a map, along one axis, that the same taps of a kernel reach."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from assay.engines.numba.layout import Offsets
from assay.nn.conv2d import Conv2d


class Stretch(NamedTuple):
    """Neighbouring positions along an axis; the n-th is reached through each tap from source + n step."""

    positions: range
    taps: Offsets
    sources: Offsets
    step: int


Stretches = Callable[[Conv2d, int, int, int], list[Stretch]]


def _split(positions: range, taps: Offsets, first: Offsets, step: int, size: int) -> list[Stretch]:
    """Split positions where the set of taps changes whose source lies in 0..size-1."""
    sources = first + step * np.arange(len(positions))[:, None]
    valid = (sources >= 0) & (sources < size)
    cuts = np.flatnonzero((valid[1:] != valid[:-1]).any(axis=1)) + 1
    bounds = [0, *cuts.tolist(), len(positions)]
    return [
        Stretch(
            positions[start:stop],
            taps[valid[start]],
            sources[start, valid[start]],
            step if valid[start].any() else 0,
        )
        for start, stop in pairwise(bounds)
    ]


def forward_stretches(layer: Conv2d, axis: int, size: int, output: int) -> list[Stretch]:
    """Output r is reached through tap i from input r stride + i dilation - padding."""
    s = layer.sliding
    taps = np.arange(s.kernel_size[axis])
    return _split(range(output), taps, taps * s.dilation[axis] - s.padding[axis], s.stride[axis], size)


def backward_stretches(layer: Conv2d, axis: int, output: int, size: int) -> list[Stretch]:
    """Input u is reached through tap i from output (u + padding - i dilation) / stride, if whole."""
    s, found = layer.sliding, []
    stride = s.stride[axis]
    for start in range(min(stride, size)):
        away = start + s.padding[axis] - np.arange(s.kernel_size[axis]) * s.dilation[axis]
        taps = np.flatnonzero(away % stride == 0)
        found += _split(range(start, size, stride), taps, away[taps] // stride, 1, output)
    return found
