"""One step, slowly: an image sent forward and its loss backward, layer by layer, with every number kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assay.findings.trained import Fitted
from assay.nn.conv2d import Conv2d
from assay.nn.loss import softmax_cross_entropy
from assay.nn.network import local, to_input
from assay.nn.nodes import Node
from assay.nn.sliding import Sliding
from assay.shapes import Array


@dataclass(frozen=True, eq=False)
class Passed:
    """One layer in both directions, without the batch axis: its input, its output, their gradients.

    ``params`` and ``gradients`` go by the layer's own names.
    """

    node: Node
    x: Array = field(repr=False)
    y: Array = field(repr=False)
    dx: Array = field(repr=False)
    dy: Array = field(repr=False)
    params: Mapping[str, Array] = field(repr=False)
    gradients: Mapping[str, Array] = field(repr=False)


@dataclass(frozen=True, eq=False)
class OneStep:
    """The layers in order, the class scores (K,), their shares, dL/dscores, and the loss in nats."""

    layers: tuple[Passed, ...]
    scores: Array
    shares: Array
    dscores: Array
    loss: float


def one_step(found: Fitted, image: NDArray[np.uint8], label: int) -> OneStep:
    """Send ``image`` (H, W) forward and the loss of ``label`` backward, in float64 and evaluation mode.

    Every number comes from the layers' own ``forward`` and ``backward``.
    """
    x = to_input(image[None], found.network, "float64")
    weights = {name: value.astype(np.float64) for name, value in found.weights.items()}
    ahead = []
    for node in found.network.nodes:
        params = local(weights, node.name)
        y, cache = node.layer.forward(params, x)
        ahead.append((node, params, cache, x, y))
        x = y
    loss, dscores = softmax_cross_entropy(x, np.array([label]))
    dy, back = dscores, []
    for node, params, cache, before, after in reversed(ahead):
        dx, gradients = node.layer.backward(params, cache, dy)
        back.append(Passed(node, before[0], after[0], dx[0], dy[0], params, gradients))
        dy = dx
    chances = dscores[0] + (np.arange(len(x[0])) == label)
    return OneStep(tuple(reversed(back)), x[0], chances, dscores[0], loss)


def window(x: Array, sliding: Sliding, row: int, column: int, beyond: float) -> Array:
    """Return what lies under a window of ``sliding`` at output (row, column) of x (C, H, W): (C, kh, kw)."""
    places = [
        at * stride + np.arange(size) * dilation - padding
        for at, stride, size, dilation, padding in zip(
            (row, column), sliding.stride, sliding.kernel_size, sliding.dilation, sliding.padding, strict=True
        )
    ]
    rows, columns = (
        (where, (where >= 0) & (where < size)) for where, size in zip(places, x.shape[1:], strict=True)
    )
    inside = rows[1][:, None] & columns[1][None, :]
    under = x[:, rows[0].clip(0, x.shape[1] - 1)][:, :, columns[0].clip(0, x.shape[2] - 1)]
    found: Array = np.where(inside, under, beyond)
    return found


def channels(layer: Conv2d, x: Array, output: int) -> range:
    """Return the input maps that an output map of a convolution sees."""
    each = len(x) // layer.groups
    first = output // (layer.out_channels // layer.groups) * each
    return range(first, first + each)
