"""The gradients of a pooled convolution from its windows' winners: the calls that they add to a plan.

A block of examples at a time: its x is turned about, so that each example's lies together, the channels of a
pixel side by side; the dy of all windows that have a winner are listed, with where the x lies that
the winner was made of (`kernels.winners`). Then each adds its dy times that x to the sums of its output
channel and, where the layer before needs its gradient, its dy times the weights to the gradient there
(`kernels.winner_tiles`).
"""

from functools import cached_property
from math import ceil, gcd, prod

import numpy as np

from assay.engines.numba.blueprint import Blueprint, Stage, Value
from assay.engines.numba.calls import AFTER, Call, at, call
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.tiles import Shape
from assay.engines.numba.kernels.winner_tiles import MOST, PAIR
from assay.engines.numba.layout import ZERO, Maps, Offsets
from assay.engines.registers import REGISTERS
from assay.nn.conv2d import Conv2d

ALIVE = 0.85
"""Windows behind a ReLU that have a winner: in trained networks of the 2017 report 80 to 90%."""
TERM, LISTED, TURNED, RETURNED, UNPOOLED = 1, 2.5, 0.7, 1.2, 2.3
"""What it costs, in multiplications of vectors, to add a term beside its vectors, to list a window, to turn a
number of x about, one of dx back, and to write a window's four gradients: as measured in the 2017 report's
networks, and in some thirty others with 1 to 48 channels."""
LOADS = {Kernel.WINNER_SUMS: 1, Kernel.WINNER_SPREAD: 2}
"""How often a term loads or stores each of its vectors: dx is both."""
NEAR, FAR = 2**19, 6
"""Bytes of lists that stay in the cache, and what it costs to list a window where they do not."""
DENSE = 1.5 if REGISTERS.count < 32 else 1.2
"""Likewise a multiplication of the usual products: smaller register tiles load more for each."""
LESS = 0.66
"""How much of the usual a gradient may cost: networks with more got no faster."""
LINE, WAY = 2**6, 2**12
"""Bytes of a line of the cache, and after how many more lines share a set of the first cache with it, which
holds few."""


def weights_pay(stage: Stage, plan: Blueprint, first: bool) -> bool:
    """Whether the weights' gradient costs less by winners alone; behind the ``first`` layer it is all.

    Kernels of one pixel got no faster, whatever their channels: with few vectors, a term's own cost tells.
    """
    layer = stage.node.layer
    assert isinstance(layer, Conv2d)
    if not _applies(stage, plan) or layer.sliding.kernel_size == (1, 1):
        return False
    usual = _windows(stage) * (_usual(stage, plan) + UNPOOLED * first)
    turned = TURNED * prod(stage.node.input_shape)
    winners = _windows(stage) * (_listed(stage, plan) + _terms(stage, plan, Kernel.WINNER_SUMS)) + turned
    return winners < LESS * usual


def input_pays(stage: Stage, plan: Blueprint) -> bool:
    """Whether the input's gradient does, where the weights' is made so.

    Of each term dx is loaded and stored; where it is not made so, dy has to be unpooled first.
    """
    usual = _windows(stage) * (_usual(stage, plan) + UNPOOLED)
    channels, *size = stage.node.input_shape
    returned = RETURNED * plan.padded(channels) * prod(size)  # each pixel in whole vectors
    winners = _windows(stage) * _terms(stage, plan, Kernel.WINNER_SPREAD) + returned
    return winners < LESS * usual


def _applies(stage: Stage, plan: Blueprint) -> bool:
    """Whether winners can be listed: a kernel's rows have no gaps, and numbers of memory can tell places."""
    layer = stage.node.layer
    assert isinstance(layer, Conv2d)
    if stage.pool is None or layer.groups > 1 or layer.sliding.dilation[1] > 1 or plan.pairs:
        return False
    exact = 2 ** (np.finfo(plan.memory.dtype).nmant + 1)  # up to here every integer is a number of its own
    return _columns(stage, plan) <= MOST and plan.memory.lanes * _apart(stage, plan) <= exact


def _windows(stage: Stage) -> int:
    """Return an example's windows, of all channels."""
    return prod(stage.output_shape)


def _usual(stage: Stage, plan: Blueprint) -> float:
    """Return what a window's four gradients cost in a product, each times a whole kernel."""
    weight = stage.node.parameters[f"{stage.node.name}.weight"]
    return 4 * prod(weight.shape[1:]) / plan.memory.lanes * DENSE


def _listed(stage: Stage, plan: Blueprint) -> float:
    """Return what it costs to list a window: those of a block, of all channels, are listed at once."""
    return LISTED if PAIR * _windows(stage) * plan.memory.vector_bytes <= NEAR else FAR


def _terms(stage: Stage, plan: Blueprint, kernel: Kernel) -> float:
    """Return what it costs to add the terms of a window."""
    terms = sum(of_term(kernel, shape, _loaded(stage, plan)) for shape in _shapes(stage, plan))
    return terms * (ALIVE if stage.relu else 1)


def of_term(kernel: Kernel, shape: Shape, loaded: float = 1.0) -> float:
    """Return what it costs to add a term, by a kernel whose vectors take so long to load each."""
    return LOADS[kernel] * loaded * shape.rows * shape.columns + TERM


def _loaded(stage: Stage, plan: Blueprint) -> float:
    """Return what a vector takes that begins at any pixel: twice as much where it lies in two lines."""
    size = plan.memory.vector_bytes
    pixel = stage.node.input_shape[0] * size // plan.memory.lanes
    return 1 + max(size - gcd(pixel, LINE), 0) / LINE


def _columns(stage: Stage, plan: Blueprint) -> int:
    """Return how many vectors a kernel's row takes."""
    layer = stage.node.layer
    assert isinstance(layer, Conv2d)
    return ceil(layer.sliding.kernel_size[1] * stage.node.input_shape[0] / plan.memory.lanes)


def _shapes(stage: Stage, plan: Blueprint) -> list[Shape]:
    """Return the tiles of a kernel's rows, as equal as can be, each row in whole vectors."""
    layer, columns = stage.node.layer, _columns(stage, plan)
    assert isinstance(layer, Conv2d)
    rows = layer.sliding.kernel_size[0]
    parts = ceil(rows / max(MOST // columns, 1))
    return [Shape(rows // parts + (part < rows % parts), columns) for part in range(parts)]


def _apart(stage: Stage, plan: Blueprint) -> int:
    """Return how far apart the x of two examples lie: a vector's examples are spread evenly over a `WAY`.

    A window has a winner in each of them, whose kernels' rows so find room in the first cache together.
    """
    layer, (channels, height, width) = stage.node.layer, stage.node.input_shape
    assert isinstance(layer, Conv2d)
    down, across = layer.sliding.padding
    step = WAY // plan.memory.vector_bytes  # bytes of a way over lanes, in numbers
    return step * (ceil(channels * (height + 2 * down) * (width + 2 * across) / step) | 1)


class WinnerGradient:
    """The gradients of one layer that convolves ``x``.

    Its pooling's windows begin at ``corners``, rows and columns of the layer's output.
    """

    def __init__(self, plan: Blueprint, stage: Stage, x: Value, corners: tuple[Offsets, Offsets]) -> None:
        layer = stage.node.layer
        assert isinstance(layer, Conv2d)
        self._plan, self._x, self._lanes = plan, x, x.y.lanes
        self._outputs, (_, channels, _, width) = stage.output_shape[0], x.y.bordered.shape
        (down, across), dilation = layer.sliding.stride, layer.sliding.dilation[0]
        self._right, self._below = across * channels, down * width * channels
        self._step = dilation * width * channels
        self._first = corners[0][:, None] * self._below + corners[1] * self._right
        self._pixels = np.moveaxis(x.y.bordered[0] - x.y.start, 0, -1)
        # The last whole vector of entries is read to its end, although it does not matter what is there.
        filled = plan.padded(self._pixels.size) - self._pixels.size
        self._listed = plan.table(np.pad(self._pixels.ravel(), (0, filled)))
        self._apart = _apart(stage, plan)
        self._shapes = _shapes(stage, plan)
        self._size = sum(self._in_tile(shape) for shape in self._shapes)
        self._places = self._placed(channels, *layer.sliding.kernel_size)
        self._sums = plan.memory.take(self._outputs * self._size)

    def _in_tile(self, shape: Shape) -> int:
        return shape.rows * shape.columns * self._lanes

    def _placed(self, channels: int, height: int, width: int) -> Offsets:
        """Return where weights (outputs, channels, height, width) lie in rows of whole vectors."""
        rows = np.arange(self._outputs * self._size).reshape(self._outputs, height, -1)
        by_pixel = rows[:, :, : width * channels].reshape(self._outputs, height, width, channels)
        return np.moveaxis(by_pixel, -1, 1)

    def _together(self, use: str) -> int:
        """Reserve room for a block's maps, each example's together; a row's last vector may reach beyond.

        What lies there is multiplied too, for sums that nobody reads, or by the zeros behind weights.
        """
        return self._plan.scratch(self._lanes * (self._apart + 1), f"together {use}")

    def _lists(self) -> tuple[int, int, int]:
        """Reserve lists; return where they begin, from one to the next, and where their ends are noted."""
        plan, size = self._plan, PAIR * (self._first.size + 1) * self._lanes
        return plan.scratch(self._outputs * size, "winners"), size, plan.scratch(self._outputs, "ends")

    def _tiles(self, kernel: Kernel, maps: int, weights: int, *ending: int) -> list[Call]:
        """Return the calls for the parts of the kernel's rows."""
        calls = []
        for shape in self._shapes:
            places = maps, self._step, weights, self._size
            calls.append(call(kernel, self._outputs, *self._lists(), *places, *ending, shape=shape))
            maps, weights = maps + shape.rows * self._step, weights + self._in_tile(shape)
        return calls

    def of_block(self, block: int, dy: Maps, winner: Maps) -> list[Call]:
        """List a block's winners, and return what they add to the weights' gradient, or begin it with."""
        plan, lanes, x = self._plan, self._lanes, self._x.y.part(block, block + 1)
        windows = plan.table(np.column_stack([dy.plane.ravel(), self._first.ravel()]))
        sources = dy.start, dy.plane_size, winner.start - dy.start
        steps = self._apart, self._right, self._below
        together, size = self._together("x"), self._pixels.size
        made = [
            call(Kernel.TRANSPOSE_LISTED, x.start, self._listed, size, lanes, together, self._apart),
            call(Kernel.WINNING, windows, self._first.size, self._outputs, *sources, *self._lists(), *steps),
            *self._tiles(Kernel.WINNER_SUMS, together, self._sums, block > 0),
        ]
        return at(block, made)

    def arranged(self, grad: Offsets) -> list[Call]:
        """Return the call that arranges the sums as the weights are, (outputs, channels, rows, columns)."""
        table = self._plan.table(self._places)
        return at(AFTER, [call(Kernel.ARRANGE, self._sums, table, grad.size, int(grad.flat[0]))])

    def rows_of(self, weight: Offsets) -> tuple[int, Call]:
        """Return where weights lie in rows of whole vectors, zeros behind them, and what puts them there."""
        entries = np.full(self._outputs * self._size, ZERO)
        entries[self._places] = weight
        rows, first = self._plan.memory.take(entries.size), int(weight.min())
        return rows, call(Kernel.ARRANGE, first, self._plan.table(entries - first), entries.size, rows)

    def input_of_block(self, block: int, rows: int) -> list[Call]:
        """Return what makes the input's gradient in the block that is listed, of weights in rows."""
        plan, dx, together = self._plan, self._x.dy.part(block, block + 1), self._together("dx")
        sizes = dx.shape[0], self._lanes, together, self._apart
        target = dx.start, dx.plane_size, plan.scratch(self._lanes, "nowhere")
        made = [
            *self._tiles(Kernel.WINNER_SPREAD, together, rows),
            call(Kernel.RETURNED, *self._returned, *sizes, *target),
        ]
        return at(block, made)

    @cached_property
    def _returned(self) -> tuple[int, int]:
        """The table of where pixels lie in an example's gradient and in its plane, and how many there are."""
        dx = self._x.dy
        (down, across), (_, height, width) = dx.border, dx.shape
        places = np.arange(self._pixels.size).reshape(self._pixels.shape)
        inside = places[down : down + height, across : across + width, 0]
        return self._plan.table(np.column_stack([inside.ravel(), dx.plane.ravel()])), inside.size
