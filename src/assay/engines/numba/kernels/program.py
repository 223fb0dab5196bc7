"""A program: which kernels are called on what, once a training step.

One compiled function interprets it, so that many steps pass without Python and
without its lock, and a network that nobody has run before compiles nothing.
"""

from collections.abc import Callable
from enum import IntEnum, auto
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from assay.engines.base import Images, Labels
from assay.engines.numba.kernels import ends, maps, normalisation, updates, winograd
from assay.engines.numba.kernels.lanes import kernel
from assay.engines.numba.kernels.products import dot, product
from assay.engines.numba.kernels.tiles import Shape
from assay.shapes import Array


class Kernel(IntEnum):
    """The first number of a call."""

    GATHER = auto()
    GATHER_MASKS = auto()
    COLLECT = auto()
    LOSS_GRADIENT = auto()
    PRODUCT_8X1 = auto()
    PRODUCT_8X3 = auto()
    PRODUCT_6X4 = auto()
    PRODUCT_5X5 = auto()
    PRODUCT_4X6 = auto()
    PRODUCT_3X7 = auto()
    PRODUCT_3X7_QUARTER = auto()
    PRODUCT_5X5_QUARTER = auto()
    PRODUCT_POOLED = auto()
    PRODUCT_POOLED_QUARTER = auto()
    DOT_1X9 = auto()
    DOT_3X9 = auto()
    DOT_5X5 = auto()
    DOT_5X5_QUARTER = auto()
    WINOGRAD_WEIGHTS = auto()
    WINOGRAD_INPUT = auto()
    WINOGRAD_OUTPUT = auto()
    WINOGRAD_OUTPUT_QUARTER = auto()
    WINOGRAD_POOLED = auto()
    WINOGRAD_POOLED_QUARTER = auto()
    WINOGRAD_GRADIENT = auto()
    WINOGRAD_WEIGHT_GRADIENT = auto()
    BIAS_GRADIENT = auto()
    TRANSPOSE = auto()
    RELU = auto()
    RELU_GRADIENT = auto()
    WINDOW_MEAN = auto()
    WINDOW_MAX = auto()
    WINDOW_MAX_GRADIENT = auto()
    MASK = auto()
    COPY = auto()
    NORMALISE = auto()
    NORMALISE_BY_RUNNING = auto()
    NORMALISE_GRADIENT = auto()
    PENALISE = auto()
    SGD = auto()
    MOMENTUM = auto()
    ADAGRAD = auto()
    ADAM = auto()
    ADAMAX = auto()


EVALUATION = {Kernel.MASK: Kernel.COPY, Kernel.NORMALISE: Kernel.NORMALISE_BY_RUNNING}
"""What takes a kernel's place in evaluation mode, called alike."""

# A register for each sum, for each column, and one for the number: at most 32 together.
PRODUCTS = {
    Shape(8, 1): Kernel.PRODUCT_8X1,
    Shape(8, 3): Kernel.PRODUCT_8X3,
    Shape(6, 4): Kernel.PRODUCT_6X4,
    Shape(5, 5): Kernel.PRODUCT_5X5,
    Shape(4, 6): Kernel.PRODUCT_4X6,
    Shape(3, 7): Kernel.PRODUCT_3X7,
}
ENDING_IN_QUARTER = {Shape(3, 7, quarters=1): Kernel.PRODUCT_3X7_QUARTER}
QUARTERS = {Shape(5, 5, quarters=5): Kernel.PRODUCT_5X5_QUARTER}
POOLED = {Shape(5, 4): Kernel.PRODUCT_POOLED}
POOLED_QUARTERS = {Shape(5, 4, quarters=4): Kernel.PRODUCT_POOLED_QUARTER}
DOTS = {Shape(1, 9): Kernel.DOT_1X9, Shape(3, 9): Kernel.DOT_3X9, Shape(5, 5): Kernel.DOT_5X5}
DOT_QUARTERS = {Shape(5, 5, quarters=5): Kernel.DOT_5X5_QUARTER}

_product_8x1, _product_8x3, _product_6x4, _product_5x5, _product_4x6, _product_3x7 = map(product, PRODUCTS)
(_product_3x7_quarter,) = map(product, ENDING_IN_QUARTER)
(_product_5x5_quarter,) = map(product, QUARTERS)
(_product_pooled,) = (product(shape, pool=True) for shape in POOLED)
(_product_pooled_quarter,) = (product(shape, pool=True) for shape in POOLED_QUARTERS)
_dot_1x9, _dot_3x9, _dot_5x5 = map(dot, DOTS)
(_dot_5x5_quarter,) = map(dot, DOT_QUARTERS)
_winograd_input, _winograd_gradient = map(winograd.gather, (winograd.INPUT, winograd.GRADIENT))
_winograd_output, _winograd_output_quarter = (winograd.scatter(quarter=quarter) for quarter in (False, True))
_winograd_pooled, _winograd_pooled_quarter = (winograd.scatter(True, quarter) for quarter in (False, True))


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


@kernel
def _execute(call, tables, memory, data, now):  # noqa: PLR0912, PLR0915
    """Run one call."""
    code = call[0]
    if code == Kernel.GATHER:
        ends.gather(call, tables, memory, data.images, data.order, now)
    elif code == Kernel.GATHER_MASKS:
        ends.gather(call, tables, memory, data.masks, data.rows, now)
    elif code == Kernel.COLLECT:
        ends.collect(call, memory, data, now)
    elif code == Kernel.LOSS_GRADIENT:
        ends.loss_gradient(call, memory, data, now)
    elif code == Kernel.PRODUCT_8X1:
        _product_8x1(call, tables, memory)
    elif code == Kernel.PRODUCT_8X3:
        _product_8x3(call, tables, memory)
    elif code == Kernel.PRODUCT_6X4:
        _product_6x4(call, tables, memory)
    elif code == Kernel.PRODUCT_5X5:
        _product_5x5(call, tables, memory)
    elif code == Kernel.PRODUCT_5X5_QUARTER:
        _product_5x5_quarter(call, tables, memory)
    elif code == Kernel.PRODUCT_4X6:
        _product_4x6(call, tables, memory)
    elif code == Kernel.PRODUCT_3X7:
        _product_3x7(call, tables, memory)
    elif code == Kernel.PRODUCT_3X7_QUARTER:
        _product_3x7_quarter(call, tables, memory)
    elif code == Kernel.PRODUCT_POOLED:
        _product_pooled(call, tables, memory)
    elif code == Kernel.PRODUCT_POOLED_QUARTER:
        _product_pooled_quarter(call, tables, memory)
    elif code == Kernel.DOT_1X9:
        _dot_1x9(call, tables, memory)
    elif code == Kernel.DOT_3X9:
        _dot_3x9(call, tables, memory)
    elif code == Kernel.DOT_5X5:
        _dot_5x5(call, tables, memory)
    elif code == Kernel.DOT_5X5_QUARTER:
        _dot_5x5_quarter(call, tables, memory)
    elif code == Kernel.WINOGRAD_WEIGHTS:
        winograd.weights(call, memory)
    elif code == Kernel.WINOGRAD_INPUT:
        _winograd_input(call, tables, memory)
    elif code == Kernel.WINOGRAD_OUTPUT:
        _winograd_output(call, tables, memory)
    elif code == Kernel.WINOGRAD_OUTPUT_QUARTER:
        _winograd_output_quarter(call, tables, memory)
    elif code == Kernel.WINOGRAD_POOLED:
        _winograd_pooled(call, tables, memory)
    elif code == Kernel.WINOGRAD_POOLED_QUARTER:
        _winograd_pooled_quarter(call, tables, memory)
    elif code == Kernel.WINOGRAD_GRADIENT:
        _winograd_gradient(call, tables, memory)
    elif code == Kernel.WINOGRAD_WEIGHT_GRADIENT:
        winograd.weight_gradient(call, memory)
    elif code == Kernel.BIAS_GRADIENT:
        maps.bias_gradient(call, memory)
    elif code == Kernel.TRANSPOSE:
        maps.transpose(call, memory)
    elif code == Kernel.RELU:
        maps.relu(call, memory)
    elif code == Kernel.RELU_GRADIENT:
        maps.relu_gradient(call, memory)
    elif code == Kernel.WINDOW_MEAN:
        maps.window_mean(call, tables, memory)
    elif code == Kernel.WINDOW_MAX:
        maps.window_max(call, tables, memory)
    elif code == Kernel.WINDOW_MAX_GRADIENT:
        maps.window_max_gradient(call, tables, memory)
    elif code == Kernel.MASK:
        maps.mask(call, tables, memory)
    elif code == Kernel.COPY:
        maps.copy(call, tables, memory)
    elif code == Kernel.NORMALISE:
        normalisation.normalise(call, tables, memory, now)
    elif code == Kernel.NORMALISE_BY_RUNNING:
        normalisation.normalise_by_running(call, tables, memory)
    elif code == Kernel.NORMALISE_GRADIENT:
        normalisation.normalise_gradient(call, tables, memory, now)
    elif code == Kernel.PENALISE:
        updates.penalise(call, memory)
    elif code == Kernel.SGD:
        updates.sgd(call, memory, data.rates, now)
    elif code == Kernel.MOMENTUM:
        updates.momentum(call, memory, data.rates, now)
    elif code == Kernel.ADAGRAD:
        updates.adagrad(call, memory, data.rates, now)
    elif code == Kernel.ADAM:
        updates.adam(call, memory, data.rates, now)
    elif code == Kernel.ADAMAX:
        updates.adamax(call, memory, data.rates, now)


Program = NDArray[np.int64]
"""Calls, one a row: the kernel, then where its operands lie and how many they are."""

Runner = Callable[[Program, NDArray[np.int64], Array, Data, int, int], None]


@cache
def runner() -> Runner:
    """Return the interpreter: it runs a program on each batch of an order, counting steps on.

    Compiled at its first call for a precision, and kept on disk until a kernel
    changes: Numba's cache looks at this file alone, so their hash is part of the function.
    """
    version = _digest()

    @njit(nogil=True, cache=True)
    def run(program, tables, memory, data, size, step):
        _ = version
        for start in range(0, len(data.order), size):
            step += 1
            now = Now(step, start, min(start + size, len(data.order)), data.factors[start // size])
            for i in range(len(program)):
                _execute(program[i], tables, memory, data, now)

    return run


def _digest() -> int:
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = blake2b(b"".join(source.read_bytes() for source in sources), digest_size=7).digest()
    return int.from_bytes(digest, "little")
