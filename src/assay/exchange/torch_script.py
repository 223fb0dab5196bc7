"""Trained networks as a plain PyTorch script beside their weights, to read, edit and train on."""

from pathlib import Path
from pprint import pformat

from assay.engines.torch_modules import PER_ACTIVATION, RESHAPE, RESIDUAL, SEQUENTIAL, module_of
from assay.exchange.card import card
from assay.exchange.weights_file import write_weights
from assay.findings.trained import Trained
from assay.nn.nodes import Node
from assay.report.files import write_whole
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
    found = module_of(node)
    branches = ", ".join(_listed(branch, indent) for branch in found.branches)
    if found.kind == SEQUENTIAL:
        return f"nn.Sequential(OrderedDict({branches}))"
    if found.kind == RESIDUAL:
        return f"Residual({branches})"
    name = found.kind if found.kind in (PER_ACTIVATION, RESHAPE) else f"nn.{found.kind}"
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in found.arguments.items())})"
