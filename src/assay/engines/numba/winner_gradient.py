"""The weights' gradient of a pooled convolution from the windows' winners: the calls that it adds to a plan.

A block of examples at a time: its x is turned about, so that each example's lies together, the channels of a
pixel side by side; the dy of all windows that have a winner are listed, with where the x lies that
the winner was made of; and each adds its dy times that x to the sums of its channel (`kernels.winners`).
"""

from math import ceil, prod

import numpy as np

from assay.engines.numba.blueprint import Blueprint, Stage
from assay.engines.numba.calls import AFTER, Call, at, call
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.tiles import Shape
from assay.engines.numba.kernels.winners import MOST
from assay.engines.numba.layout import Maps, Offsets
from assay.engines.registers import REGISTERS
from assay.nn.conv2d import Conv2d

ALIVE = 0.85
"""Windows behind a ReLU that have a winner: in trained networks of the 2017 report 80 to 90%."""
LOADS = 1 + REGISTERS.bytes / 64
"""What a vector takes that may begin anywhere, in multiplications: it lies in two lines of the cache as
often as not."""
PASS, LISTED, TURNED, DENSE, UNPOOLED = 1, 2.5, 0.7, 1.2, 2.3
"""Likewise what it costs to add a term beside its vectors, to list a window, to turn a number of x about, a
multiplication of the usual product over examples, and to write a window's four gradients: each as measured in
the 2017 report's networks."""
GAIN = 0.9
"""How much less it has to cost than the usual product."""


def pays(stage: Stage, plan: Blueprint, first: bool) -> bool:
    """Whether winners alone cost less than all positions; they need each row of a kernel to lie together."""
    layer, node = stage.node.layer, stage.node
    assert isinstance(layer, Conv2d)
    if not stage.pool or plan.pairs or layer.groups > 1 or layer.sliding.dilation[1] > 1:
        return False
    shapes = _shapes(layer, node.input_shape[0], plan.memory.lanes)
    if shapes[0].columns > MOST:
        return False
    windows, terms = prod(stage.output_shape), prod(layer.sliding.kernel_size) * node.input_shape[0]
    usual = windows * (4 * terms / plan.memory.lanes * DENSE + UNPOOLED * first)
    each = sum(LOADS * shape.rows * shape.columns + PASS for shape in shapes)
    winners = windows * (LISTED + (ALIVE if stage.relu else 1) * each) + TURNED * prod(node.input_shape)
    return winners < GAIN * usual


def _shapes(layer: Conv2d, channels: int, lanes: int) -> list[Shape]:
    """Return the tiles of a kernel's rows, as equal as can be, each row in whole vectors."""
    rows, width = layer.sliding.kernel_size
    columns = ceil(width * channels / lanes)
    parts = ceil(rows / max(MOST // columns, 1))
    return [Shape(rows // parts + (part < rows % parts), columns) for part in range(parts)]


class WinnerGradient:
    """Of one layer that convolves ``x``; its pooling's windows begin at ``corners``, rows and columns."""

    def __init__(self, plan: Blueprint, stage: Stage, x: Maps, corners: tuple[Offsets, Offsets]) -> None:
        layer = stage.node.layer
        assert isinstance(layer, Conv2d)
        self._plan, self._lanes, self._outputs = plan, x.lanes, stage.output_shape[0]
        _, channels, _, width = x.bordered.shape
        (down, across), dilation = layer.sliding.stride, layer.sliding.dilation[0]
        self._right, self._below = across * channels, down * width * channels
        self._row = dilation * width * channels
        self._first = corners[0][:, None] * self._below + corners[1] * self._right
        self._pixels = np.moveaxis(x.bordered[0] - x.start, 0, -1)
        self._shapes = _shapes(layer, channels, x.lanes)
        self._sums = [plan.memory.take(self._outputs * self._size(shape)) for shape in self._shapes]

    def _size(self, shape: Shape) -> int:
        """Return how many numbers the sums of one output are in a tile."""
        return shape.rows * shape.columns * self._lanes

    def of_block(self, block: int, x: Maps, dy: Maps, winner: Maps) -> list[Call]:
        """Return what a block of examples adds to the sums, or begins them with."""
        plan, lanes = self._plan, self._lanes
        features, windows = self._pixels.size, self._first.size
        apart, size = plan.padded(features), 2 * (windows + 1) * lanes
        turned = plan.scratch(lanes * (apart + MOST), "turned")  # the last vector reaches beyond
        lists = plan.scratch(self._outputs * size, "winners"), size, plan.scratch(self._outputs, "ends")
        table = plan.table(np.column_stack([dy.plane.ravel(), self._first.ravel()]))
        sources = dy.start, dy.plane_size, winner.start - dy.start
        steps = apart, self._right, self._below
        made = [
            call(Kernel.TRANSPOSE_LISTED, x.start, plan.table(self._pixels), features, lanes, turned, apart),
            call(Kernel.WINNING, table, windows, self._outputs, *sources, *lists, *steps),
        ]
        for shape, sums in zip(self._shapes, self._sums, strict=True):
            target = sums, self._size(shape), block > 0
            made.append(
                call(Kernel.WINNER_SUMS, self._outputs, *lists, turned, self._row, *target, shape=shape)
            )
            turned += shape.rows * self._row
        return at(block, made)

    def arranged(self, grad: Offsets) -> list[Call]:
        """Return the call that arranges the sums as the weights are, (outputs, channels, rows, columns)."""
        rows = [
            np.arange(sums, sums + self._outputs * self._size(shape)).reshape(self._outputs, shape.rows, -1)
            for shape, sums in zip(self._shapes, self._sums, strict=True)
        ]
        outputs, channels, height, width = grad.shape
        used = np.concatenate(rows, axis=1)[:, :, : width * channels]
        places = np.moveaxis(used.reshape(outputs, height, width, channels), -1, 1)
        start = self._sums[0]
        table = self._plan.table(places - start)
        return at(AFTER, [call(Kernel.ARRANGE, start, table, grad.size, int(grad.flat[0]))])
