"""Pooling and ReLU: the calls that they add to a plan. The formulas are those of `assay.nn`."""

from collections.abc import Callable
from functools import partial
from itertools import product as pairs

import numpy as np

from assay.engines.numba.blueprint import Blueprint, Stage, Value
from assay.engines.numba.calls import Call, call
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.layout import Maps, Offsets
from assay.nn.adaptive_avg_pool2d import AdaptiveAvgPool2d
from assay.nn.avg_pool2d import AvgPool2d
from assay.nn.max_pool2d import MaxPool2d
from assay.nn.network import Node
from assay.nn.sliding import Sliding
from assay.shapes import Array, pair, windows

Entries = list[tuple[int, int]]
"""Of one window: where each entry lies in the plane, and where its factor or its number lies."""


def relu(plan: Blueprint, value: Value) -> list[Call]:
    """y = max(y, 0)."""
    return _each(plan, lambda y: call(Kernel.RELU, y.start, y.size, y.lanes), value.y)


def relu_gradient(plan: Blueprint, value: Value) -> list[Call]:
    """dy = dy where y > 0, else 0."""
    away = value.dy.start - value.y.start
    return _each(plan, lambda y: call(Kernel.RELU_GRADIENT, y.start, y.size, y.lanes, away), value.y)


def _each(plan: Blueprint, make: Callable[..., Call], *maps: Maps) -> list[Call]:
    """Return the calls of all blocks: at once, or one by one."""
    return [make(*part.of(*maps))._replace(block=part.start) for part in plan.parts]


def winners(plan: Blueprint, y: Maps) -> Maps:
    """Reserve room for which entry of its window each output is, laid out as the output."""
    return plan.memory.maps(plan.blocks, y.shape, y.border)


def unpool(plan: Blueprint, node: Node, dx: Maps, dy: Maps, winner: Maps) -> list[Call]:
    """Route each gradient to the entry that was the largest."""
    return _each(plan, partial(unpool_part, plan, node), dx, dy, winner)


def unpool_part(plan: Blueprint, node: Node, dx: Maps, dy: Maps, winner: Maps) -> Call:
    """Return `unpool` of some blocks."""
    layer = node.layer
    assert isinstance(layer, MaxPool2d)
    table = _window_table(plan, _max_windows(plan, node, dx), dy)
    overlap = any(k > s for k, s in zip(layer.sliding.kernel_size, layer.sliding.stride, strict=True))
    places = (*_planes(dx, dy), winner.start - dy.start)
    return call(Kernel.WINDOW_MAX_GRADIENT, *table, dy.planes, *places, overlap, dx.lanes)


def maximum(plan: Blueprint, stage: Stage, x: Value, y: Value, first: bool) -> tuple[list[Call], list[Call]]:
    """y = the largest entry of each window."""
    winner = winners(plan, y.y)
    table = _window_table(plan, _max_windows(plan, stage.node, x.y), y.y)
    away = winner.start - y.y.start
    forward = _each(
        plan, lambda x, y: call(Kernel.WINDOW_MAX, *table, y.planes, *_planes(x, y), away), x.y, y.y
    )
    return forward, [] if first else unpool(plan, stage.node, x.dy, y.dy, winner)


def mean(plan: Blueprint, stage: Stage, x: Value, y: Value, first: bool) -> tuple[list[Call], list[Call]]:
    """y = A x B^T, the means along both axes as matrices; dx = A^T dy B."""
    a, b = _means(stage.node)
    return _mean(plan, a, b, x.y, y.y), [] if first else _mean(plan, a.T, b.T, y.dy, x.dy)


def _mean(plan: Blueprint, a: Array, b: Array, x: Maps, y: Maps) -> list[Call]:
    found: list[Entries] = []
    plane = x.plane
    for row, column in pairs(a, b):
        inside = pairs(np.flatnonzero(row), np.flatnonzero(column))
        found.append([(int(plane[i, j]), plan.memory.constant(row[i] * column[j])) for i, j in inside])
    table = _window_table(plan, found, y)
    return _each(plan, lambda x, y: call(Kernel.WINDOW_MEAN, *table, y.planes, *_planes(x, y)), x, y)


def _means(node: Node) -> tuple[Array, Array]:
    """Return the matrices (H', H) and (W', W) whose rows take the mean of each window."""
    layer, (_, height, width) = node.layer, node.input_shape
    if isinstance(layer, AdaptiveAvgPool2d):
        rows, columns = pair(layer.output_size)
        return _matrix(AdaptiveAvgPool2d((rows, 1)), height), _matrix(AdaptiveAvgPool2d((columns, 1)), width)
    assert isinstance(layer, AvgPool2d)
    (kh, kw), (sh, sw), (ph, pw) = layer.sliding.kernel_size, layer.sliding.stride, layer.sliding.padding
    count = layer.count_include_pad
    down, across = (AvgPool2d((k, 1), (s, 1), (p, 0), count) for k, s, p in ((kh, sh, ph), (kw, sw, pw)))
    return _matrix(down, height), _matrix(across, width)


def _matrix(layer: AvgPool2d | AdaptiveAvgPool2d, size: int) -> Array:
    """Return what a layer does along one axis, (outputs, size), from what it does to unit vectors."""
    y, _ = layer.forward({}, np.eye(size)[:, None, :, None])
    return y[:, 0, :, 0].T


def _windows(s: Sliding, axis: int, size: int) -> list[Offsets]:
    """Return the positions along an axis that each window holds, those of the border left out."""
    kernel_size, stride, padding = s.kernel_size[axis], s.stride[axis], s.padding[axis]
    starts = range(-padding, windows(size, kernel_size, stride, padding) * stride - padding, stride)
    return [np.arange(max(start, 0), min(start + kernel_size, size)) for start in starts]


def _max_windows(plan: Blueprint, node: Node, x: Maps) -> list[Entries]:
    """Return the windows' entries and their numbers, both in row-major order, those of the border left out.

    A row's first entry has the same number in every window, the next one after the last of a whole row.
    """
    assert isinstance(node.layer, MaxPool2d)
    sliding, plane = node.layer.sliding, x.plane
    down, across = (_windows(sliding, axis, x.shape[axis + 1]) for axis in (0, 1))
    found: list[Entries] = []
    for rows, columns in pairs(down, across):
        numbered = pairs(enumerate(rows), enumerate(columns))
        numbers = ((plane[i, j], row * sliding.kernel_size[1] + column) for (row, i), (column, j) in numbered)
        found.append([(int(place), plan.memory.constant(number)) for place, number in numbers])
    return found


def _window_table(plan: Blueprint, found: list[Entries], y: Maps) -> tuple[int, int]:
    """Write the windows of a plane and return the table and the number of outputs."""
    numbers: list[int] = []
    for place, entries in zip(y.plane.ravel().tolist(), found, strict=True):
        numbers += [place, len(entries), *(number for entry in entries for number in entry)]
    return plan.table(np.array(numbers)), len(found)


def _planes(x: Maps, y: Maps) -> tuple[int, int, int, int]:
    return x.start, x.plane_size, y.start, y.plane_size
