"""Activations other than ReLU: the calls that they add to a plan. The formulas are those of `assay.nn`."""

from math import prod

from assay.engines.numba.blueprint import Blueprint, Stage, Value
from assay.engines.numba.calls import Call, call
from assay.engines.numba.kernels import entrywise
from assay.engines.numba.kernels.codes import Kernel
from assay.nn.activation import Activation
from assay.nn.rectifiers import ELU, SELU, LeakyReLU
from assay.nn.smooth import GELU, Sigmoid, Softplus, Tanh

NUMBERS: dict[type[Activation], int] = {
    LeakyReLU: entrywise.LEAKY_RELU,
    ELU: entrywise.ELU,
    SELU: entrywise.ELU,
    Sigmoid: entrywise.SIGMOID,
    Tanh: entrywise.TANH,
    Softplus: entrywise.SOFTPLUS,
    GELU: entrywise.GELU,
}


def activation(
    plan: Blueprint, stage: Stage, x: Value, y: Value, first: bool
) -> tuple[list[Call], list[Call]]:
    """y = f(x) and dx = dy f'(x)."""
    layer = stage.node.layer
    assert isinstance(layer, Activation)
    a, scale = _constants(layer)
    function = (NUMBERS[type(layer)], plan.memory.constant(a), plan.memory.constant(scale))
    sizes = (prod(stage.node.input_shape), plan.blocks, plan.memory.lanes)
    shared = (*plan.places(x.y), *plan.places(y.y), *sizes, *function)
    away = (y.dy.start - y.y.start, x.dy.start - x.y.start)
    backward = call(Kernel.ACTIVATE_GRADIENT, *shared, *away)
    return [call(Kernel.ACTIVATE, *shared)], [] if first else [backward]


def _constants(layer: Activation) -> tuple[float, float]:
    """Return the function's a and its scale."""
    match layer:
        case LeakyReLU():
            return layer.negative_slope, 1.0
        case ELU():
            return layer.alpha, 1.0
        case SELU():
            return SELU.ALPHA, SELU.SCALE
    return 1.0, 1.0
