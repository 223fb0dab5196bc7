"""A layer that acts on each entry by itself: the calls that it adds.

The activations but ReLU have functions of a vector of numbers in `entrywise`; a user's layer has those of a
number as `assay.nn.Layer.elementwise`: y(x) and dy/dx, each of x and the layer's fields in their order.
"""

from dataclasses import fields
from functools import partial
from math import isfinite
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from assay.engines.numba.blueprint import Blueprint, Stage, Value
from assay.engines.numba.calls import Call, call_applying
from assay.engines.numba.kernels import entrywise
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.entries import number_of
from assay.engines.numba.layout import Maps, Offsets
from assay.nn.layer import Layer
from assay.nn.rectifiers import ELU, SELU, LeakyReLU
from assay.nn.smooth import GELU, Sigmoid, Softplus, Tanh

Functions = tuple[Any, Any]

BUILT_IN: dict[type[Layer], Functions] = {
    LeakyReLU: (entrywise.leaky, entrywise.leaky_slope),
    ELU: (entrywise.elu, entrywise.elu_slope),
    SELU: (entrywise.elu, entrywise.elu_slope),
    Sigmoid: (entrywise.logistic, entrywise.logistic_slope),
    Tanh: (entrywise.tanh, entrywise.tanh_slope),
    Softplus: (entrywise.softplus, entrywise.logistic),
    GELU: (entrywise.gelu, entrywise.gelu_slope),
}


def acts_by_entry(layer: Layer) -> bool:
    """Whether a layer has compiled functions for one entry, and nothing that they do not say."""
    if type(layer) in BUILT_IN:
        return True
    found = layer.elementwise
    compiled = found is not None and all(isinstance(function, Dispatcher) for function in found)
    plain = type(layer).forward_training is Layer.forward_training
    return compiled and plain and _arguments(layer) is not None


def _functions(layer: Layer) -> Functions:
    found = BUILT_IN.get(type(layer)) or layer.elementwise
    assert found is not None
    return found


def _arguments(layer: Any) -> tuple[float, ...] | None:
    """Return what the functions are given after x: the layer's fields as numbers; None if they are not."""
    if type(layer) is SELU:
        return SELU.ALPHA, SELU.SCALE
    if type(layer) is ELU:
        return layer.alpha, 1.0
    values = [getattr(layer, field.name) for field in fields(layer)]
    if not all(isinstance(value, int | float) and isfinite(value) for value in values):
        return None
    return tuple(map(float, values))


def elementwise(
    plan: Blueprint, stage: Stage, x: Value, y: Value, first: bool
) -> tuple[list[Call], list[Call]]:
    """y = f(x) and dx = dy f'(x), entry by entry."""
    arguments = _arguments(stage.node.layer)
    assert arguments is not None
    each = [number_of(function, len(arguments)) for function in _functions(stage.node.layer)]
    places = plan.table(np.array([plan.memory.constant(value) for value in arguments], np.int64))
    forward = partial(_call, plan, Kernel.ENTRIES, each[0], places)
    backward = partial(_call, plan, Kernel.ENTRIES_GRADIENT, each[1], places)
    return (
        [forward(start, x.y, y.y) for start in _starts(plan)],
        [] if first else [backward(start, x.y, y.dy, x.dy) for start in _starts(plan)],
    )


def _starts(plan: Blueprint) -> list[tuple[int, int]]:
    return [(part.start, part.stop) for part in plan.parts]


def _call(
    plan: Blueprint, kernel: Kernel, function: int, arguments: int, blocks: tuple[int, int], *maps: Maps
) -> Call:
    """Return the call for some blocks: of each map a table of its rows, and the way to the next block."""
    bordered = any(each.border != (0, 0) for each in maps)
    parts = [each.part(*blocks) for each in maps]
    starts = [_rows(each, bordered) for each in parts]
    length = maps[0].lanes * (maps[0].shape[2] if bordered else int(np.prod(maps[0].shape)))
    places = [
        number
        for each, rows in zip(parts, starts, strict=True)
        for number in (plan.table(rows), each.block_size)
    ]
    sizes = (blocks[1] - blocks[0], starts[0].size, length, maps[0].lanes)
    made = call_applying(kernel, function, *sizes, arguments, *places)
    return made._replace(block=blocks[0])


def _rows(maps: Maps, bordered: bool) -> Offsets:
    """Return where each row of the first block begins or, without borders, where the block does."""
    return maps.offsets[0, :, :, 0].ravel() if bordered else np.array([maps.start])
