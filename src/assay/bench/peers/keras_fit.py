"""Keras: one model, trained with ``fit``."""

import os
from importlib.util import find_spec

from assay.bench.peers.pooling import averaged
from assay.bench.problem import BATCH, Problem, Trainer
from assay.errors import UnsupportedError
from assay.nn import AdaptiveAvgPool2d, AvgPool2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU
from assay.nn.nodes import Node
from assay.nn.sliding import Sliding
from assay.shapes import Array

BACKENDS = ("jax", "tensorflow", "torch")
"""Keras's backends, the fastest for networks as small as these first."""

os.environ.setdefault("KERAS_BACKEND", next(filter(find_spec, BACKENDS), "none"))  # before Keras is imported

import keras  # noqa: E402


class KerasFit(Trainer):
    """Images preloaded as float32, channels last as Keras expects them."""

    def __init__(self, problem: Problem) -> None:
        """Build the model and give it the weights of seed 0; `UnsupportedError` on a GPU."""
        super().__init__(problem)
        if self.problem.device != "cpu":
            raise UnsupportedError("is timed on the CPU only")
        nodes = self.problem.network.nodes
        self.inputs = self.problem.floats.transpose(0, 2, 3, 1).copy()
        layers = [layer for node in nodes for layer in _layers(node)]
        self.module = keras.Sequential([keras.Input(self.inputs.shape[1:]), *layers])
        self.module.set_weights(_weights(self.problem))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.module.compile(optimizer=keras.optimizers.Adam(epsilon=1e-8), loss=loss)

    def epoch(self, steps: int) -> None:
        """Train."""
        order = self.batches(steps).ravel()
        x, labels = self.inputs[order], self.problem.labels[order]
        self.module.fit(x, labels, batch_size=BATCH, shuffle=False, verbose=0)

    def scores(self) -> Array:
        """Return class scores."""
        return self.module.predict_on_batch(self.inputs[:BATCH])


def _layers(node: Node) -> list[keras.Layer]:
    """Return the Keras layers equivalent to a layer."""
    match layer := node.layer:
        case Linear():
            return [keras.layers.Dense(layer.out_features, use_bias=layer.bias)]
        case Conv2d():
            return _convolution(layer)
        case MaxPool2d():
            return _pooling(keras.layers.MaxPooling2D, layer.sliding)
        case AvgPool2d() | AdaptiveAvgPool2d():
            return _pooling(keras.layers.AveragePooling2D, averaged(layer, node.input_shape))
        case Flatten():
            return [keras.layers.Flatten()]
        case ReLU():
            return [keras.layers.ReLU()]
    raise UnsupportedError(f"no Keras layer is written here for {type(layer).__name__}")


def _convolution(layer: Conv2d) -> list[keras.Layer]:
    s = layer.sliding
    options = {"dilation_rate": s.dilation, "groups": layer.groups, "use_bias": layer.bias}
    return [
        *_padding(s),
        keras.layers.Conv2D(layer.out_channels, s.kernel_size, s.stride, **options),
    ]


def _pooling(kind: type[keras.Layer], s: Sliding) -> list[keras.Layer]:
    """Pad with zeros: an average counts them as such, and no output of ReLU is below them."""
    return [*_padding(s), kind(s.kernel_size, s.stride)]


def _padding(s: Sliding) -> list[keras.Layer]:
    return [keras.layers.ZeroPadding2D(s.padding)] if any(s.padding) else []


def _weights(problem: Problem) -> list[Array]:
    """Return the weights of seed 0 as Keras lays them out."""
    parameters, found, maps = problem.state(0).parameters, [], None
    for node in problem.network.nodes:
        if isinstance(node.layer, Flatten):
            maps = node.input_shape  # the next Linear reads these, channels first
        for name in node.parameters:
            value = parameters[name]
            if isinstance(node.layer, Linear) and value.ndim == 2:
                if maps is not None:
                    value = value.reshape(-1, *maps).transpose(0, 2, 3, 1).reshape(value.shape)
                value, maps = value.T, None
            elif value.ndim == 4:
                value = value.transpose(2, 3, 1, 0)
            found.append(value)
    return found
