"""A layer of assay in the style of a course framework."""

from collections.abc import Sequence

import numpy as np

from assay.errors import ShapeError, UnsupportedError
from assay.nn.coursework.adapter import differs_in_training
from assay.nn.layer import Gradients, Layer
from assay.shapes import Array, Shape
from assay.streams import stream


class ToCoursework:
    """A `Layer` of assay, such as convolution or pooling, in the course's style.

    ``input_shape`` leaves the batch axis out. The parameters are drawn for
    ``seed`` and held in ``params``, whose arrays a learning rule may change in
    place. With ``flip_kernels`` the kernels, all parameters of four axes, are
    those of a **convolution**, which runs over the input upside down and back to
    front, rather than of a cross-correlation, which assay and PyTorch compute.

    Nothing but the parameters is kept between calls, so these may come in any
    order; the price is a second pass forward in ``bprop`` and ``grads_wrt_params``.

    Raises `UnsupportedError` for a layer that differs in training, for which more
    would have to be kept, and `ShapeError` for an input that does not fit.
    """

    def __init__(
        self, layer: Layer, input_shape: Shape, seed: int = 0, *, flip_kernels: bool = False
    ) -> None:
        if differs_in_training(layer):
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
