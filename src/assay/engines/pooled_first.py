"""Max pooling before the activation in front of it: max f(x) = f(max x) where f never falls.

There are fewer maxima than entries, so f and its derivative are computed fewer times, and an engine that
makes a convolution's maxima as it convolves can do so whatever the activation. The gradient is the same
too, dy f'(x) at the largest x, up to entries whose f ties though they do not (docs/numerics.md).
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from assay.nn.layer import Layer
from assay.nn.max_pool2d import MaxPool2d
from assay.nn.nodes import Node
from assay.nn.relu import ReLU


def pooled_first(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Return the layers, each max pooling moved before the nondecreasing activations right in front of it.

    A ReLU stays, since engines compute it with the layer it follows. So does pooling whose windows overlap
    so much that there are more of them than entries.
    """
    found: list[Node] = []
    for node in nodes:
        place = len(found)
        if isinstance(node.layer, MaxPool2d) and prod(node.output_shape) <= prod(node.input_shape):
            while place and _can_wait(found[place - 1].layer):
                place -= 1
        shape = node.output_shape
        behind = [replace(each, input_shape=shape, output_shape=shape) for each in found[place:]]
        found[place:] = [node, *behind]
    return tuple(found)


def _can_wait(layer: Layer) -> bool:
    return layer.nondecreasing and not isinstance(layer, ReLU)
