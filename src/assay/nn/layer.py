"""The interface of a layer.

A layer is a frozen dataclass that holds its hyper-parameters and nothing else.
Its weights come in as a mapping and its gradients go out as one, so a layer
can be read, tested and compared as the pair of formulas that it is.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from assay.nn.authored import Authored
from assay.nn.init import Initializer
from assay.shapes import Array, Shape

if TYPE_CHECKING:
    from assay.nn.nodes import Node

Parameters = Mapping[str, Array]
Gradients = dict[str, Array]
Cache = Any
"""Whatever a layer's ``forward`` keeps for its ``backward``; opaque to everything else."""

Role = Literal["weight", "bias", "scale"]
"""What a parameter does: it multiplies inputs, is added, or scales what was normalised."""


@dataclass(frozen=True)
class Parameter:
    """What a layer says about one of its parameters.

    ``fan_in`` and ``fan_out`` are the numbers of inputs and outputs that one
    unit is connected to, as initialisers use them; ``init`` draws the values.
    ``role`` says whether penalties count it: those on weights leave biases alone.
    """

    shape: Shape
    init: Initializer
    fan_in: int = 1
    fan_out: int = 1
    role: Role = "weight"

    def draw(self, generator: np.random.Generator) -> Array:
        """Return initial values, float64."""
        return self.init(generator, self.shape, self.fan_in, self.fan_out)


@dataclass(frozen=True)
class Window:
    """How far an output of a layer sees: the sliding window of its kernel."""

    kernel_size: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)


class Layer(Authored, ABC):
    """One layer: a formula forward, its derivative backward.

    Shapes omit the batch axis; arrays have it first. A subclass is a
    frozen dataclass; it defines `output_shape`, `forward` and `backward`, and
    the rest where it differs from "no parameters, no arithmetic, same in
    training and evaluation".

    A layer that differs in training defines `forward_training`; `backward`
    takes the cache of either. One that keeps running statistics defines
    `buffers` and `updated_buffers`: ``params`` then holds the buffers too,
    under their names, but they have no gradient.
    """

    kind: ClassVar[str]
    """Stem of the layer's name in a network: ``conv`` gives ``conv1``, ``conv2``, ..."""

    elementwise: ClassVar[tuple[Callable[..., float], Callable[..., float]] | None] = None
    """For a layer that acts on each entry by itself: y(x) and dy/dx, functions under ``numba.njit``.

    Both take x and then the layer's fields, in their order, all of them numbers. The numba engine
    trains a layer that has them; `forward` and `backward` must say the same.
    """

    @property
    def nondecreasing(self) -> bool:
        """Whether each entry of y is one and the same function of that entry of x, which never falls.

        That is, y(a) <= y(b) for all numbers a <= b. Engines then apply it behind max pooling instead of in
        front, to fewer numbers. False unless a subclass says otherwise: by ``nondecreasing: ClassVar[bool] =
        True`` or, where it depends on the fields, a property. What it says is checked before training.
        """
        return False

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape that an input of ``shape`` becomes; `ShapeError` if it cannot."""

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return the trainable parameters for an input of ``shape``, by name."""
        del shape
        return {}

    @abstractmethod
    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Return the output for the batch ``x`` and what `backward` needs."""

    def forward_training(
        self, params: Parameters, x: Array, generator: np.random.Generator
    ) -> tuple[Array, Cache]:
        """Return the same in training mode; all randomness comes from ``generator``."""
        del generator
        return self.forward(params, x)

    @abstractmethod
    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Return dL/dx and the gradient of each parameter, given ``dy`` = dL/dy.

        Gradients are summed over the batch: the loss divides by N once.
        """

    def buffers(self, shape: Shape) -> dict[str, Array]:
        """Return the initial values, by name, of what the layer keeps besides parameters; float64."""
        del shape
        return {}

    def updated_buffers(self, params: Parameters, cache: Cache) -> dict[str, Array]:
        """Return the buffers after the training step whose `forward_training` left ``cache``."""
        del params, cache
        return {}

    def inner(self, shape: Shape) -> "tuple[Node, ...]":
        """Return the layers that this one is made of, in their places; most layers have none."""
        del shape
        return ()

    def expect_batch(self, shape: Shape, examples: int) -> None:
        """Raise `ShapeError` if the layer cannot train on this few ``examples`` at once."""
        del shape, examples

    def flops(self, shape: Shape) -> int:
        """Count floating-point operations forward, one example; a multiply-add counts two."""
        del shape
        return 0

    def window(self, shape: Shape) -> Window:
        """Return the sliding window through which one output sees the input."""
        del shape
        return Window()
