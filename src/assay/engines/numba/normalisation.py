"""Batch normalisation: the calls that it adds to a plan. The formulas are those of `assay.nn.batch_norm`."""

from math import prod

from assay.engines.numba.blueprint import Blueprint, Stage, Value
from assay.engines.numba.calls import Call, call
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.layout import MINUS_INFINITY, ZERO
from assay.nn.batch_norm import BatchNorm
from assay.nn.network import Network
from assay.shapes import Shape


def normalisation(
    plan: Blueprint, stage: Stage, x: Value, y: Value, first: bool
) -> tuple[list[Call], list[Call]]:
    """y = weight x^ + bias, for each unit; the units' positions lie side by side in x."""
    layer, name = stage.node.layer, stage.node.name
    assert isinstance(layer, BatchNorm)
    units, positions = _units(layer, stage.node.input_shape)
    weight, bias = (int(plan.weights(f"{name}.{key}").flat[0]) for key in ("weight", "bias"))
    gradients = {key: plan.gradient(f"{name}.{key}") for key in ("weight", "bias")}
    dweight, dbias = (int(gradient.flat[0]) for gradient in gradients.values())
    running, statistics = plan.buffers(stage.node), plan.memory.take(2 * units)
    eps, momentum = (plan.memory.constant(value) for value in (layer.eps, layer.momentum))
    sizes = (units, positions, plan.blocks, plan.memory.lanes, weight)
    scale = (bias, statistics, running, eps, momentum, ZERO if stage.relu else MINUS_INFINITY)
    forward = call(Kernel.NORMALISE, x.y.start, *plan.places(y.y), *sizes, *scale)
    distance = 0 if first else x.dy.start - x.y.start
    found = (dweight, statistics, dbias, distance)
    backward = call(Kernel.NORMALISE_GRADIENT, x.y.start, *plan.places(y.dy), *sizes, *found)
    updates = [each for key, gradient in gradients.items() for each in plan.update(f"{name}.{key}", gradient)]
    return [forward], [backward, *updates]


def _units(layer: BatchNorm, shape: Shape) -> tuple[int, int]:
    """Return the number of units and of an example's values of each."""
    units = prod(layer.units(shape))
    return units, prod(shape) // units


def expect_statistics(network: Network, batch: int) -> None:
    """Refuse to train on a batch too small for a unit to have a variance."""
    for node in network.nodes:
        node.layer.expect_batch(node.input_shape, batch)
