"""Linear layers: the calls that they add to a plan. The formulas are those of `assay.nn.linear`."""

import numpy as np

from assay.engines.numba.kernels.program import Kernel
from assay.engines.numba.layout import Maps, Offsets
from assay.engines.numba.operands import NO_BIAS, Operands, bias_update, from_first, matrices, product_call
from assay.engines.numba.plan import Call, Plan, Stage, Value, call
from assay.nn.linear import Linear

CACHED = 8192
"""Numbers of a gradient computed before the rule's step uses them: so few that they stay in the cache."""


def linear(plan: Plan, stage: Stage, x: Value, y: Value, first: bool) -> tuple[list[Call], list[Call]]:
    """y = x W^T + b; dx = dy W; dW = dy^T x; db = sum of dy."""
    name, layer = stage.node.name, stage.node.layer
    assert isinstance(layer, Linear)
    weight, inputs, outputs = plan.weights(f"{name}.weight"), x.y.features, y.y.features
    bias = plan.weights(f"{name}.bias") if layer.bias else NO_BIAS
    forward = matrices(weight, inputs.T, outputs.T, bias)
    backward = [] if first else [_input_gradient(plan, weight, x.dy.features, y.dy.features)]
    if layer.bias:
        backward += bias_update(plan, f"{name}.bias", y.dy)
    backward += _weight_update(plan, f"{name}.weight", inputs, y.dy)
    return [product_call(plan, forward, stage.relu, plan.is_quarter(plan.batch_size))], backward


def _input_gradient(plan: Plan, weight: Offsets, dx: Offsets, dy: Offsets) -> Call:
    """dx[n, d] = sum over k of dy[n, k] W[k, d]."""
    operands = matrices(weight.T, dy.T, dx.T)
    return product_call(plan, operands, quarter=plan.is_quarter(plan.batch_size))


def _weight_update(plan: Plan, name: str, inputs: Offsets, dy: Maps) -> list[Call]:
    """dW[k, d] = sum over n of x[n, d] dy[n, k], and the step, some d at a time.

    Vectors lie along k here, as the weights do: dy is transposed to z for it.
    """
    lanes, outputs = dy.lanes, dy.shape[0]
    width, examples = plan.padded(outputs), np.arange(plan.batch_size)
    at_once = max(CACHED // width, 1)
    z, grad = plan.memory.take(dy.blocks * lanes * width), plan.memory.take(at_once * width)
    calls = [call(Kernel.TRANSPOSE, dy.start, outputs, dy.blocks, lanes, z, width)]
    for start in range(0, inputs.shape[1], at_once):
        some = inputs[0, start : start + at_once]
        operands = Operands(
            a_rows=some,
            c_rows=width * np.arange(some.size),
            starts=NO_BIAS,
            b_columns=np.arange(z, z + width, lanes),
            c_columns=np.arange(grad, grad + width, lanes),
            a_ks=from_first(inputs[:, 0])[examples // lanes] + examples % lanes,
            b_ks=examples * width,
        )
        calls += [
            product_call(plan, operands, quarter=plan.is_quarter(outputs)),
            *plan.update_part(name, start * width, some.size * width, grad),
        ]
    return calls
