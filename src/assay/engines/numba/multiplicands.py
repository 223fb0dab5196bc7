"""What products multiply: maps and weights as they are or, of bfloat16, copies of them (`kernels.pairs`).

Each function returns where the factors lie and the calls that make them, of which
there are none where they are taken as they are. Copies of maps are made each time, in space that
other stages also use; those of weights once per step.
"""

from dataclasses import replace
from math import prod

import numpy as np

from assay.engines.numba.blueprint import Blueprint
from assay.engines.numba.calls import Call, call
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.layout import Maps, Offsets


def half(count: int) -> int:
    """Return how many pairs a number of terms makes."""
    return -(-count // 2)


def terms(plan: Blueprint, count: int) -> int:
    """Return how many terms a product's sum over so many takes: pairs count once."""
    return half(count) if plan.pairs else count


def paired_channels(plan: Blueprint, maps: Maps, groups: int = 1) -> tuple[Maps, list[Call]]:
    """Return maps for a sum over channels, those of a group among themselves."""
    if not plan.pairs:
        return maps, []
    channels, height, width = maps.shape
    own = channels // groups
    found = replace(maps, shape=(groups * half(own), height, width))
    found = replace(found, start=plan.scratch(found.size, "pairs"))
    return found, [_pair(plan, maps.start, maps.blocks * groups, own, maps.plane_size, found.start)]


def paired_weights(plan: Blueprint, weight: Offsets, axis: int) -> tuple[Offsets, list[Call]]:
    """Return weights, which lie one behind the other, for a sum over an axis that is not the last."""
    if not plan.pairs:
        return weight, []
    before, (rows, *after) = weight.shape[:axis], weight.shape[axis:]
    found = plan.memory.places((*before, half(rows), *after), plan.memory.lanes)  # for the last vector's end
    made = _pair(plan, int(weight.flat[0]), prod(before), rows, prod(after), int(found.flat[0]))
    return found, [made]


def _pair(plan: Blueprint, x: int, groups: int, rows: int, length: int, y: int) -> Call:
    """Put rows into pairs."""
    return call(Kernel.PAIR, x, groups, rows, length, plan.memory.lanes, y)


def arranged_weights(plan: Blueprint, weight: Offsets) -> tuple[Offsets, Call]:
    """Return weights that lie one behind the other in the order of ``weight``."""
    found, first = plan.memory.places(weight.shape), int(weight.min())
    made = call(Kernel.ARRANGE, first, plan.table(weight - first), weight.size, int(found.flat[0]))
    return found, made


def narrowed_maps(plan: Blueprint, maps: Maps, use: str) -> tuple[Maps, list[Call]]:
    """Return maps for a sum over examples; those for another ``use`` lie elsewhere."""
    if not plan.pairs:
        return maps, []
    start = plan.scratch(maps.size // 2, use)
    made = call(Kernel.NARROW, maps.start, maps.size, maps.lanes, start)
    return replace(maps, start=start, lanes=maps.lanes // 2), [made]


def narrowed_weights(plan: Blueprint, weight: Offsets) -> tuple[Offsets, list[Call]]:
    """Return weights that lie one behind the other, of an even number, for a sum over the last axis."""
    if not plan.pairs:
        return weight, []
    start = plan.memory.take(weight.size)  # half of whole vectors, that is
    made = call(Kernel.NARROW, int(weight.flat[0]), weight.size, plan.memory.lanes, start)
    shape = (*weight.shape[:-1], weight.shape[-1] // 2)
    return np.arange(start, start + weight.size // 2).reshape(shape), [made]
