"""Convolutions: the calls that they add to a plan. The formulas are those of `assay.nn.conv2d`.

Positions that the same taps of the kernel reach form a stretch, along each
axis; forward and for the gradient of the input a product is made for each pair of
stretches, so that nothing is multiplied by a zero of the border. Where tiles
cost less, `winograd` takes the layer.
"""

from collections.abc import Iterator

import numpy as np

from assay.engines.numba.blueprint import Blueprint, Span, Stage, Value
from assay.engines.numba.calls import Call, at
from assay.engines.numba.kernels.winograd import POSITIONS
from assay.engines.numba.layout import Maps, Offsets
from assay.engines.numba.multiplicands import arranged_weights, narrowed_maps, paired_channels, paired_weights
from assay.engines.numba.operands import (
    NO_BIAS,
    Operands,
    bias_update,
    dot_calls,
    from_first,
    pooled_calls,
    product_calls,
    quarters_calls,
)
from assay.engines.numba.pooling import unpool, unpool_part, winners
from assay.engines.numba.stretches import Stretches, backward_stretches, forward_stretches
from assay.engines.numba.tiling import output_tiles
from assay.engines.numba.winner_gradient import WinnerGradient, input_pays, weights_pay
from assay.engines.numba.winograd import Winograd, applies
from assay.engines.registers import REGISTERS
from assay.nn.conv2d import Conv2d
from assay.nn.max_pool2d import MaxPool2d
from assay.nn.network import Node


def convolution(
    plan: Blueprint, stage: Stage, x: Value, y: Value, first: bool
) -> tuple[list[Call], list[Call]]:
    """Convolve, by groups; with a pooling behind it, dy is unpooled first."""
    layer, name = stage.node.layer, stage.node.name
    assert isinstance(layer, Conv2d)
    winner = winners(plan, y.y) if stage.pool else None
    work = _chosen(plan, stage)(plan, stage, x)
    forward = work.pooled(y.y, winner) if winner else work.forward(y.y)
    if stage.pool is None or winner is None:
        backward = work.weight_gradients(y.dy) + ([] if first else work.input_gradient(y.dy))
    else:
        backward = work.unpooled(stage.pool, y.dy, winner, first)
    if layer.bias:
        backward += bias_update(plan, f"{name}.bias", y.dy, winner.start - y.dy.start if winner else 0)
    return forward, [*backward, *plan.update(f"{name}.weight", work.grad)]


def _chosen(plan: Blueprint, stage: Stage) -> "type[Winograd | _Convolution]":
    """Return how a stage convolves."""
    return Winograd if applies(stage, plan.pairs) and _pays(stage, plan.blocks) else _Convolution


TRANSFORM, KERNEL = (75, 40) if REGISTERS.count < 32 else (150, 70)
"""What it costs to transform one channel's tile there and back, and the weights of one kernel, in
multiplications of vectors: fitted to networks for which both ways took equally long, with 16 registers
of AVX2 those of about 12 channels. In smaller register tiles multiplications cost more, transforms do not."""


def _pays(stage: Stage, blocks: int) -> bool:
    """Whether Winograd's algorithm is cheaper than the products of all taps."""
    layer, node = stage.node.layer, stage.node
    assert isinstance(layer, Conv2d)
    (channels, *size), (outputs, height, width) = node.input_shape, node.output_shape
    taps = 1
    for axis, output in enumerate((height, width)):
        stretches = forward_stretches(layer, axis, size[axis], output)
        taps *= sum(len(stretch.positions) * len(stretch.taps) for stretch in stretches)
    kernels = channels // layer.groups * outputs
    tile = POSITIONS * kernels + TRANSFORM * (channels + outputs)
    tiles = output_tiles(layer, (height, width)).total
    return blocks * tiles * tile + KERNEL * kernels < blocks * taps * kernels


CACHE = 2**13
"""Vectors of the smaller operand, 512 KB, that a product goes over again and again."""


class _Convolution:
    """The operands of one layer's products; the first axis of weights is split by groups."""

    def __init__(self, plan: Blueprint, stage: Stage, x: Value) -> None:
        layer, name = stage.node.layer, stage.node.name
        assert isinstance(layer, Conv2d)
        self.plan, self.stage, self.layer, self.x = plan, stage, layer, x
        self.weight, self.grad = (
            self._grouped(offsets(f"{name}.weight")) for offsets in (plan.weights, plan.gradient)
        )
        self.bias = np.full(self.weight.shape[:2], NO_BIAS)
        if layer.bias:
            self.bias = self._grouped(plan.weights(f"{name}.bias"))

    def _grouped(self, offsets: Offsets) -> Offsets:
        """Split the first axis into (groups, channels of a group)."""
        return offsets.reshape(self.layer.groups, -1, *offsets.shape[1:])

    def forward(self, y: Maps) -> list[Call]:
        """y[o, r, s] = b[o] + sum over c, i, j of W[o, c, i, j] x[c, window r, s at i, j]."""
        weight, made = paired_weights(self.plan, self.weight, 2)
        return [*made, *self._calls(forward_stretches, weight, self.bias, (self.x.y, y), self.stage.relu)]

    def input_gradient(self, dy: Maps) -> list[Call]:
        """dx[c, u, v] = sum over o, i, j of W[o, c, i, j] dy[o, r, s] where window r, s is u, v at i, j."""
        # Tap by tap, so that those of a product, which has few taps where strides are long, lie together.
        by_tap, arranged = arranged_weights(self.plan, self.weight.transpose(3, 4, 0, 1, 2))
        turned, made = paired_weights(self.plan, by_tap, 3)
        weight = turned.transpose(2, 4, 3, 0, 1)
        nothing = np.full(weight.shape[:2], NO_BIAS)
        calls = self._calls(backward_stretches, weight, nothing, (dy, self.x.dy), relu=False)
        return [arranged, *made, *calls]

    def _calls(
        self, stretches: Stretches, weight: Offsets, bias: Offsets, maps: tuple[Maps, Maps], relu: bool
    ) -> list[Call]:
        """Return the calls from one map to another; ``weight`` is (G, to, from, kh, kw), ``bias`` (G, to)."""
        calls: list[Call] = []
        for span in self.plan.spans:
            source, target = span.of(*maps)
            source, made = paired_channels(self.plan, source, self.layer.groups)
            calls_of = quarters_calls if span.quarter else product_calls
            for group in range(self.layer.groups):
                operands = self._products(stretches, group, weight[group], source, target)
                for each in operands:
                    made += calls_of(self.plan, each._replace(starts=bias[group]), relu)
            calls += at(span.start, made)
        return calls

    def _products(
        self, stretches: Stretches, group: int, weight: Offsets, source: Maps, target: Maps
    ) -> Iterator[Operands]:
        """Yield the product of each pair of stretches; ``weight`` is (to, from, kh, kw) of the group."""
        b, c = source.offsets, target.offsets
        channels, outputs = (self._grouped(maps[0])[group] for maps in (b, c))
        down, across = (
            stretches(self.layer, axis, source.shape[axis + 1], target.shape[axis + 1]) for axis in (0, 1)
        )
        for v in down:
            for h in across:
                rows, columns = (np.arange(len(s.positions)) * s.step for s in (v, h))
                yield Operands(
                    a_rows=weight[:, 0, 0, 0],
                    c_rows=outputs[:, 0, 0] - c[0, 0, 0, 0],
                    starts=NO_BIAS,
                    b_columns=b[:, 0, rows[:, None], columns],
                    c_columns=c[:, 0, np.array(v.positions)[:, None], np.array(h.positions)],
                    a_ks=weight[0][:, v.taps[:, None], h.taps] - weight[0, 0, 0, 0],
                    b_ks=channels[:, v.sources[:, None], h.sources] - b[0, 0, 0, 0],
                )

    def _windows(self, x: Maps) -> tuple[Offsets, Offsets]:
        """Return where windows begin (blocks, H', W') and how far their entries lie (G, C / G, kh, kw)."""
        s = self.layer.sliding
        _, rows, columns = self.stage.node.output_shape
        (sh, sw), (dh, dw), (kh, kw) = s.stride, s.dilation, s.kernel_size
        corner = x.bordered[:, 0, : rows * sh : sh, : columns * sw : sw]
        return corner, self._grouped(from_first(x.bordered[0, :, : kh * dh : dh, : kw * dw : dw]))

    def pooled(self, y: Maps, winner: Maps) -> list[Call]:
        """Return `forward` and the maximum over windows of 2 x 2 at once; four columns are a window."""
        distance = winner.start - y.start
        weight, calls = paired_weights(self.plan, self.weight, 2)
        for span in self.plan.spans:
            x, outputs = span.of(self.x.y, y)
            x, made = paired_channels(self.plan, x, self.layer.groups)
            for group in range(self.layer.groups):
                operands = self._window_product(group, weight[group], x, outputs)
                made += pooled_calls(self.plan, operands, self.stage.relu, distance, span.quarter)
            calls += at(span.start, made)
        return calls

    def _window_product(self, group: int, weight: Offsets, x: Maps, y: Maps) -> Operands:
        corner, taps = self._windows(x)
        rows, columns = self._pooled_positions()
        return Operands(
            a_rows=weight[:, 0, 0, 0],
            c_rows=self._grouped(y.offsets[0])[group][:, 0, 0] - y.offsets[0, 0, 0, 0],
            starts=self.bias[group],
            b_columns=corner[:, rows[:, None, :, None], columns[:, None, :]] + taps[group].flat[0],
            c_columns=np.repeat(y.offsets[:, 0], 4),
            a_ks=from_first(weight[0]),
            b_ks=from_first(taps[group]),
        )

    def _pooled_positions(self) -> Iterator[Offsets]:
        """Yield, for each axis, the positions (windows, 2) of the pooling's windows.

        One that reaches beyond the map holds what is on it twice, which is the same largest entry.
        """
        node = self.stage.pool
        assert node
        assert isinstance(node.layer, MaxPool2d)
        axes = zip(node.output_shape[1:], node.layer.sliding.padding, node.input_shape[1:], strict=True)
        for length, padding, size in axes:
            yield (np.arange(2 * length).reshape(-1, 2) - padding).clip(0, size - 1)

    def weight_gradients(self, dy: Maps) -> list[Call]:
        """Return the gradient of all weights, made of as many blocks at once as the cache holds."""
        block = min(dy.block_size, self.x.y.block_size) // dy.lanes
        calls = []
        for span in self.plan.spans:
            for part in span.parts(max(CACHE // block, 1)):
                calls += at(span.start, self._weight_gradient(part, *part.of(dy)))
        return calls

    def _weight_gradient(self, span: Span, dy: Maps) -> list[Call]:
        """dW[o, c, i, j] = sum over examples, r, s of dy[o, r, s] x[c, window r, s at i, j]."""
        x, calls = narrowed_maps(self.plan, self.x.y.part(span.start, span.stop), "x")
        dy, more = narrowed_maps(self.plan, dy, "dy")
        corner, taps = self._windows(x)
        calls += more
        for group, grad in enumerate(self.grad):
            operands = Operands(
                a_rows=self._grouped(dy.offsets[0])[group][:, 0, 0],
                c_rows=from_first(grad[:, 0, 0, 0]),
                starts=NO_BIAS,
                b_columns=taps[group],
                c_columns=grad[0],
                a_ks=from_first(dy.offsets[:, 0]),
                b_ks=corner,
            )
            calls += dot_calls(self.plan, operands, span.start > 0, span.quarter)
        return calls

    def unpooled(self, pool: Node, dy: Maps, winner: Maps, first: bool) -> list[Call]:
        """Return the gradients behind a pooling; behind pixels those of the weights are all."""
        by_winners = weights_pay(self.stage, self.plan, first)
        if by_winners and (first or input_pays(self.stage, self.plan)):
            return self._of_winners(dy, winner, not first)
        if first:
            return self._of_pixels(pool, dy, winner)
        dz = self.plan.memory.maps(self.plan.blocks, self.stage.node.output_shape)
        gradients = self._of_winners(dy, winner, False) if by_winners else self.weight_gradients(dz)
        return [*unpool(self.plan, pool, dz, dy, winner), *gradients, *self.input_gradient(dz)]

    def _of_winners(self, dy: Maps, winner: Maps, of_input: bool) -> list[Call]:
        """Return the weights' gradient, and maybe the input's, from the windows' winners."""
        rows, columns = (positions[:, 0] for positions in self._pooled_positions())
        work, calls = WinnerGradient(self.plan, self.stage, self.x, (rows, columns)), []
        if of_input:
            weights, arranged = work.rows_of(self.weight[0])
            calls.append(arranged)
        for span in Span(0, self.plan.blocks).parts(1):
            calls += work.of_block(span.start, *span.of(dy, winner))
            if of_input:
                calls += work.input_of_block(span.start, weights)
        return calls + work.arranged(self.grad[0])

    def _of_pixels(self, pool: Node, dy: Maps, winner: Maps) -> list[Call]:
        """Return the weights' gradient alone, block by block, so that what is unpooled stays in the cache."""
        dz = self.plan.memory.maps(1, self.stage.node.output_shape)
        calls: list[Call] = []
        for span in self.plan.spans:
            for block in span.parts(1):
                made = unpool_part(self.plan, pool, dz, *block.of(dy, winner))
                calls += at(block.start, [made, *self._weight_gradient(block, dz)])
        return calls
