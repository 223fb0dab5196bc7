"""Each layer as ONNX operators, in evaluation mode."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import onnx
from onnx import helper, numpy_helper

from assay import nn
from assay.errors import UnsupportedError
from assay.nn.adaptive_avg_pool2d import mean_matrix
from assay.nn.batch_norm import BatchNorm
from assay.nn.layer import Layer
from assay.nn.nodes import Node, local
from assay.nn.residual import SHORTCUT
from assay.nn.sliding import Sliding
from assay.shapes import Array, pair

Weights = Mapping[str, Array]


class OnnxGraph:
    """A graph in the making: its operators, and the constants that they read, all in float32."""

    def __init__(self) -> None:
        self.operators: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, name: str, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator called ``name`` and return the name of its output, which is the same."""
        self.operators.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def constant(self, name: str, value: Any, dtype: type = np.float32) -> str:
        """Add a constant and return its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype), name))
        return name


def place(graph: OnnxGraph, node: Node, weights: Weights, x: str, prefix: str = "") -> str:
    """Add a layer that reads ``x`` and return the name of what it gives.

    ``weights`` are the layer's own. Operators and weights are named as in the network, after ``prefix``.
    Raises `UnsupportedError` for a layer that is not in the catalogue.
    """
    write = OPERATORS.get(type(node.layer))
    if write is None:
        raise UnsupportedError(
            f"layer {prefix}{node.name}: {node.layer.title} has no ONNX operator "
            "(export to safetensors, and write the layer in the other tool)"
        )
    return write(graph, Node(prefix + node.name, node.layer, node.input_shape, node.output_shape), weights, x)


def _elementwise(operator: str, **attributes: str) -> Callable[..., str]:
    """Return what writes an activation; ``attributes`` maps ONNX's names to the layer's."""

    def write(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
        del weights
        values = {key: float(getattr(node.layer, own)) for key, own in attributes.items()}
        return graph.add(node.name, operator, x, **values)

    return write


def _parameters(graph: OnnxGraph, node: Node, weights: Weights, *names: str) -> list[str]:
    return [graph.constant(f"{node.name}.{name}", weights[name]) for name in names if name in weights]


def _linear(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
    return graph.add(node.name, "Gemm", x, *_parameters(graph, node, weights, "weight", "bias"), transB=1)


def _window(sliding: Sliding) -> dict[str, Any]:
    """Return a window's attributes; padding is the same at both ends of an axis."""
    return {
        "kernel_shape": sliding.kernel_size,
        "strides": sliding.stride,
        "pads": sliding.padding * 2,
        "dilations": sliding.dilation,
    }


def _conv(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
    parameters, layer = _parameters(graph, node, weights, "weight", "bias"), cast("nn.Conv2d", node.layer)
    return graph.add(node.name, "Conv", x, *parameters, group=layer.groups, **_window(layer.sliding))


def _max_pool(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
    del weights
    return graph.add(node.name, "MaxPool", x, **_window(cast("nn.MaxPool2d", node.layer).sliding))


def _avg_pool(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
    del weights
    layer = cast("nn.AvgPool2d", node.layer)
    counted = int(layer.count_include_pad)
    return graph.add(node.name, "AveragePool", x, count_include_pad=counted, **_window(layer.sliding))


def _adaptive(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
    """Write y = A x B^T, as the layer defines it: ONNX has an operator for global pooling alone."""
    del weights
    _, height, width = node.input_shape
    rows, columns = pair(cast("nn.AdaptiveAvgPool2d", node.layer).output_size)
    a = graph.constant(f"{node.name}.rows", mean_matrix(height, rows))
    b = graph.constant(f"{node.name}.columns", mean_matrix(width, columns).T)
    return graph.add(node.name, "MatMul", graph.add(f"{node.name}.averaged", "MatMul", a, x), b)


def _flatten(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
    del weights
    return graph.add(node.name, "Flatten", x, axis=1)


def _reshape(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
    del weights
    shape = graph.constant(f"{node.name}.shape", (0, *node.output_shape), np.int64)  # 0 keeps the batch
    return graph.add(node.name, "Reshape", x, shape)


def _zero_pad(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
    del weights
    left, right, top, bottom = cast("nn.ZeroPad2d", node.layer).sides
    pads = graph.constant(f"{node.name}.pads", (0, 0, top, left, 0, 0, bottom, right), np.int64)
    return graph.add(node.name, "Pad", x, pads)


def _batch_norm(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
    parameters = _parameters(graph, node, weights, "weight", "bias", "running_mean", "running_var")
    eps = cast("BatchNorm", node.layer).eps
    return graph.add(node.name, "BatchNormalization", x, *parameters, epsilon=eps)


def _batch_norm_per_activation(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
    """Write one product and one sum per entry: ONNX normalises per map alone."""
    eps = cast("BatchNorm", node.layer).eps
    scale = weights["weight"] / np.sqrt(np.asarray(weights["running_var"], np.float64) + eps)
    shift = weights["bias"] - weights["running_mean"] * scale
    names = [graph.constant(f"{node.name}.{name}", v) for name, v in (("scale", scale), ("shift", shift))]
    return graph.add(node.name, "Add", graph.add(f"{node.name}.scaled", "Mul", x, names[0]), names[1])


def _nothing(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
    """Return ``x``: in evaluation dropout does nothing."""
    del graph, node, weights
    return x


def _in_sequence(graph: OnnxGraph, layers: tuple[Layer, ...], node: Node, weights: Weights, x: str) -> str:
    for inner in nn.Sequential(layers).nodes(node.input_shape):
        x = place(graph, inner, local(weights, inner.name), x, f"{node.name}.")
    return x


def _sequential(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
    return _in_sequence(graph, cast("nn.Sequential", node.layer).layers, node, weights, x)


def _residual(graph: OnnxGraph, node: Node, weights: Weights, x: str) -> str:
    layer = cast("nn.Residual", node.layer)
    shortcut = Node(f"{node.name}.{SHORTCUT}", node.layer, node.input_shape, node.output_shape)
    kept = _in_sequence(graph, layer.shortcut, shortcut, local(weights, SHORTCUT), x)
    return graph.add(node.name, "Add", _in_sequence(graph, layer.layers, node, weights, x), kept)


OPERATORS: Mapping[type[Layer], Callable[[OnnxGraph, Node, Weights, str], str]] = {
    nn.Linear: _linear,
    nn.Conv2d: _conv,
    nn.Flatten: _flatten,
    nn.Reshape: _reshape,
    nn.ZeroPad2d: _zero_pad,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _avg_pool,
    nn.AdaptiveAvgPool2d: _adaptive,
    nn.ReLU: _elementwise("Relu"),
    nn.LeakyReLU: _elementwise("LeakyRelu", alpha="negative_slope"),
    nn.ELU: _elementwise("Elu", alpha="alpha"),
    nn.SELU: _elementwise("Selu", alpha="ALPHA", gamma="SCALE"),
    nn.Sigmoid: _elementwise("Sigmoid"),
    nn.Tanh: _elementwise("Tanh"),
    nn.Softplus: _elementwise("Softplus"),
    nn.GELU: _elementwise("Gelu"),
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.BatchNormPerActivation: _batch_norm_per_activation,
    nn.Dropout: _nothing,
    nn.Dropout2d: _nothing,
    nn.Sequential: _sequential,
    nn.Residual: _residual,
}
"""How each layer of the catalogue is written."""
