"""Sequential: layers one after the other, as one layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.nn.layer import Cache, Gradients, Layer, Parameter, Parameters, Window
from assay.nn.nodes import Node, local, place, prefixed
from assay.shapes import Array, Shape


@dataclass(frozen=True)
class Sequential(Layer):
    """y = f_n(... f_2(f_1(x))); backward, the chain rule from the last layer to the first.

    Layers are named as in a `Network`: ``conv1``, ``relu1``, ``conv2``; parameters
    and buffers after them, ``conv1.weight``. No layers at all is the identity.
    """

    layers: tuple[Layer, ...]
    kind: ClassVar[str] = "sequential"

    def nodes(self, shape: Shape) -> tuple[Node, ...]:
        """Return every layer with its name and shapes."""
        return place(self.layers, shape)

    def output_shape(self, shape: Shape) -> Shape:
        """Return what the last layer makes of it."""
        return self.nodes(shape)[-1].output_shape if self.layers else shape

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return all layers' parameters."""
        return {name: spec for node in self.nodes(shape) for name, spec in node.parameters.items()}

    def buffers(self, shape: Shape) -> dict[str, Array]:
        """Return all layers' buffers."""
        return {name: value for node in self.nodes(shape) for name, value in node.buffers.items()}

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Apply one layer after the other."""
        return self._apply(params, x, lambda layer, own, x: layer.forward(own, x))

    def forward_training(
        self, params: Parameters, x: Array, generator: np.random.Generator
    ) -> tuple[Array, Cache]:
        """Apply one layer after the other in training mode; they share the generator in this order."""
        return self._apply(params, x, lambda layer, own, x: layer.forward_training(own, x, generator))

    def _apply(
        self, params: Parameters, x: Array, apply: Callable[[Layer, Parameters, Array], tuple[Array, Cache]]
    ) -> tuple[Array, Cache]:
        nodes, caches = self.nodes(x.shape[1:]), []
        for node in nodes:
            x, cache = apply(node.layer, local(params, node.name), x)
            caches.append(cache)
        return x, (nodes, caches)

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Apply the chain rule."""
        gradients: Gradients = {}
        for node, own in zip(*map(reversed, cache), strict=True):
            dy, grads = node.layer.backward(local(params, node.name), own, dy)
            gradients.update(prefixed(node.name, grads))
        return dy, gradients

    def updated_buffers(self, params: Parameters, cache: Cache) -> dict[str, Array]:
        """Return all layers' buffers after the step."""
        buffers: dict[str, Array] = {}
        for node, own in zip(*cache, strict=True):
            updated = node.layer.updated_buffers(local(params, node.name), own)
            buffers.update(prefixed(node.name, updated))
        return buffers

    def inner(self, shape: Shape) -> tuple[Node, ...]:
        """Return all layers."""
        return self.nodes(shape)

    def flops(self, shape: Shape) -> int:
        """Sum over the layers."""
        return sum(node.flops for node in self.nodes(shape))

    def window(self, shape: Shape) -> Window:
        """Return the window that the layers' windows make together."""
        seen, jump = [1, 1], [1, 1]
        for node in self.nodes(shape):
            window = node.layer.window(node.input_shape)
            for axis in (0, 1):
                seen[axis] += (window.kernel_size[axis] - 1) * window.dilation[axis] * jump[axis]
                jump[axis] *= window.stride[axis]
        return Window((seen[0], seen[1]), (jump[0], jump[1]))
