"""A network as a plan: values between the stages, and each stage's calls in order."""

from collections.abc import Callable

from assay.engines.numba.convolution import convolution, gradient_margins, padding
from assay.engines.numba.kernels.program import Kernel
from assay.engines.numba.layout import NO_MARGINS, Margins
from assay.engines.numba.linear import linear
from assay.engines.numba.plan import Call, Plan, Stage, Value, call, stages
from assay.engines.numba.pooling import maximum, mean, relu, relu_gradient
from assay.network import Network
from assay.nn.adaptive_avg_pool2d import AdaptiveAvgPool2d
from assay.nn.avg_pool2d import AvgPool2d
from assay.nn.conv2d import Conv2d
from assay.nn.flatten import Flatten
from assay.nn.layer import Layer
from assay.nn.linear import Linear
from assay.nn.max_pool2d import MaxPool2d
from assay.nn.relu import ReLU

Lower = Callable[[Plan, Stage, Value, Value, bool], tuple[list[Call], list[Call]]]

LAYERS: dict[type[Layer], Lower] = {
    Linear: linear,
    Conv2d: convolution,
    MaxPool2d: maximum,
    AvgPool2d: mean,
    AdaptiveAvgPool2d: mean,
}
KNOWN = (*LAYERS, ReLU, Flatten)
"""What the engine has; the last two are done by the stage before them."""


def build(network: Network, slots: int, batch_size: int, dtype: str) -> tuple[Plan, Value]:
    """Return the plan of a network and where its class scores and their gradient lie."""
    plan = Plan(network, slots, batch_size, dtype)
    todo = stages(network)
    x = plan.value(network.input_shape, _wanted(todo[0]) if todo else NO_MARGINS)
    plan.forward.append(_gather(x))
    for number, stage in enumerate(todo):
        following = todo[number + 1] if number + 1 < len(todo) else None
        y = plan.value(stage.output_shape, _wanted(following), _wanted_back(stage, first=number == 0))
        _add(plan, stage, x, y, first=number == 0)
        x = y
    plan.backward.insert(0, _loss(x))
    return plan, x


def _add(plan: Plan, stage: Stage, x: Value, y: Value, first: bool) -> None:
    """Append a stage's calls forward; backward they come before all that are there."""
    forward, backward = LAYERS[type(stage.node.layer)](plan, stage, x, y, first)
    plan.forward += forward
    if stage.relu:
        backward.insert(0, relu_gradient(y))
        if not isinstance(stage.node.layer, Conv2d | Linear):
            plan.forward.append(relu(y.y))
    plan.backward[:0] = backward


def _wanted(stage: Stage | None) -> Margins:
    """Return the zeros that a stage wants around its input."""
    return padding(stage.node.layer) if stage and isinstance(stage.node.layer, Conv2d) else NO_MARGINS


def _wanted_back(stage: Stage, first: bool) -> Margins:
    """Return the zeros that a stage wants around the gradient of its output."""
    node = stage.node
    if first or stage.pool or not isinstance(node.layer, Conv2d):
        return NO_MARGINS
    return gradient_margins(node)


def _gather(x: Value) -> Call:
    channels, rows, columns = x.y.shape
    distances = (channels, x.y.plane_distance, rows, x.y.row_distance, columns, x.y.block_distance)
    return call(Kernel.GATHER, x.y.first, *distances, x.y.blocks, x.y.lanes)


def _loss(y: Value) -> Call:
    scores = (y.y.first, y.y.shape[0], y.y.block_distance, y.y.blocks, y.y.lanes)
    return call(Kernel.LOSS_GRADIENT, *scores, y.dy.first, y.dy.block_distance)


def collect(y: Value) -> Call:
    """Return the call that copies the class scores out."""
    return call(Kernel.COLLECT, y.y.first, y.y.shape[0], y.y.block_distance, y.y.lanes)
