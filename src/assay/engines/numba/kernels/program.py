"""What a program's calls do: each kernel's function, in one table.

A kernel is compiled by itself, for the programs that call it, and called by its address (`runner`). So what
it is handed is the same for all.
"""

from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any, NamedTuple

from assay.engines.numba.kernels import (
    bits,
    ends,
    maps,
    normalisation,
    pairs,
    sparse,
    updates,
    winner_tiles,
    winners,
    winograd,
)
from assay.engines.numba.kernels.codes import Kernel, function_of, kernel_of, shape_of
from assay.engines.numba.kernels.entries import entries_kernel
from assay.engines.numba.kernels.invocation import opened
from assay.engines.numba.kernels.products import dot, product
from assay.engines.numba.kernels.tiles import Shape


class Body(NamedTuple):
    """What a kernel does: ``function``, on what the ``form`` takes out of a frame."""

    form: Callable[[int], Callable[..., None]]
    function: Any


def function(*operands: Any) -> None:
    """Stand for a kernel's own function in the forms, which `entry` puts in its place."""
    raise NotImplementedError("called by compiled functions only")


def entry(body: Body, version: int) -> Callable[..., None]:
    """Return what is compiled of a kernel: the lines of its form, with its own function as a global.

    In its closure is the version alone, by which Numba's cache tells it apart; a function there would be
    another one in each process. As the whole of a kernel it compiles in half of the time that it takes
    where Numba puts it in the place of a call.
    """
    form: Any = body.form(version)
    names = {**form.__globals__, "function": body.function}
    return FunctionType(form.__code__, names, form.__name__, None, form.__closure__)


def _on_memory(version):
    def run(call, frame):
        _ = version
        _, memory, _, _ = opened(frame)
        function(call, memory)

    return run


def _on_tables(version):
    def run(call, frame):
        _ = version
        tables, memory, _, _ = opened(frame)
        function(call, tables, memory)

    return run


def _during(version):
    def run(call, frame):
        _ = version
        tables, memory, _, now = opened(frame)
        function(call, tables, memory, now)

    return run


def _rule(version):
    def run(call, frame):
        _ = version
        _, memory, data, now = opened(frame)
        function(call, memory, data.rates, now)

    return run


def _end(version):
    def run(call, frame):
        _ = version
        _, memory, data, now = opened(frame)
        function(call, memory, data, now)

    return run


def _of_images(version):
    def run(call, frame):
        _ = version
        tables, memory, data, now = opened(frame)
        function(call, tables, memory, data.images, data.order, now)

    return run


def _of_masks(version):
    def run(call, frame):
        _ = version
        tables, memory, data, now = opened(frame)
        function(call, tables, memory, data.masks, data.rows, now)

    return run


SHAPED: dict[Kernel, Callable[[Shape], Any]] = {
    Kernel.PRODUCT: product,
    Kernel.PRODUCT_POOLED: partial(product, pool=True),
    Kernel.DOT: dot,
    Kernel.PRODUCT_SPARSE: sparse.sparse_product,
    Kernel.WINNER_SUMS: winner_tiles.winner_sums,
    Kernel.WINNER_SPREAD: winner_tiles.winner_spread,
}
"""What makes a kernel of a tile's shape."""

KERNELS: dict[Kernel, Body] = {
    Kernel.GATHER: Body(_of_images, ends.gather),
    Kernel.GATHER_MASKS: Body(_of_masks, ends.gather),
    Kernel.COLLECT: Body(_end, ends.collect),
    Kernel.LOSS_GRADIENT: Body(_end, ends.loss_gradient),
    Kernel.WINOGRAD_WEIGHTS: Body(_on_memory, winograd.weights),
    Kernel.WINOGRAD_INPUT: Body(_on_tables, winograd.gather(winograd.INPUT)),
    Kernel.WINOGRAD_INPUT_PAIRED: Body(_on_tables, winograd.gather(winograd.INPUT, "paired")),
    Kernel.WINOGRAD_INPUT_NARROWED: Body(_on_tables, winograd.gather(winograd.INPUT, "narrowed")),
    Kernel.WINOGRAD_OUTPUT: Body(_on_tables, winograd.scatter()),
    Kernel.WINOGRAD_OUTPUT_QUARTER: Body(_on_tables, winograd.scatter(quarter=True)),
    Kernel.WINOGRAD_POOLED: Body(_on_tables, winograd.scatter(pool=True)),
    Kernel.WINOGRAD_POOLED_QUARTER: Body(_on_tables, winograd.scatter(pool=True, quarter=True)),
    Kernel.WINOGRAD_GRADIENT: Body(_on_tables, winograd.gather(winograd.GRADIENT)),
    Kernel.WINOGRAD_GRADIENT_NARROWED: Body(_on_tables, winograd.gather(winograd.GRADIENT, "narrowed")),
    Kernel.WINOGRAD_WEIGHT_GRADIENT: Body(_on_memory, winograd.weight_gradient),
    Kernel.BIAS_GRADIENT: Body(_on_memory, maps.bias_gradient),
    Kernel.TRANSPOSE: Body(_on_memory, maps.transpose),
    Kernel.ARRANGE: Body(_on_tables, maps.arrange),
    Kernel.RELU: Body(_on_memory, maps.relu),
    Kernel.RELU_GRADIENT: Body(_on_memory, maps.relu_gradient),
    Kernel.WINDOW_MEAN: Body(_on_tables, maps.window_mean),
    Kernel.WINDOW_MAX: Body(_on_tables, maps.window_max),
    Kernel.WINDOW_MAX_GRADIENT: Body(_on_tables, maps.window_max_gradient),
    Kernel.MASK: Body(_on_tables, maps.mask),
    Kernel.COPY: Body(_on_tables, maps.copy),
    Kernel.NORMALISE: Body(_during, normalisation.normalise),
    Kernel.NORMALISE_BY_RUNNING: Body(_on_tables, normalisation.normalise_by_running),
    Kernel.NORMALISE_GRADIENT: Body(_during, normalisation.normalise_gradient),
    Kernel.PENALISE: Body(_on_memory, updates.penalise),
    Kernel.SGD: Body(_rule, updates.sgd),
    Kernel.MOMENTUM: Body(_rule, updates.momentum),
    Kernel.ADAGRAD: Body(_rule, updates.adagrad),
    Kernel.ADAM: Body(_rule, updates.adam),
    Kernel.ADAMAX: Body(_rule, updates.adamax),
    Kernel.PAIR: Body(_on_memory, pairs.pair),
    Kernel.NARROW: Body(_on_memory, pairs.narrow),
    Kernel.MARK: Body(_of_images, bits.mark),
    Kernel.TURN: Body(_on_memory, bits.turn_words),
    Kernel.FINITE: Body(_on_memory, sparse.finite),
    Kernel.TRANSPOSE_BACK: Body(_on_memory, maps.transpose_back),
    Kernel.TRANSPOSE_LISTED: Body(_on_tables, winners.transpose_listed),
    Kernel.WINNING: Body(_on_tables, winners.winning),
    Kernel.RETURNED: Body(_on_tables, winners.returned),
}
"""What each of the others does."""


def name_of(number: int) -> str:
    """Return a name for the kernel of a number, its tile's shape included."""
    shape, name = shape_of(number), kernel_of(number).name.lower()
    if applied := function_of(number):
        return f"{name}_{applied}"
    return shape.name(name) if shape else name


def body_of(number: int) -> Body:
    """Return what the kernel of a number does."""
    shape, kernel = shape_of(number), kernel_of(number)
    if applied := function_of(number):
        return Body(_on_tables, entries_kernel(kernel, applied))
    return Body(_on_tables, SHAPED[kernel](shape)) if shape else KERNELS[kernel]
