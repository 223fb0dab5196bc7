"""What products multiply: maps and weights as they are or, of bfloat16, copies of them (`kernels.pairs`).

Each function returns where the factors lie and the calls that make them, of which
there are none where they are taken as they are. Copies are made anew each time, in
room that other stages use too.
"""

from dataclasses import replace
from math import prod

import numpy as np

from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.layout import Maps, Offsets
from assay.engines.numba.plan import Call, Plan, call


def half(count: int) -> int:
    """Return how many pairs a number of terms makes."""
    return -(-count // 2)


def terms(plan: Plan, count: int) -> int:
    """Return how many terms a product's sum over so many takes: pairs count once."""
    return half(count) if plan.pairs else count


def paired_channels(plan: Plan, maps: Maps, groups: int = 1) -> tuple[Maps, list[Call]]:
    """Return maps for a sum over channels, those of a group among themselves."""
    if not plan.pairs:
        return maps, []
    channels, height, width = maps.shape
    own = channels // groups
    start, calls = _pair(plan, maps.start, maps.blocks * groups, own, maps.plane_size, "pairs")
    return replace(maps, start=start, shape=(groups * half(own), height, width)), calls


def paired_weights(plan: Plan, weight: Offsets, axis: int) -> tuple[Offsets, list[Call]]:
    """Return weights, which lie one behind the other, for a sum over an axis that is not the last."""
    if not plan.pairs:
        return weight, []
    before, (rows, *after) = weight.shape[:axis], weight.shape[axis:]
    start, calls = _pair(plan, int(weight.flat[0]), prod(before), rows, prod(after), "weights")
    shape = (*before, half(rows), *after)
    return np.arange(start, start + prod(shape)).reshape(shape), calls


def _pair(plan: Plan, x: int, groups: int, rows: int, length: int, use: str) -> tuple[int, list[Call]]:
    """Put rows into pairs; the last vector may reach beyond the end."""
    lanes = plan.memory.lanes
    y = plan.scratch(groups * half(rows) * length + lanes, use)
    return y, [call(Kernel.PAIR, x, groups, rows, length, lanes, y)]


def narrowed_maps(plan: Plan, maps: Maps, use: str) -> tuple[Maps, list[Call]]:
    """Return maps for a sum over examples; those for another ``use`` lie elsewhere."""
    if not plan.pairs:
        return maps, []
    start, calls = _narrow(plan, maps.start, maps.size, use)
    return replace(maps, start=start, lanes=maps.lanes // 2), calls


def narrowed_weights(plan: Plan, weight: Offsets) -> tuple[Offsets, list[Call]]:
    """Return weights that lie one behind the other, of an even number, for a sum over the last axis."""
    if not plan.pairs:
        return weight, []
    start, calls = _narrow(plan, int(weight.flat[0]), weight.size, "weights")
    shape = (*weight.shape[:-1], weight.shape[-1] // 2)
    return np.arange(start, start + weight.size // 2).reshape(shape), calls


def _narrow(plan: Plan, x: int, size: int, use: str) -> tuple[int, list[Call]]:
    lanes = plan.memory.lanes
    y = plan.scratch(plan.padded(size) // 2, use)
    return y, [call(Kernel.NARROW, x, size, lanes, y)]
