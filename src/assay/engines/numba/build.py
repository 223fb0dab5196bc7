"""A network as a plan: values between the stages, and each stage's calls in order."""

from collections.abc import Callable
from itertools import chain, takewhile
from math import prod

import numpy as np

from assay.engines.numba.blueprint import Blueprint, Stage, Value, stages
from assay.engines.numba.calls import Call, block_by_block, call
from assay.engines.numba.convolution import convolution
from assay.engines.numba.dropout import dropout
from assay.engines.numba.elementwise import acts_by_entry, elementwise
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.shuffles import PIXELS
from assay.engines.numba.layout import Offsets
from assay.engines.numba.linear import linear
from assay.engines.numba.normalisation import normalisation
from assay.engines.numba.pooling import maximum, mean, relu, relu_gradient
from assay.engines.numba.rules import Rule
from assay.nn.adaptive_avg_pool2d import AdaptiveAvgPool2d
from assay.nn.avg_pool2d import AvgPool2d
from assay.nn.batch_norm import BatchNorm
from assay.nn.batch_norms import BatchNorm1d, BatchNorm2d, BatchNormPerActivation
from assay.nn.conv2d import Conv2d
from assay.nn.dropout import Dropout, Dropout2d
from assay.nn.flatten import Flatten
from assay.nn.layer import Layer
from assay.nn.linear import Linear
from assay.nn.max_pool2d import MaxPool2d
from assay.nn.network import Network
from assay.nn.relu import ReLU
from assay.optim.recipe import Recipe
from assay.shapes import Pair, Shape

Lower = Callable[[Blueprint, Stage, Value, Value, bool], tuple[list[Call], list[Call]]]

LAYERS: dict[type[Layer], Lower] = {
    Linear: linear,
    Conv2d: convolution,
    MaxPool2d: maximum,
    AvgPool2d: mean,
    AdaptiveAvgPool2d: mean,
    BatchNorm1d: normalisation,
    BatchNorm2d: normalisation,
    BatchNormPerActivation: normalisation,
    Dropout: dropout,
    Dropout2d: dropout,
}
KNOWN = (*LAYERS, ReLU, Flatten)
"""The supported layers, beside those that act by entry; the last two are done by the stage before them."""


def supports(layer: Layer) -> bool:
    """Whether there are kernels for a layer."""
    return type(layer) in KNOWN or acts_by_entry(layer)


def build(network: Network, rule: Rule, recipe: Recipe) -> tuple[Blueprint, Value]:
    """Return the plan of a network and where its class scores and their gradient lie."""
    plan = Blueprint(network, rule, recipe)
    todo = stages(network)
    pixels = x = plan.value(network.input_shape, _border(todo[:1]))
    if len(network.input_shape) != 3 or network.input_shape[0] == 1:
        plan.pixels = pixels
    first, large, done = True, _large(plan, todo), []
    for number, stage in enumerate(todo):
        y = plan.value(stage.output_shape, _border(todo[number + 1 : number + 2]))
        plan.blockwise = number < large
        done.append(_calls(plan, stage, x, y, first))
        if x is plan.pixels and isinstance(stage.node.layer, Dropout):
            plan.pixels = y  # what is 0 stays so
        first, x = first and not stage.node.parameters, y
    forward, backward = (list(calls) for calls in zip(*done, strict=True))
    plan.forward = [
        _gather(plan, Kernel.GATHER, _as_stored(pixels.y.features, network.input_shape)),
        *block_by_block(chain(*forward[:large])),
        *chain(*forward[large:]),
    ]
    plan.backward = [
        _loss(x, plan.broken),
        *chain(*reversed(backward[large:])),
        *block_by_block(chain(*reversed(backward[:large]))),
    ]
    if plan.masks:
        places = np.hstack([mask.features for mask in plan.masks])
        plan.draws.append(_gather(plan, Kernel.GATHER_MASKS, places))
    return plan, x


def _as_stored(places: Offsets, input_shape: Shape) -> Offsets:
    """Return the places of pixels in an image's own order: the channels of a pixel together."""
    if len(input_shape) != 3:
        return places
    return np.moveaxis(places.reshape(-1, *input_shape), 1, -1).reshape(places.shape)


def _border(following: list[Stage]) -> Pair:
    """Return the border of zeros that the stage after a value needs."""
    layers = [stage.node.layer for stage in following]
    return next((layer.sliding.padding for layer in layers if isinstance(layer, Conv2d)), (0, 0))


LARGE = 2**17
"""Bytes of a block's map from which stages are run block by block, so that each finds its input
in the cache."""


def _large(plan: Blueprint, todo: list[Stage]) -> int:
    """Return how many stages at the beginning make large maps, up to one that needs all blocks at once."""
    alone = takewhile(lambda stage: _block_alone(stage.node.layer), todo)
    sizes = [prod(stage.output_shape) * plan.memory.vector_bytes for stage in alone]
    return max((number for number, size in enumerate(sizes, start=1) if size >= LARGE), default=0)


def _block_alone(layer: Layer) -> bool:
    """Whether a layer takes each block by itself.

    The built-in activations could too, but weights' gradients would be summed in another order then, and
    earlier results not be continued.
    """
    return isinstance(layer, Conv2d | MaxPool2d | AvgPool2d) or layer.elementwise is not None


def _calls(plan: Blueprint, stage: Stage, x: Value, y: Value, first: bool) -> tuple[list[Call], list[Call]]:
    """Return a stage's calls forward and backward.

    The gradient with respect to the input of the ``first`` stage with parameters, and before, is not needed.
    """
    lower = LAYERS.get(type(stage.node.layer), elementwise)
    forward, backward = lower(plan, stage, x, y, first)
    if stage.relu and not isinstance(stage.node.layer, Conv2d | Linear | BatchNorm):
        forward = [*forward, *relu(plan, y)]
    if stage.relu and not stage.pool:
        backward = [*relu_gradient(plan, y), *backward]
    return forward, backward


def _gather(plan: Blueprint, kernel: Kernel, places: Offsets) -> Call:
    """Gather rows of bytes; those of fewer than a tile's are widened, and what is too much goes nowhere."""
    lanes = plan.memory.lanes
    spare = np.full((plan.blocks, max(PIXELS - places.shape[1], 0)), plan.memory.take(lanes))
    places = np.hstack([places, spare])
    return call(kernel, plan.table(places), plan.blocks, places.shape[1], lanes)


def _loss(y: Value, broken: int) -> Call:
    """Return the call that begins the backward pass."""
    scores = y.y
    sizes = (scores.shape[0], scores.blocks, scores.lanes)
    return call(Kernel.LOSS_GRADIENT, scores.start, *sizes, y.dy.start, broken)


def collect(y: Value) -> Call:
    """Return the call that copies the class scores out."""
    return call(Kernel.COLLECT, y.y.start, y.y.shape[0], y.y.lanes)
