"""What a program's calls do: each kernel's function, in one table.

A kernel is compiled by itself, for the programs that call it, and called by its address (`runner`). So what
it is handed is the same for all.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from numba import types
from numba.extending import overload

from assay.engines.base import Images, Labels
from assay.engines.numba.kernels import ends, maps, normalisation, pairs, updates, winograd
from assay.engines.numba.kernels.codes import Kernel, function_of, kernel_of, shape_of
from assay.engines.numba.kernels.entries import entries_kernel
from assay.engines.numba.kernels.products import dot, product
from assay.engines.numba.kernels.tiles import Shape
from assay.shapes import Array


class Data(NamedTuple):
    """What steps read besides the run's memory, and where they write class scores.

    ``rates`` are the learning rule's; ``factors`` what a schedule makes of the first, one a step.
    ``masks`` hold what dropout keeps, a row for each entry of ``order``, and ``rows`` the rows' numbers.
    """

    images: Images
    labels: Labels
    order: Labels
    rates: Array
    factors: Array
    masks: Images
    rows: Labels
    scores: Array


class Now(NamedTuple):
    """The number of the step, from 1, which part of the order is its batch, and the schedule's factor."""

    step: int
    start: int
    stop: int
    factor: float


Body = Callable[..., None]
"""Called with a kernel's number, call, tables, memory, data and now."""


def _on_memory(function: Any) -> Body:
    return lambda code, call, tables, memory, data, now: function(call, memory)


def _on_tables(function: Any) -> Body:
    return lambda code, call, tables, memory, data, now: function(call, tables, memory)


def _rule(function: Any) -> Body:
    return lambda code, call, tables, memory, data, now: function(call, memory, data.rates, now)


def _end(function: Any) -> Body:
    return lambda code, call, tables, memory, data, now: function(call, memory, data, now)


def _gather(code, call, tables, memory, data, now):
    ends.gather(call, tables, memory, data.images, data.order, now)


def _gather_masks(code, call, tables, memory, data, now):
    ends.gather(call, tables, memory, data.masks, data.rows, now)


def _during(function: Any) -> Body:
    return lambda code, call, tables, memory, data, now: function(call, tables, memory, now)


SHAPED: dict[Kernel, Callable[[Shape], Any]] = {
    Kernel.PRODUCT: product,
    Kernel.PRODUCT_POOLED: partial(product, pool=True),
    Kernel.DOT: dot,
}
"""What makes a kernel of a tile's shape."""

KERNELS: dict[Kernel, Body] = {
    Kernel.GATHER: _gather,
    Kernel.GATHER_MASKS: _gather_masks,
    Kernel.COLLECT: _end(ends.collect),
    Kernel.LOSS_GRADIENT: _end(ends.loss_gradient),
    Kernel.WINOGRAD_WEIGHTS: _on_memory(winograd.weights),
    Kernel.WINOGRAD_INPUT: _on_tables(winograd.gather(winograd.INPUT)),
    Kernel.WINOGRAD_INPUT_PAIRED: _on_tables(winograd.gather(winograd.INPUT, "paired")),
    Kernel.WINOGRAD_INPUT_NARROWED: _on_tables(winograd.gather(winograd.INPUT, "narrowed")),
    Kernel.WINOGRAD_OUTPUT: _on_tables(winograd.scatter()),
    Kernel.WINOGRAD_OUTPUT_QUARTER: _on_tables(winograd.scatter(quarter=True)),
    Kernel.WINOGRAD_POOLED: _on_tables(winograd.scatter(pool=True)),
    Kernel.WINOGRAD_POOLED_QUARTER: _on_tables(winograd.scatter(pool=True, quarter=True)),
    Kernel.WINOGRAD_GRADIENT: _on_tables(winograd.gather(winograd.GRADIENT)),
    Kernel.WINOGRAD_GRADIENT_NARROWED: _on_tables(winograd.gather(winograd.GRADIENT, "narrowed")),
    Kernel.WINOGRAD_WEIGHT_GRADIENT: _on_memory(winograd.weight_gradient),
    Kernel.BIAS_GRADIENT: _on_memory(maps.bias_gradient),
    Kernel.TRANSPOSE: _on_memory(maps.transpose),
    Kernel.ARRANGE: _on_tables(maps.arrange),
    Kernel.RELU: _on_memory(maps.relu),
    Kernel.RELU_GRADIENT: _on_memory(maps.relu_gradient),
    Kernel.WINDOW_MEAN: _on_tables(maps.window_mean),
    Kernel.WINDOW_MAX: _on_tables(maps.window_max),
    Kernel.WINDOW_MAX_GRADIENT: _on_tables(maps.window_max_gradient),
    Kernel.MASK: _on_tables(maps.mask),
    Kernel.COPY: _on_tables(maps.copy),
    Kernel.NORMALISE: _during(normalisation.normalise),
    Kernel.NORMALISE_BY_RUNNING: _on_tables(normalisation.normalise_by_running),
    Kernel.NORMALISE_GRADIENT: _during(normalisation.normalise_gradient),
    Kernel.PENALISE: _on_memory(updates.penalise),
    Kernel.SGD: _rule(updates.sgd),
    Kernel.MOMENTUM: _rule(updates.momentum),
    Kernel.ADAGRAD: _rule(updates.adagrad),
    Kernel.ADAM: _rule(updates.adam),
    Kernel.ADAMAX: _rule(updates.adamax),
    Kernel.PAIR: _on_memory(pairs.pair),
    Kernel.NARROW: _on_memory(pairs.narrow),
}
"""What each of the others does."""


def name_of(number: int) -> str:
    """Return a name for the kernel of a number, its tile's shape included."""
    shape, name = shape_of(number), kernel_of(number).name.lower()
    if function := function_of(number):
        return f"{name}_{function}"
    return shape.name(name) if shape else name


def body_of(number: int) -> Body:
    """Return what the kernel of a number does."""
    shape, kernel = shape_of(number), kernel_of(number)
    if function := function_of(number):
        return _on_tables(entries_kernel(kernel, function))
    return _on_tables(SHAPED[kernel](shape)) if shape else KERNELS[kernel]


def perform(code: int, call: Any, tables: Any, memory: Any, data: Any, now: Any) -> None:
    """Run one call, of the kernel that ``code`` names."""
    raise NotImplementedError("called by compiled functions only")


@overload(perform, prefer_literal=True, inline="always")
def _perform(code, call, tables, memory, data, now):
    return body_of(code.literal_value) if isinstance(code, types.IntegerLiteral) else None
