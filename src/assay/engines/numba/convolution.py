"""Convolutions: the calls that they add to a plan. The formulas are those of `assay.nn.conv2d`."""

from typing import NamedTuple

import numpy as np

from assay.engines.numba.layout import Margins, Offsets
from assay.engines.numba.operands import (
    NO_BIAS,
    Operands,
    bias_gradient,
    dot_call,
    from_first,
    pooled_call,
    product_call,
)
from assay.engines.numba.plan import Call, Plan, Stage, Value
from assay.engines.numba.pooling import unpool, winners
from assay.network import Node
from assay.nn.conv2d import Conv2d
from assay.shapes import Pair


def padding(layer: Conv2d) -> Margins:
    """Return the zeros that a convolution wants around its input."""
    ph, pw = layer.sliding.padding
    return (ph, ph), (pw, pw)


def gradient_margins(node: Node) -> Margins:
    """Return the zeros that the gradient to the input wants around dy."""
    layer, size, output = node.layer, node.input_shape[1:], node.output_shape[1:]
    assert isinstance(layer, Conv2d)
    (top, bottom), (left, right) = (
        _margin(_phases(layer, axis, size[axis]), output[axis]) for axis in (0, 1)
    )
    return (top, bottom), (left, right)


class Phase(NamedTuple):
    """Every stride-th input position along an axis: the n-th sees dy[n + shift] through each tap."""

    first: int
    positions: int
    taps: Offsets
    shifts: Offsets


def _phases(layer: Conv2d, axis: int, size: int) -> list[Phase]:
    """Split an axis by the taps i that reach a position: i dilation = position + padding (mod stride)."""
    s = layer.sliding
    stride = s.stride[axis]
    phases = []
    for first in range(min(stride, size)):
        away = first + s.padding[axis] - np.arange(s.kernel_size[axis]) * s.dilation[axis]
        taps = np.flatnonzero(away % stride == 0)
        phases.append(Phase(first, -(-(size - first) // stride), taps, away[taps] // stride))
    return phases


def _margin(phases: list[Phase], output: int) -> tuple[int, int]:
    before = max((-int(phase.shifts.min(initial=0)) for phase in phases), default=0)
    after = max(phase.positions - output + int(phase.shifts.max(initial=0)) for phase in phases)
    return max(before, 0), max(after, 0)


def convolution(plan: Plan, stage: Stage, x: Value, y: Value, first: bool) -> tuple[list[Call], list[Call]]:
    """Convolve, by groups; with a pooling behind it, dy is unpooled first."""
    layer = stage.node.layer
    assert isinstance(layer, Conv2d)
    work = _Convolution(plan, stage, x, y)
    forward = [work.forward(group) for group in range(layer.groups)]
    backward = list(work.unpool)
    for group in range(layer.groups):
        backward.append(work.weight_gradient(group))
        if not first:
            backward += work.input_gradient(group)
    if layer.bias:
        backward.append(bias_gradient(work.dz, plan.offsets(f"{stage.node.name}.bias", plan.gradient)))
    return forward, backward


class _Convolution:
    """The operands of one layer's products, group by group."""

    def __init__(self, plan: Plan, stage: Stage, x: Value, y: Value) -> None:
        layer = stage.node.layer
        assert isinstance(layer, Conv2d)
        self.plan, self.stage, self.x, self.y, self.layer = plan, stage, x, y, layer
        name = stage.node.name
        self.weight, self.grad = (
            self._grouped(plan.offsets(f"{name}.weight", region)) for region in (plan.theta, plan.gradient)
        )
        bias = plan.offsets(f"{name}.bias", plan.theta) if layer.bias else np.zeros(layer.out_channels, int)
        self.bias = self._grouped(bias)
        self.corner, self.taps = self._windows()
        self.winner, self.dz, self.unpool = None, y.dy, []
        if stage.pool:
            margins = gradient_margins(stage.node)
            self.dz = plan.memory.maps(plan.blocks, stage.node.output_shape, margins)
            self.winner = winners(plan, y)
            self.unpool = [unpool(plan, stage.pool, self.dz, y.dy, self.winner)]

    def _grouped(self, offsets: Offsets) -> Offsets:
        """Split the first axis into (groups, channels of a group)."""
        return offsets.reshape(self.layer.groups, -1, *offsets.shape[1:])

    def _windows(self) -> tuple[Offsets, Offsets]:
        """Return where windows begin (blocks, H', W') and how far their entries lie (G, C / G, kh, kw)."""
        s, x = self.layer.sliding, self.x.y.offsets
        _, rows, columns = self.stage.node.output_shape
        (sh, sw), (dh, dw), (kh, kw) = s.stride, s.dilation, s.kernel_size
        corner = x[:, 0, : rows * sh : sh, : columns * sw : sw]
        taps = from_first(x[0, :, : kh * dh : dh, : kw * dw : dw])
        return corner, self._grouped(taps)

    def forward(self, group: int) -> Call:
        """y[o, r, s] = b[o] + sum over c, i, j of W[o, c, i, j] x[c, window r, s at i, j]."""
        outputs = self._grouped(self.y.y.inside[0])[group][:, 0, 0]
        columns, places = self.corner, self.y.y.inside[:, 0]
        if self.stage.pool:
            columns = _by_window(columns, (places.shape[1], places.shape[2]))
            places = np.repeat(places[..., None], 4, axis=-1)
        operands = Operands(
            a_rows=self.weight[group][:, 0, 0, 0],
            c_rows=outputs - self.y.y.first,
            starts=self.bias[group],
            b_columns=columns + self.taps[group].flat[0],
            c_columns=places,
            a_ks=from_first(self.weight[group][0]),
            b_ks=from_first(self.taps[group]),
        )
        if self.winner is None:
            return product_call(self.plan, operands, self.stage.relu)
        return pooled_call(self.plan, operands, self.stage.relu, self.winner.start - self.y.y.start)

    def weight_gradient(self, group: int) -> Call:
        """dW[o, c, i, j] = sum over examples, r, s of dy[o, r, s] x[c, window r, s at i, j]."""
        dz, grad = self.dz.inside, self.grad[group]
        operands = Operands(
            a_rows=self._grouped(dz[0])[group][:, 0, 0],
            c_rows=from_first(grad[:, 0, 0, 0]),
            starts=NO_BIAS,
            b_columns=self.taps[group],
            c_columns=grad[0],
            a_ks=from_first(dz[:, 0]),
            b_ks=self.corner,
        )
        return dot_call(self.plan, operands)

    def input_gradient(self, group: int) -> list[Call]:
        """dx[c, r, s] = sum over o and the windows that hold r, s of W[o, c, i, j] dy[o, window]."""
        down, across = (_phases(self.layer, axis, self.x.y.shape[axis + 1]) for axis in (0, 1))
        return [self._phase_gradient(group, v, h) for v in down for h in across]

    def _phase_gradient(self, group: int, v: "Phase", h: "Phase") -> Call:
        (sh, sw), ((top, _), (left, _)) = self.layer.sliding.stride, self.dz.margins
        dz, dx = self.dz.offsets, self.x.dy.inside
        weight = self.weight[group][:, :, v.taps[:, None], h.taps]
        shifted = self._grouped(dz[0])[group][:, top + v.shifts[:, None], left + h.shifts]
        places = dx[:, 0, v.first :: sh, h.first :: sw]
        operands = Operands(
            a_rows=self.weight[group][0, :, 0, 0],
            c_rows=self._grouped(dx[0])[group][:, 0, 0] - dx[0, 0, 0, 0],
            starts=NO_BIAS,
            b_columns=dz[:, 0, : v.positions, : h.positions],
            c_columns=places,
            a_ks=weight[:, 0] - self.weight[group].flat[0],
            b_ks=shifted - dz[0, 0, 0, 0],
        )
        return product_call(self.plan, operands)


def _by_window(offsets: Offsets, size: Pair) -> Offsets:
    """Order positions (blocks, H, W) by the 2 x 2 windows that they lie in: (blocks, h, w, 4)."""
    (h, w), blocks = size, len(offsets)
    windows = offsets[:, : 2 * h, : 2 * w].reshape(blocks, h, 2, w, 2).transpose(0, 1, 3, 2, 4)
    return windows.reshape(blocks, h, w, 4)
