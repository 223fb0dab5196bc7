"""A network: a sequence of layers, checked as a whole.

Layers are named by kind and order (``conv1``, ``relu1``, ``conv2``, ...) and
parameters after them (``conv1.weight``). Initial weights come from a stream
that is named after the parameter, so two networks with the same seed start
from the same weights wherever name and shape agree.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import DTypeLike, NDArray

from assay import streams
from assay.errors import ShapeError
from assay.nn.layer import Cache, Gradients, Layer, Parameter, Parameters
from assay.nn.nodes import Node as Node
from assay.nn.nodes import local as local
from assay.nn.nodes import place, prefixed
from assay.shapes import Array, Shape, channels_first

Draw = Callable[[str], np.random.Generator]

MOST_LAYERS = 1_000
"""The maximum number of layers of a network, counting those in residual blocks: assay is for small ones."""


@dataclass(frozen=True)
class Network:
    """Layers in sequence, from an input shape to K class scores.

    Raises `ShapeError`, naming the layer, when two layers do not fit or a
    feature map shrinks to nothing.
    """

    layers: tuple[Layer, ...]
    input_shape: Shape = (1, 28, 28)

    def __post_init__(self) -> None:
        """Check all shapes at once, before anything is trained."""
        if not self.layers:
            raise ShapeError("a network needs at least one layer")
        expect_layers("layers", len(self.layers))
        _ = self.nodes

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every layer with its name and shapes."""
        return place(self.layers, self.input_shape)

    @property
    def output_shape(self) -> Shape:
        """The shape of what the last layer returns, ``(K,)`` for a classifier."""
        return self.nodes[-1].output_shape

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every trainable parameter by its name."""
        return {name: spec for node in self.nodes for name, spec in node.parameters.items()}

    @property
    def parameter_count(self) -> int:
        """The number of learnt values."""
        return sum(prod(parameter.shape) for parameter in self.parameters.values())

    @property
    def flops(self) -> int:
        """Floating-point operations forward, one example; a multiply-add counts two."""
        return sum(node.flops for node in self.nodes)

    @property
    def training_flops(self) -> int:
        """Floating-point operations of a training step, one example, of the layers with parameters.

        They do nearly all of the work: once forward, twice backward (for the weights and for the input), but
        there is no gradient for the pixels.
        """
        weighted = [node.flops for node in self.nodes if node.parameters]
        return 3 * sum(weighted) - sum(weighted[:1])

    @property
    def uncounted(self) -> tuple[str, ...]:
        """The names of a user's layers that `flops` leaves out, for they do not count their operations."""
        return tuple(name for node in self.nodes for name in node.uncounted)

    @cached_property
    def receptive_fields(self) -> tuple[tuple[int, int], ...]:
        """After each layer, how many input rows and columns one output sees.

        The recurrence ``r += (k - 1) * dilation * jump``, ``jump *= stride``
        (Araujo et al. 2019, eq. 2), cut off at the size of the input.
        """
        fields, seen, jump = [], [1, 1], [1, 1]
        limit = self.input_shape[1:] if len(self.input_shape) == 3 else (1, 1)
        for node in self.nodes:
            window = node.layer.window(node.input_shape)
            for axis in (0, 1):
                seen[axis] += (window.kernel_size[axis] - 1) * window.dilation[axis] * jump[axis]
                jump[axis] *= window.stride[axis]
            fields.append((min(seen[0], limit[0]), min(seen[1], limit[1])))
        return tuple(fields)

    def initialise(self, seed: int, dtype: DTypeLike = np.float32) -> dict[str, Array]:
        """Draw the initial parameters of a run."""
        return {
            name: np.ascontiguousarray(parameter.draw(streams.stream(seed, "init", name)), dtype=dtype)
            for name, parameter in self.parameters.items()
        }

    def initial_buffers(self, dtype: DTypeLike = np.float32, seed: int = 0) -> dict[str, Array]:
        """Return the buffers of a run before its first step; assay's own layers need no ``seed``."""
        del seed
        return {
            name: np.array(value, dtype=dtype) for node in self.nodes for name, value in node.buffers.items()
        }

    def forward(self, params: Parameters, x: Array) -> tuple[Array, list[Cache]]:
        """Return the class scores of a batch in evaluation mode, and what `backward` needs."""
        outputs, caches = self.traced(params, x)
        return outputs[-1], caches

    def traced(self, params: Parameters, x: Array) -> tuple[list[Array], list[Cache]]:
        """Return what each layer gives in evaluation mode, the scores last, and what `backward` needs."""
        outputs, caches = [], []
        for node in self.nodes:
            x, cache = node.layer.forward(local(params, node.name), x)
            outputs.append(x)
            caches.append(cache)
        return outputs, caches

    def forward_training(self, params: Parameters, x: Array, draw: Draw) -> tuple[Array, list[Cache]]:
        """Return the same in training mode; ``draw`` gives each layer, by name, its generator."""
        caches = []
        for node in self.nodes:
            x, cache = node.layer.forward_training(local(params, node.name), x, draw(node.name))
            caches.append(cache)
        return x, caches

    def updated_buffers(self, params: Parameters, caches: list[Cache]) -> dict[str, Array]:
        """Return the buffers after the training step that left ``caches``."""
        return {
            f"{node.name}.{name}": value
            for node, cache in zip(self.nodes, caches, strict=True)
            if node.buffers
            for name, value in node.layer.updated_buffers(local(params, node.name), cache).items()
        }

    def backward(self, params: Parameters, caches: list[Cache], dy: Array) -> tuple[Array, Gradients]:
        """Return dL/dx and the gradient of every parameter."""
        gradients: Gradients = {}
        for node, cache in zip(reversed(self.nodes), reversed(caches), strict=True):
            dy, grads = node.layer.backward(local(params, node.name), cache, dy)
            gradients.update(prefixed(node.name, grads))
        return dy, gradients


def expect_layers(key: str, count: int) -> None:
    """Reject more layers, or blocks of them, than a network may have, before any is made."""
    if count > MOST_LAYERS:
        raise ShapeError(f"{key}: {count:,} are more than the {MOST_LAYERS:,} layers that a network may have")


def to_input(images: NDArray[np.uint8], network: Network, dtype: str) -> Array:
    """Return pixels (N, H, W) or (N, H, W, C) scaled to [0, 1], as a batch of the network's input shape."""
    x: Array = channels_first(images).astype(dtype) / np.asarray(255, dtype)
    return x.reshape(len(images), *network.input_shape)
