"""Linear layers: the calls that they add to a plan. The formulas are those of `assay.nn.linear`."""

import numpy as np

from assay.engines.numba.kernels.program import Kernel
from assay.engines.numba.layout import Maps, Offsets
from assay.engines.numba.operands import NO_BIAS, Operands, bias_gradient, from_first, product_call
from assay.engines.numba.plan import Call, Plan, Stage, Value, call
from assay.nn.linear import Linear


def linear(plan: Plan, stage: Stage, x: Value, y: Value, first: bool) -> tuple[list[Call], list[Call]]:
    """y = x W^T + b; dx = dy W; dW = dy^T x; db = sum of dy."""
    name, layer = stage.node.name, stage.node.layer
    assert isinstance(layer, Linear)
    weight, grad = (plan.offsets(f"{name}.weight", region) for region in (plan.theta, plan.gradient))
    inputs, outputs, douts = x.y.features, y.y.features, y.dy.features
    forward = Operands(
        a_rows=weight[:, 0],
        c_rows=from_first(outputs[0]),
        starts=plan.offsets(f"{name}.bias", plan.theta) if layer.bias else NO_BIAS,
        b_columns=inputs[:, 0],
        c_columns=outputs[:, 0],
        a_ks=from_first(weight[0]),
        b_ks=from_first(inputs[0]),
    )
    backward = _linear_gradient(plan, inputs, grad, y.dy)
    if layer.bias:
        backward.append(bias_gradient(y.dy, plan.offsets(f"{name}.bias", plan.gradient)))
    if not first:
        dx = x.dy.features
        to_input = Operands(
            a_rows=weight[0],
            c_rows=from_first(dx[0]),
            starts=NO_BIAS,
            b_columns=douts[:, 0],
            c_columns=dx[:, 0],
            a_ks=from_first(weight[:, 0]),
            b_ks=from_first(douts[0]),
        )
        backward.append(product_call(plan, to_input))
    return [product_call(plan, forward, stage.relu)], backward


def _linear_gradient(plan: Plan, inputs: Offsets, grad: Offsets, dy: Maps) -> list[Call]:
    """dW[k, d] = sum over n of x[n, d] dy[n, k], with vectors along k: dy is transposed for it."""
    lanes, classes = dy.lanes, len(grad)
    width = plan.padded(classes)
    z = plan.memory.take(dy.blocks * lanes * width)
    vectors = np.arange(0, width, lanes)
    examples = np.arange(plan.batch_size)
    operands = Operands(
        a_rows=inputs[0],
        c_rows=from_first(grad[0]),
        starts=NO_BIAS,
        b_columns=z + vectors,
        c_columns=grad[0, 0] + vectors,
        a_ks=from_first(inputs[:, 0])[examples // lanes] + examples % lanes,
        b_ks=examples * width,
    )
    transpose = call(Kernel.TRANSPOSE, dy.start, classes, dy.blocks, lanes, z, width)
    return [transpose, product_call(plan, operands)]
