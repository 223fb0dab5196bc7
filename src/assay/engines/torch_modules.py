"""PyTorch's module of each layer of the catalogue, by name and arguments: to be built or written.

Imports no PyTorch: a script can be written where there is none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from assay import nn
from assay.errors import UnsupportedError
from assay.nn.layer import Layer
from assay.nn.nodes import Node, place

SOFTPLUS_THRESHOLD = 40
"""Where log(1 + e^x) is x to the last bit of float64, and e^x is still finite in float32."""

RESIDUAL, SEQUENTIAL, PER_ACTIVATION, RESHAPE = "Residual", "Sequential", "BatchNormPerActivation", "Reshape"
"""Kinds that contain others, and those that PyTorch lacks; all others are classes of ``torch.nn``."""


@dataclass(frozen=True)
class TorchModule:
    """A module: the class's name, what constructs one, and the layers that it contains, branch by branch."""

    kind: str
    arguments: Mapping[str, Any]
    branches: tuple[tuple[Node, ...], ...] = ()


def module_of(node: Node) -> TorchModule:
    """Return the module of a layer in its place.

    `RESIDUAL` has two branches, its own layers and those of its shortcut, and `SEQUENTIAL` one. Raises
    `UnsupportedError` for a layer that is not assay's own.
    """
    layer = node.layer
    if isinstance(layer, nn.Residual):
        ways = (layer.layers, layer.shortcut)
        return TorchModule(RESIDUAL, {}, tuple(place(way, node.input_shape) for way in ways))
    if isinstance(layer, nn.Sequential):
        return TorchModule(SEQUENTIAL, {}, (place(layer.layers, node.input_shape),))
    found = MODULES.get(type(layer))
    if found is None:
        raise UnsupportedError(
            f"layer {node.name}: {layer.title} has no PyTorch module "
            "(export to safetensors, and write the layer in PyTorch)"
        )
    kind, arguments = found
    return TorchModule(kind, arguments(layer, node))


Arguments = Callable[[Any, Node], Mapping[str, Any]]


def _fields(*names: str) -> Arguments:
    """Return what gives a layer's fields of these names, under the same names."""
    return lambda layer, _: {name: getattr(layer, name) for name in names}


def _sliding(*names: str) -> Arguments:
    """Return what gives a pooling layer's window, and its fields of these names."""

    def arguments(layer: Any, node: Node) -> Mapping[str, Any]:
        del node
        window = {name: getattr(layer.sliding, name) for name in ("kernel_size", "stride", "padding")}
        return window | {name: getattr(layer, name) for name in names}

    return arguments


def _linear(layer: Any, node: Node) -> Mapping[str, Any]:
    return {"in_features": node.input_shape[0], "out_features": node.output_shape[0], "bias": layer.bias}


def _conv2d(layer: Any, node: Node) -> Mapping[str, Any]:
    channels = {"in_channels": node.input_shape[0], "out_channels": node.output_shape[0]}
    names = ("kernel_size", "stride", "padding", "dilation")
    window = {name: getattr(layer.sliding, name) for name in names}
    return {**channels, **window, "groups": layer.groups, "bias": layer.bias}


def _norm(layer: Any, node: Node) -> Mapping[str, Any]:
    return {"num_features": node.input_shape[0], "eps": layer.eps, "momentum": layer.momentum}


def _per_activation(layer: Any, node: Node) -> Mapping[str, Any]:
    return {"shape": node.input_shape, "eps": layer.eps, "momentum": layer.momentum}


MODULES: Mapping[type[Layer], tuple[str, Arguments]] = {
    nn.Linear: ("Linear", _linear),
    nn.Conv2d: ("Conv2d", _conv2d),
    nn.Flatten: ("Flatten", _fields()),
    nn.Reshape: (RESHAPE, _fields("shape")),
    nn.ZeroPad2d: ("ZeroPad2d", lambda layer, _: {"padding": layer.sides}),
    nn.MaxPool2d: ("MaxPool2d", _sliding()),
    nn.AvgPool2d: ("AvgPool2d", _sliding("count_include_pad")),
    nn.AdaptiveAvgPool2d: ("AdaptiveAvgPool2d", _fields("output_size")),
    nn.ReLU: ("ReLU", _fields()),
    nn.LeakyReLU: ("LeakyReLU", _fields("negative_slope")),
    nn.ELU: ("ELU", _fields("alpha")),
    nn.SELU: ("SELU", _fields()),
    nn.Sigmoid: ("Sigmoid", _fields()),
    nn.Tanh: ("Tanh", _fields()),
    nn.Softplus: ("Softplus", lambda *_: {"threshold": SOFTPLUS_THRESHOLD}),
    nn.GELU: ("GELU", _fields()),
    nn.BatchNorm1d: ("BatchNorm1d", _norm),
    nn.BatchNorm2d: ("BatchNorm2d", _norm),
    nn.BatchNormPerActivation: (PER_ACTIVATION, _per_activation),
    nn.Dropout: ("Dropout", _fields("p")),
    nn.Dropout2d: ("Dropout2d", _fields("p")),
}
"""The class of each layer of the catalogue, and its arguments."""
