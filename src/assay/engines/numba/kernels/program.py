"""A program's calls but for products: one compiled function looks up which kernel each one names."""

from typing import NamedTuple

from assay.engines.base import Images, Labels
from assay.engines.numba.kernels import ends, maps, normalisation, updates, winograd
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.lanes import kernel
from assay.shapes import Array

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
def execute(call, tables, memory, data, now):  # noqa: PLR0912, PLR0915
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
    elif code == Kernel.WINOGRAD_WEIGHTS:
        winograd.weights(call, memory)
    elif code == Kernel.WINOGRAD_OUTPUT:
        _winograd_output(call, tables, memory)
    elif code == Kernel.WINOGRAD_OUTPUT_QUARTER:
        _winograd_output_quarter(call, tables, memory)
    elif code == Kernel.WINOGRAD_POOLED:
        _winograd_pooled(call, tables, memory)
    elif code == Kernel.WINOGRAD_POOLED_QUARTER:
        _winograd_pooled_quarter(call, tables, memory)
    elif code == Kernel.WINOGRAD_WEIGHT_GRADIENT:
        winograd.weight_gradient(call, memory)
    elif code == Kernel.BIAS_GRADIENT:
        maps.bias_gradient(call, memory)
    elif code == Kernel.TRANSPOSE:
        maps.transpose(call, memory)
    elif code == Kernel.ARRANGE:
        maps.arrange(call, tables, memory)
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
