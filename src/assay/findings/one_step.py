"""One step, slowly: an image sent forward and its loss backward, layer by layer, with every number kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from assay.findings.trained import Fitted
from assay.nn.conv2d import Conv2d
from assay.nn.layer import Cache
from assay.nn.loss import softmax_cross_entropy
from assay.nn.network import local, to_input
from assay.nn.nodes import Node, place
from assay.nn.residual import SHORTCUT, Residual
from assay.nn.sliding import Sliding
from assay.shapes import Array


@dataclass(frozen=True, eq=False)
class Passed:
    """One layer in both directions, without the batch axis: its input, its output, their gradients.

    ``params`` and ``gradients`` go by the layer's own names. ``ways`` are a residual block's: the layers that
    it adds to its input, and those of its shortcut, named as in the network; none of any other layer.
    """

    node: Node
    x: Array = field(repr=False)
    y: Array = field(repr=False)
    dx: Array = field(repr=False)
    dy: Array = field(repr=False)
    params: Mapping[str, Array] = field(repr=False)
    gradients: Mapping[str, Array] = field(repr=False)
    ways: tuple[tuple["Passed", ...], ...] = field(default=(), repr=False)


@dataclass(frozen=True, eq=False)
class OneStep:
    """The layers in order, the class scores (K,), their shares, dL/dscores, and the loss in nats.

    Before a residual block come the layers that it is made of.
    """

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
    ahead = _forward(found.network.nodes, weights, x)
    scores = ahead[-1].y
    loss, dscores = softmax_cross_entropy(scores, np.array([label]))
    layers = tuple(_every(_backward(ahead, dscores)))
    chances = dscores[0] + (np.arange(scores.shape[1]) == label)
    return OneStep(layers, scores[0], chances, dscores[0], loss)


@dataclass(frozen=True, eq=False)
class _Ahead:
    """A layer that a batch of one has gone through."""

    node: Node
    params: Mapping[str, Array]
    cache: Cache
    x: Array
    y: Array


def _forward(nodes: Sequence[Node], weights: Mapping[str, Array], x: Array) -> list[_Ahead]:
    ahead = []
    for node in nodes:
        params = local(weights, node.name)
        y, cache = node.layer.forward(params, x)
        ahead.append(_Ahead(node, params, cache, x, y))
        x = y
    return ahead


def _backward(ahead: list[_Ahead], dy: Array, owner: str = "") -> tuple[Passed, ...]:
    """Send ``dy`` back through the layers, which get their names in the network from their ``owner``'s."""
    back = []
    for one in reversed(ahead):
        dx, gradients = one.node.layer.backward(one.params, one.cache, dy)
        node = replace(one.node, name=owner + one.node.name)
        ways = _ways(one, dy, f"{node.name}.")
        back.append(Passed(node, one.x[0], one.y[0], dx[0], dy[0], one.params, gradients, ways))
        dy = dx
    return tuple(reversed(back))


def _ways(block: _Ahead, dy: Array, owner: str) -> tuple[tuple[Passed, ...], ...]:
    """Return what the two branches of a residual block do with its input and with ``dy``."""
    layer = block.node.layer
    if not isinstance(layer, Residual):
        return ()
    shape = block.node.input_shape
    added = _forward(place(layer.layers, shape), block.params, block.x)
    kept = _forward(place(layer.shortcut, shape), local(block.params, SHORTCUT), block.x)
    return _backward(added, dy, owner), _backward(kept, dy, f"{owner}{SHORTCUT}.")


def _every(layers: Sequence[Passed]) -> Iterator[Passed]:
    for one in layers:
        for way in one.ways:
            yield from _every(way)
        yield one


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
