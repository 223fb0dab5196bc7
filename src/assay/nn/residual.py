"""Residual: what layers add to their own input."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from assay.errors import ShapeError
from assay.nn.layer import Cache, Gradients, Layer, Parameter, Parameters, Window
from assay.nn.nodes import Node, local, prefixed
from assay.nn.sequential import Sequential
from assay.shapes import Array, Shape, text

SHORTCUT = "shortcut"


@dataclass(frozen=True)
class Residual(Layer):
    """y = F(x) + S(x); backward, dL/dx is the sum of both branches' gradients under the same dy.

    F is ``layers`` in sequence and S is ``shortcut``: nothing for the identity
    (He et al. 2016, eq. 1), or, where F changes the shape, a projection such as
    ``(Conv2d(16, 1, stride=2, bias=False),)`` (eq. 2). A ReLU after the sum is
    a separate layer after this one. Parameters of F are named as in a network
    (``conv1.weight``), those of S with ``shortcut.`` before. Both get the same
    generator in training, F first. Cost: that of both branches, plus one addition per output.
    """

    layers: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()
    kind: ClassVar[str] = "residual"

    @property
    def _ways(self) -> tuple[Sequential, Sequential]:
        return Sequential(self.layers), Sequential(self.shortcut)

    def output_shape(self, shape: Shape) -> Shape:
        """Return F's output shape, if S has the same."""
        added, kept = (way.output_shape(shape) for way in self._ways)
        if added != kept:
            raise ShapeError(
                f"the layers make {text(added)} of {text(shape)}, the shortcut {text(kept)} "
                "(project the shortcut with a Conv2d of kernel_size 1 and the layers' stride)"
            )
        return added

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return the values of F and, with ``shortcut.`` before their names, of S."""
        layers, shortcut = self._ways
        return {**layers.parameters(shape), **prefixed(SHORTCUT, shortcut.parameters(shape))}

    def buffers(self, shape: Shape) -> dict[str, Array]:
        """Return the values of F and, with ``shortcut.`` before their names, of S."""
        layers, shortcut = self._ways
        return {**layers.buffers(shape), **prefixed(SHORTCUT, shortcut.buffers(shape))}

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Add both branches."""
        layers, shortcut = self._ways
        added, cache = layers.forward(params, x)
        kept, kept_cache = shortcut.forward(local(params, SHORTCUT), x)
        return added + kept, (cache, kept_cache)

    def forward_training(
        self, params: Parameters, x: Array, generator: np.random.Generator
    ) -> tuple[Array, Cache]:
        """Add both branches in training mode."""
        layers, shortcut = self._ways
        added, cache = layers.forward_training(params, x, generator)
        kept, kept_cache = shortcut.forward_training(local(params, SHORTCUT), x, generator)
        return added + kept, (cache, kept_cache)

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Send dy down both branches."""
        layers, shortcut = self._ways
        dx, grads = layers.backward(params, cache[0], dy)
        dx_kept, grads_kept = shortcut.backward(local(params, SHORTCUT), cache[1], dy)
        return dx + dx_kept, {**grads, **prefixed(SHORTCUT, grads_kept)}

    def updated_buffers(self, params: Parameters, cache: Cache) -> dict[str, Array]:
        """Return the buffers of both branches after the step."""
        layers, shortcut = self._ways
        kept = shortcut.updated_buffers(local(params, SHORTCUT), cache[1])
        return {**layers.updated_buffers(params, cache[0]), **prefixed(SHORTCUT, kept)}

    def inner(self, shape: Shape) -> tuple[Node, ...]:
        """Return the layers of F and of S."""
        return tuple(node for way in self._ways for node in way.nodes(shape))

    def flops(self, shape: Shape) -> int:
        """Count the operations of both branches, and the sum."""
        return sum(way.flops(shape) for way in self._ways) + prod(self.output_shape(shape))

    def window(self, shape: Shape) -> Window:
        """Return the wider of the two branches' windows; their strides are the same."""
        layers, shortcut = (way.window(shape) for way in self._ways)
        rows, columns = map(max, layers.kernel_size, shortcut.kernel_size)
        return Window((rows, columns), layers.stride)
