"""Layers in the style of a course framework, and back.

In that style a layer is an object that holds its own parameters::

    layer.params                                            a list of arrays, or a property that gives one
    layer.fprop(inputs)                                     the outputs
    layer.bprop(inputs, outputs, grads_wrt_outputs)         the gradient of the inputs
    layer.grads_wrt_params(inputs, grads_wrt_outputs)       a list of gradients, in the order of params

Layers without parameters leave the last two of these out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from assay.errors import ShapeError, UnsupportedError
from assay.nn.init import Initializer
from assay.nn.layer import Cache, Gradients, Layer, Parameter, Parameters, Role
from assay.shapes import Array, Shape, check_upstream
from assay.streams import stream


def is_coursework(layer: object) -> bool:
    """Whether an object or class has the two methods that every layer in the style has."""
    return all(callable(getattr(layer, name, None)) for name in ("fprop", "bprop"))


@dataclass(frozen=True, eq=False)
class FromCoursework(Layer):
    """A layer in the course's style as a `Layer` of assay, for networks, the reference engine and checks.

    Its parameters are called ``params[0]``, ``params[1]``, ...; they start as
    the layer holds them, the same whatever the seed of a run is. Each call puts
    the parameters it is given into the layer: through the setter of a property
    ``params``, otherwise into the arrays in place.
    """

    layer: Any
    kind: ClassVar[str] = "coursework"
    # What fprop returned last: a layer may keep for bprop whatever it saw then.
    _latest: list[Array] = field(default_factory=list, init=False, repr=False)

    def output_shape(self, shape: Shape) -> Shape:
        """Ask the layer itself, with one example of zeros."""
        return _array("fprop", self.layer.fprop(np.zeros((1, *shape)))).shape[1:]

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return ``params``, each to start as it is now."""
        del shape
        return {
            name: Parameter(value.shape, _AsItIs(np.array(value, np.float64)), role=_role(value))
            for name, value in self._named().items()
        }

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Call ``fprop``."""
        self._put(params)
        y = _array("fprop", self.layer.fprop(x))
        self._latest[:] = [y]
        return y, (x, y)

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Call ``bprop`` and ``grads_wrt_params``; ``fprop`` again if it has seen others since."""
        x, y = cache
        if not self._latest or self._latest[0] is not y:
            _, (x, y) = self.forward(params, x)
        check_upstream(dy, y.shape)
        self._put(params)
        dx = _array("bprop", self.layer.bprop(x, y, dy))
        names = list(self._named())
        found = list(self.layer.grads_wrt_params(x, dy)) if names else []
        if len(found) != len(names):
            raise ShapeError(f"grads_wrt_params gives {len(found)} gradients for {len(names)} params")
        return dx, dict(zip(names, map(np.asarray, found), strict=True))

    def _named(self) -> dict[str, Array]:
        return {f"params[{i}]": value for i, value in enumerate(getattr(self.layer, "params", []))}

    def _put(self, params: Parameters) -> None:
        own = self._named()
        values = [params[name] for name in own]
        described = getattr(type(self.layer), "params", None)
        if values and isinstance(described, property) and described.fset:
            self.layer.params = values
            return
        for array, value in zip(own.values(), values, strict=True):
            array[...] = value


class ToCoursework:
    """A `Layer` of assay, such as convolution or pooling, in the course's style.

    ``input_shape`` leaves the batch axis out. The parameters are drawn for
    ``seed`` and held in ``params``, whose arrays a learning rule may change in
    place. With ``flip_kernels`` the kernels, all parameters of four axes, are
    those of a **convolution**, which runs over the input upside down and back to
    front, rather than of a cross-correlation, which assay and PyTorch compute.

    Nothing but the parameters is kept between calls, so these may come in any
    order; the price is a second pass forward in ``bprop`` and ``grads_wrt_params``.

    Raises `UnsupportedError` for a layer that differs in training, for which the
    style has no word, and `ShapeError` for an input that does not fit.
    """

    def __init__(
        self, layer: Layer, input_shape: Shape, seed: int = 0, *, flip_kernels: bool = False
    ) -> None:
        if type(layer).forward_training is not Layer.forward_training:
            raise UnsupportedError(f"{layer} differs in training and cannot be put in the course's style")
        layer.output_shape(input_shape)
        self.layer = layer
        self.flip_kernels = flip_kernels
        specs = layer.parameters(input_shape)
        self._names = list(specs)
        self._values = [self._turned(spec.draw(stream(seed, "init", name))) for name, spec in specs.items()]

    @property
    def params(self) -> list[Array]:
        """The parameters themselves, in the order of the layer's own."""
        return self._values

    @params.setter
    def params(self, values: Sequence[Array]) -> None:
        if [value.shape for value in values] != [value.shape for value in self._values]:
            raise ShapeError(
                f"params must be arrays of {[value.shape for value in self._values]}; "
                f"got {[value.shape for value in values]}"
            )
        self._values = list(values)

    def fprop(self, inputs: Array) -> Array:
        """Return the outputs for a batch."""
        return self.layer.forward(self._own(), inputs)[0]

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Array:
        """Return the gradient of the inputs, given that of the outputs."""
        del outputs
        return self._backward(inputs, grads_wrt_outputs)[0]

    def grads_wrt_params(self, inputs: Array, grads_wrt_outputs: Array) -> list[Array]:
        """Return the gradient of each of ``params``, summed over the batch."""
        gradients = self._backward(inputs, grads_wrt_outputs)[1]
        return [self._turned(gradients[name]) for name in self._names]

    def _backward(self, inputs: Array, dy: Array) -> tuple[Array, Gradients]:
        params = self._own()
        _, cache = self.layer.forward(params, inputs)
        return self.layer.backward(params, cache, dy)

    def _own(self) -> dict[str, Array]:
        """Return the parameters as the layer takes them."""
        return {name: self._turned(value) for name, value in zip(self._names, self._values, strict=True)}

    def _turned(self, value: Array) -> Array:
        return np.flip(value, axis=(2, 3)) if self.flip_kernels and value.ndim == 4 else value


@dataclass(frozen=True, eq=False)
class _AsItIs(Initializer):
    """The values that a parameter has already."""

    values: Array

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Return a copy."""
        del generator, shape, fan_in, fan_out
        return self.values.copy()


def _role(value: Array) -> Role:
    return "weight" if value.ndim > 1 else "bias"


def _array(method: str, found: Any) -> Array:
    if not isinstance(found, np.ndarray):
        raise ShapeError(f"{method} must return an array; got {type(found).__name__}")
    return found
