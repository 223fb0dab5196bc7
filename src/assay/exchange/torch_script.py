"""Trained networks as a plain PyTorch script beside their weights, to read, edit and train on."""

from collections.abc import Callable, Mapping
from pathlib import Path
from pprint import pformat
from typing import Any, cast

from assay import nn
from assay.errors import UnsupportedError
from assay.exchange.card import card
from assay.exchange.weights_file import write_weights
from assay.findings.trained import Trained
from assay.nn.batch_norm import BatchNorm
from assay.nn.layer import Layer
from assay.nn.nodes import Node
from assay.report.files import write_whole
from assay.shapes import expect_maps, expect_vector, pair
from assay.store.readout import Readout

TEMPLATE = '''"""{title}

Written by assay from a results folder. Needs PyTorch and safetensors::

    model = load("{weights}")
    scores = model(images)  # {input}

{card}
"""

from collections import OrderedDict

import torch
from safetensors.torch import load_file
from torch import nn

CLASSES = {classes}


class Residual(nn.Module):
    """Layers plus a shortcut around them, which is the identity where it is empty."""

    def __init__(self, layers, shortcut):
        super().__init__()
        self.names = [name for name, _ in layers]
        for name, layer in layers:
            self.add_module(name, layer)
        self.shortcut = nn.Sequential(OrderedDict(shortcut))

    def forward(self, x):
        y = x
        for name in self.names:
            y = getattr(self, name)(y)
        return y + self.shortcut(x)


class BatchNormPerActivation(nn.Module):
    """Batch normalisation with every entry as its own unit."""

    def __init__(self, shape, eps, momentum):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.zeros(shape))
        self.register_buffer("running_mean", torch.zeros(shape))
        self.register_buffer("running_var", torch.ones(shape))

    def forward(self, x):
        values = (self.running_mean, self.running_var, self.weight, self.bias)
        flat = [value.flatten() for value in values]  # views, so that training moves the buffers
        y = nn.functional.batch_norm(x.flatten(1), *flat, self.training, self.momentum, self.eps)
        return y.reshape(x.shape)


class Reshape(nn.Module):
    """The same entries under another shape."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.reshape(len(x), *self.shape)


def network():
    """Return the network with PyTorch's own initial weights."""
    return nn.Sequential(
        OrderedDict(
            {layers}
        )
    ){precision}


def load(path="{weights}"):
    """Return the trained network, in evaluation mode."""
    model = network()
    model.load_state_dict({{**model.state_dict(), **load_file(path)}})
    return model.eval()
'''

INDENT = " " * 12


def write_torch(results: Readout, trained: Trained, path: Path) -> None:
    """Write the script ``path`` (.py) and, under the same name, the weights (.safetensors).

    Raises `UnsupportedError` for a layer that is not in the catalogue.
    """
    values, weights = card(results, trained), path.with_suffix(".safetensors")
    layers = _listed(trained.network.nodes, INDENT)
    rest = {key: value for key, value in values.items() if key not in ("classes", "question")}
    text = TEMPLATE.format(
        title=_quotable(f"{values['question']} The network of {trained.run.id}."),
        input=values["input"],
        weights=weights.name,
        card="\n".join(f"{key}: {_quotable(str(value))}" for key, value in rest.items()),
        classes=pformat(values["classes"], width=100, compact=True),
        layers=layers,
        precision=".double()" if trained.dtype == "float64" else "",
    )
    write_weights(results, trained, weights)
    write_whole(path, text)


def _quotable(text: str) -> str:
    """Return text that can stand in a docstring."""
    return text.replace("\\", "\\\\").replace('"""', "'''")


def _listed(nodes: tuple[Node, ...], indent: str) -> str:
    """Return layers as a list of pairs: names, and what constructs them."""
    if not nodes:
        return "[]"
    lines = [f'{indent}    ("{node.name}", {_written(node, indent + "    ")}),' for node in nodes]
    return "\n".join(["[", *lines, f"{indent}]"])


def _written(node: Node, indent: str) -> str:
    """Return what constructs a layer."""
    if isinstance(node.layer, nn.Residual):
        ways = (
            nn.Sequential(way).nodes(node.input_shape) for way in (node.layer.layers, node.layer.shortcut)
        )
        return f"Residual({', '.join(_listed(way, indent) for way in ways)})"
    if isinstance(node.layer, nn.Sequential):
        return f"nn.Sequential(OrderedDict({_listed(node.layer.nodes(node.input_shape), indent)}))"
    found = MODULES.get(type(node.layer))
    if found is None:
        raise UnsupportedError(
            f"layer {node.name}: {node.layer.title} has no PyTorch module "
            "(export to safetensors, and write the layer in PyTorch)"
        )
    name, arguments = found
    given = arguments(node)
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in given.items())})"


def _linear(node: Node) -> dict[str, Any]:
    layer = cast("nn.Linear", node.layer)
    inputs = expect_vector(node.input_shape)
    return {"in_features": inputs, "out_features": layer.out_features, "bias": layer.bias}


def _conv(node: Node) -> dict[str, Any]:
    layer = cast("nn.Conv2d", node.layer)
    channels = {"in_channels": expect_maps(node.input_shape)[0], "out_channels": layer.out_channels}
    window = {key: pair(getattr(layer, key)) for key in ("kernel_size", "stride", "padding", "dilation")}
    return {**channels, **window, "groups": layer.groups, "bias": layer.bias}


def _normalised(node: Node) -> dict[str, Any]:
    layer = cast("BatchNorm", node.layer)
    units = layer.units(node.input_shape)
    shape = {"shape": units} if type(layer) is nn.BatchNormPerActivation else {"num_features": units[0]}
    return {**shape, "eps": layer.eps, "momentum": layer.momentum}


def _fields(*names: str) -> Callable[[Node], dict[str, Any]]:
    return lambda node: {name: getattr(node.layer, name) for name in names}


MODULES: Mapping[type[Layer], tuple[str, Callable[[Node], dict[str, Any]]]] = {
    nn.Linear: ("nn.Linear", _linear),
    nn.Conv2d: ("nn.Conv2d", _conv),
    nn.Flatten: ("nn.Flatten", _fields()),
    nn.Reshape: ("Reshape", _fields("shape")),
    nn.ZeroPad2d: ("nn.ZeroPad2d", _fields("padding")),
    nn.MaxPool2d: ("nn.MaxPool2d", _fields("kernel_size", "stride", "padding")),
    nn.AvgPool2d: ("nn.AvgPool2d", _fields("kernel_size", "stride", "padding", "count_include_pad")),
    nn.AdaptiveAvgPool2d: ("nn.AdaptiveAvgPool2d", _fields("output_size")),
    nn.ReLU: ("nn.ReLU", _fields()),
    nn.LeakyReLU: ("nn.LeakyReLU", _fields("negative_slope")),
    nn.ELU: ("nn.ELU", _fields("alpha")),
    nn.SELU: ("nn.SELU", _fields()),
    nn.Sigmoid: ("nn.Sigmoid", _fields()),
    nn.Tanh: ("nn.Tanh", _fields()),
    nn.Softplus: ("nn.Softplus", _fields()),
    nn.GELU: ("nn.GELU", _fields()),
    nn.BatchNorm1d: ("nn.BatchNorm1d", _normalised),
    nn.BatchNorm2d: ("nn.BatchNorm2d", _normalised),
    nn.BatchNormPerActivation: ("BatchNormPerActivation", _normalised),
    nn.Dropout: ("nn.Dropout", _fields("p")),
    nn.Dropout2d: ("nn.Dropout2d", _fields("p")),
}
"""The module of each layer of the catalogue, and its arguments."""
