"""Linear layers: the calls that they add to a plan. The formulas are those of `assay.nn.linear`."""

from itertools import product

import numpy as np

from assay.engines.numba.background import Pixels
from assay.engines.numba.blueprint import Blueprint, Stage, Value
from assay.engines.numba.calls import Call, call, guarded
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.layout import Maps, Offsets
from assay.engines.numba.multiplicands import (
    narrowed_maps,
    narrowed_weights,
    paired_channels,
    paired_weights,
    terms,
)
from assay.engines.numba.operands import NO_BIAS, Operands, bias_update, from_first, matrices, product_calls
from assay.nn.linear import Linear

CACHED = 8192
"""Numbers of a gradient computed before the rule's step uses them: so few that they stay in the cache."""
WIDEST = 16_384
"""Outputs whose dy is multiplied at a time, once for each input: of more, a minibatch leaves the cache."""


def linear(plan: Blueprint, stage: Stage, x: Value, y: Value, first: bool) -> tuple[list[Call], list[Call]]:
    """y = x W^T + b; dx = dy W; dW = dy^T x; db = sum of dy."""
    name, layer = stage.node.name, stage.node.layer
    assert isinstance(layer, Linear)
    weight, inputs = plan.weight_rows(f"{name}.weight"), x.y.flat
    bias = plan.weights(f"{name}.bias") if layer.bias else NO_BIAS
    pixels = Pixels.of(plan, inputs, y.y.shape[0]) if x is plan.pixels else None
    backward = [] if first else _input_gradient(plan, weight, x.dy, y.dy)
    if layer.bias:
        backward += bias_update(plan, f"{name}.bias", y.dy)
    backward += _weight_update(plan, f"{name}.weight", inputs, y.dy, pixels)
    return _forward(plan, weight, bias, inputs, y.y, stage.relu, pixels), backward


def _forward(
    plan: Blueprint, weight: Offsets, bias: Offsets, x: Maps, y: Maps, relu: bool, pixels: Pixels | None
) -> list[Call]:
    """y[n, k] = b[k] + sum over d of W[k, d] x[n, d]; where x are ``pixels``, zeros may be left out."""
    weights, calls = paired_weights(plan, weight, 0)
    inputs, more = paired_channels(plan, x)
    operands = matrices(weights[:, : y.shape[0]].T, inputs.features.T, y.features.T, bias)
    calls += [*more, *product_calls(plan, operands, relu, plan.is_quarter(plan.batch_size))]
    if not pixels:
        return calls
    forms, checked = pixels.checked(weight)
    return [pixels.marked(), checked, *forms.between(pixels.forward(weight, bias, y, relu), calls)]


def _input_gradient(plan: Blueprint, weight: Offsets, dx: Maps, dy: Maps) -> list[Call]:
    """dx[n, d] = sum over k of dy[n, k] W[k, d]."""
    weights, calls = narrowed_weights(plan, weight)
    gradients, more = paired_channels(plan, dy)
    operands = matrices(weights[:, : gradients.shape[0]], gradients.features.T, dx.features.T)
    return [*calls, *more, *product_calls(plan, operands, quarter=plan.is_quarter(plan.batch_size))]


def _weight_update(plan: Blueprint, name: str, x: Maps, dy: Maps, pixels: Pixels | None) -> list[Call]:
    """dW[k, d] = sum over n of x[n, d] dy[n, k], and the step, some d at a time; one d where k are many.

    Vectors lie along k here, as the weights do: dy is transposed to z for it. Where x are ``pixels``, those
    that are zero may be left out.
    """
    lanes, outputs = dy.lanes, dy.shape[0]
    width, examples = plan.padded(outputs), np.arange(terms(plan, plan.batch_size))
    at_once = max(CACHED // width, 1)
    rows = plan.memory.places((dy.blocks * lanes, width))
    grad = plan.memory.take(at_once * width)
    factors, calls = narrowed_maps(plan, x, "x")
    z, more = paired_weights(plan, rows, 0)
    calls += [call(Kernel.TRANSPOSE, dy.start, outputs, dy.blocks, lanes, int(rows[0, 0]), width), *more]
    inputs = factors.features
    if pixels:
        forms, checked = pixels.checked(rows)
        calls += [checked, *guarded(forms.sparse, [pixels.turned()])]
    for first, start in product(range(0, width, WIDEST), range(0, inputs.shape[1], at_once)):
        some, columns = inputs[0, start : start + at_once], min(WIDEST, width - first)
        operands = Operands(
            a_rows=some,
            c_rows=width * np.arange(some.size),
            starts=NO_BIAS,
            b_columns=z[0, first : first + columns : lanes],
            c_columns=np.arange(grad, grad + columns, lanes),
            a_ks=from_first(inputs[:, 0])[examples // factors.lanes] + examples % factors.lanes,
            b_ks=from_first(z[: examples.size, 0]),
        )
        products = product_calls(plan, operands, quarter=plan.is_quarter(outputs))
        if pixels:
            part = np.arange(grad, grad + columns) + operands.c_rows[:, None]
            products = forms.between(
                pixels.weight_gradient(start, rows[:, first : first + columns], part), products
            )
        calls += [
            *products,
            *plan.update_part(name, start * width + first, some.size * columns, grad),
        ]
    return calls
