"""Convolutions of 3 x 3 by Winograd's algorithm: the calls that they add to a plan.

The formulas are those of `kernels.winograd`; here is where everything lies. Tiles
are taken in strips: the positions of a strip, of all channels, are made, multiplied
and used up before those of the next, while they are still in the cache.
"""

from collections.abc import Iterator
from functools import cache, cached_property, partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from assay.engines.numba.blueprint import Blueprint, Stage, Value
from assay.engines.numba.calls import AFTER, Call, at, call
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.winograd import POSITIONS
from assay.engines.numba.layout import MINUS_INFINITY, ZERO, Maps, Offsets
from assay.engines.numba.multiplicands import narrowed_weights, paired_weights
from assay.engines.numba.operands import dot_calls, matrices, product_calls, quarters_calls
from assay.engines.numba.pooling import unpool
from assay.engines.numba.tiling import Tiles, TileTable, output_tiles
from assay.nn.conv2d import Conv2d
from assay.nn.max_pool2d import MaxPool2d
from assay.nn.network import Node

STRIP, LONG_STRIP = 2**9, 2**12
"""Channels times tiles of a strip. The first makes 512 KB of positions, as much again of products; sums over
tiles cost something at the end of a strip, so gradients of weights take the second."""

LEAST = 6
"""Tiles of a strip, however many channels: the columns of a register tile."""

GAP = 1
"""Vectors between one position and the next, so that all 16 do not lie in the same set of the cache."""

TURNED = np.array([3, 1, 2, 0])
"""Which rows of u are those of the kernel turned around."""

GATHER = Kernel.WINOGRAD_INPUT, Kernel.WINOGRAD_INPUT_PAIRED
DOTTED = (
    (Kernel.WINOGRAD_INPUT, Kernel.WINOGRAD_GRADIENT),
    (Kernel.WINOGRAD_INPUT_NARROWED, Kernel.WINOGRAD_GRADIENT_NARROWED),
)
"""As they are, and of bfloat16."""
SCATTER = Kernel.WINOGRAD_OUTPUT, Kernel.WINOGRAD_OUTPUT_QUARTER
SCATTER_POOLED = Kernel.WINOGRAD_POOLED, Kernel.WINOGRAD_POOLED_QUARTER
"""For whole vectors, and where only a quarter of each matters."""


def applies(stage: Stage, pairs: bool) -> bool:
    """Whether a stage is one of 3 x 3 kernels at every position, and a pooling's windows are its tiles.

    ``pairs`` of channels must leave none over.
    """
    layer, pool = stage.node.layer, stage.pool and stage.pool.layer
    assert isinstance(layer, Conv2d)
    s = layer.sliding
    channels = (stage.node.input_shape[0] // layer.groups, layer.out_channels // layer.groups)
    if pairs and any(count % 2 for count in channels):
        return False
    if isinstance(pool, MaxPool2d) and (s.dilation != (1, 1) or pool.sliding.padding != (0, 0)):
        return False
    return s.kernel_size == (3, 3) and s.stride == (1, 1)


class Strip(NamedTuple):
    """Some of the tiles of all blocks, their block, and whether only a quarter of their lanes matters."""

    block: int
    start: int
    size: int
    quarter: bool


class Positions(NamedTuple):
    """Where the positions of a strip's tiles lie, of all channels."""

    start: int
    groups: int
    channels: int
    tiles: int
    lanes: int

    @property
    def step(self) -> int:
        """From one of the 16 to the next."""
        return self.lanes * (self.channels * self.tiles + GAP)

    @property
    def offsets(self) -> Offsets:
        """Of each vector, (positions, groups, channels of a group, tiles)."""
        places = self.lanes * np.arange(self.channels * self.tiles).reshape(self.groups, -1, self.tiles)
        return self.start + self.step * np.arange(POSITIONS)[:, None, None, None] + places


class Winograd:
    """The operands of one layer's products, and the ways from maps to tiles and back."""

    def __init__(self, plan: Blueprint, stage: Stage, x: Value) -> None:
        layer, name = stage.node.layer, stage.node.name
        assert isinstance(layer, Conv2d)
        self.plan, self.stage, self.layer, self.x = plan, stage, layer, x
        self.weight, self.grad = plan.weights(f"{name}.weight"), plan.gradient(f"{name}.weight")
        self.bias = int(plan.weights(f"{name}.bias")[0]) if layer.bias else ZERO
        self.u, self.du = self._reserve(), self._reserve()
        self.channels = max(stage.node.input_shape[0], stage.node.output_shape[0])
        self.room = POSITIONS * (max(LONG_STRIP, LEAST * self.channels) + GAP) * plan.memory.lanes
        self.scratch = plan.scratch(2 * self.room, "tiles")
        self.zeros, self.spare = plan.memory.take(plan.memory.lanes), plan.memory.take(plan.memory.lanes)

    def _reserve(self) -> Offsets:
        """Reserve the positions (positions, groups, channels to, channels from) of the weights."""
        outputs, origin = self.grad.shape[:2]
        groups = self.layer.groups
        return self.plan.memory.places((POSITIONS, groups, outputs // groups, origin))

    def forward(self, y: Maps) -> list[Call]:
        """y[o, r, s] = b[o] + sum over c, i, j of W[o, c, i, j] x[c, window r, s at i, j]."""
        return self._forward(SCATTER, y, self._outputs, 0)

    def pooled(self, y: Maps, winner: Maps) -> list[Call]:
        """Return `forward` and the maximum over windows of 2 x 2, which are the tiles.

        They are whole, so that none lies nowhere, where there is no room for a winner.
        """
        return self._forward(SCATTER_POOLED, y, self._outputs.pooled(), winner.start - y.start)

    @cached_property
    def _outputs(self) -> Tiles:
        """The tiles of the output; what a pooling leaves over has no gradient either."""
        _, height, width = self.stage.node.output_shape
        tiles = output_tiles(self.layer, (height, width))
        return tiles.whole() if self.stage.pool else tiles

    @cached_property
    def _inputs(self) -> TileTable:
        """Where the tiles of the input lie."""
        s = self.layer.sliding
        return self._outputs.sources(s.padding, s.dilation).table(self.plan, self.x.y, self.zeros)

    def _forward(self, scatter: tuple[Kernel, Kernel], y: Maps, targets: Tiles, winner: int) -> list[Call]:
        least = ZERO if self.stage.relu else MINUS_INFINITY
        ending = (self.bias, int(self.layer.bias), least, winner)
        table = targets.table(self.plan, y, self.spare)
        prepare = call(Kernel.WINOGRAD_WEIGHTS, *self._between(self.weight, self.u))
        u, calls = narrowed_weights(self.plan, self.u)
        products = self._convolved(u, self._inputs, table, targets.total, scatter, ending)
        return [prepare, *calls, *products]

    def input_gradient(self, dy: Maps) -> list[Call]:
        """dx[c, u, v] = sum over o, i, j of W[o, c, i, j] dy[o, r, s] where window r, s is u, v at i, j."""
        dx, s = self.x.dy, self.layer.sliding
        tiles = output_tiles(self.layer, dx.shape[1:])
        padding = (2 * s.dilation[0] - s.padding[0], 2 * s.dilation[1] - s.padding[1])
        sources = tiles.sources(padding, s.dilation).table(self.plan, dy, self.zeros)
        paired, calls = paired_weights(self.plan, self.u, 2)
        square = paired.reshape(4, 4, *paired.shape[1:])[TURNED[:, None], TURNED]
        u = square.reshape(paired.shape).swapaxes(2, 3)
        targets = tiles.table(self.plan, dx, self.spare)
        ending = (ZERO, 0, MINUS_INFINITY, 0)
        return [*calls, *self._convolved(u, sources, targets, tiles.total, SCATTER, ending)]

    def weight_gradients(self, dy: Maps) -> list[Call]:
        """dW[o, c, i, j] = sum over examples, r, s of dy[o, r, s] x[c, window r, s at i, j]."""
        gradients = self._outputs.table(self.plan, dy, self.zeros)
        dots = cache(self._dots)
        origin, target = DOTTED[self.plan.pairs]
        calls: list[Call] = []
        for strip in self._strips(self._outputs.total, LONG_STRIP):
            v, m = self._dotted(strip.size)
            made = (
                call(origin, *self._transform(self._inputs, strip, v)),
                call(target, *self._transform(gradients, strip, m)),
                *dots(strip.size, strip.quarter, strip.start > 0),
            )
            calls += at(strip.block, made)
        turned = call(Kernel.WINOGRAD_WEIGHT_GRADIENT, *self._between(self.grad, self.du))
        return [*calls, *at(AFTER, [turned])]

    def unpooled(self, pool: Node, dy: Maps, winner: Maps, first: bool) -> list[Call]:
        """Return the gradients behind a pooling."""
        dz = self.plan.memory.maps(self.plan.blocks, self.stage.node.output_shape)
        gradients = [*self.weight_gradients(dz), *([] if first else self.input_gradient(dz))]
        return [*unpool(self.plan, pool, dz, dy, winner), *gradients]

    def _between(self, weight: Offsets, u: Offsets) -> tuple[int, ...]:
        """Return where weights and their positions lie, how many kernels, and from position to position."""
        count = weight.size // 9
        return int(weight.flat[0]), count, int(u.flat[0]), count

    def _strips(self, tiles: int, length: int) -> Iterator[Strip]:
        """Split each span's tiles evenly."""
        size = max(length // self.channels, LEAST)
        for span in self.plan.spans:
            total = (span.stop - span.start) * tiles
            cuts = np.linspace(0, total, -(-total // size) + 1).astype(int).tolist()
            for start, stop in pairwise(cuts):
                yield Strip(span.start, span.start * tiles + start, stop - start, span.quarter)

    def _positions(self, u: Offsets, size: int) -> tuple[Positions, Positions]:
        """Return the positions, for so many tiles, of what a product with ``u`` reads and what it writes."""
        _, groups, to, origin = u.shape
        read, written = (
            Positions(self.scratch + place, groups, groups * channels, size, self.plan.memory.lanes)
            for place, channels in ((0, origin), (self.room, to))
        )
        return read, written

    def _dotted(self, size: int) -> Iterator[Positions]:
        """Return the positions of input and output's gradient for products that are summed over tiles."""
        lanes = self.plan.memory.lanes // (2 if self.plan.pairs else 1)
        return (positions._replace(lanes=lanes) for positions in self._positions(self.u, size))

    def _transform(self, table: TileTable, strip: Strip, positions: Positions) -> tuple[int, ...]:
        """Return what the kernels between a map's tiles and their positions are called with."""
        at = table.start + strip.start * table.width
        sizes = strip.size, positions.channels, table.plane_size
        return at, *sizes, positions.start, positions.step, positions.lanes

    def _convolved(
        self,
        u: Offsets,
        sources: TileTable,
        targets: TileTable,
        tiles: int,
        scatter: tuple[Kernel, Kernel],
        ending: tuple[int, ...],
    ) -> list[Call]:
        """Return the calls from one map's tiles to another's, strip by strip."""
        calls: list[Call] = []
        products = cache(partial(self._products, u))
        gather = GATHER[self.plan.pairs]
        for strip in self._strips(tiles, STRIP):
            v, m = self._positions(u, strip.size)
            made = (
                call(gather, *self._transform(sources, strip, v)),
                *products(strip.size, strip.quarter),
                call(scatter[strip.quarter], *self._transform(targets, strip, m), *ending),
            )
            calls += at(strip.block, made)
        return calls

    def _products(self, u: Offsets, size: int, quarter: bool) -> list[Call]:
        """m[o, t] = sum over c of u[o, c] v[c, t], at each position, in each group."""
        v, m = (positions.offsets for positions in self._positions(u, size))
        make = quarters_calls if quarter else product_calls
        places = np.ndindex(u.shape[:2])
        return [call for at in places for call in make(self.plan, matrices(u[at], v[at], m[at]))]

    def _dots(self, size: int, quarter: bool, accumulate: bool) -> list[Call]:
        """du[o, c] = sum over t of m[o, t] v[c, t], at each position, in each group; strips add up."""
        v, m = (positions.offsets for positions in self._dotted(size))
        products = (matrices(m[at], v[at].T, self.du[at]) for at in np.ndindex(m.shape[:2]))
        return [call for each in products for call in dot_calls(self.plan, each, accumulate, quarter)]
