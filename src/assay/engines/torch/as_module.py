"""A trained network as a ``torch.nn.Module`` of PyTorch's own layers, to go on with there.

Modules have the names of assay's layers, so that ``state_dict()`` has the names of assay's parameters and
buffers. Nothing of assay is in the result but a block for shortcuts and one for `BatchNormPerActivation`.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from assay import nn
from assay.engines.torch.activations import SOFTPLUS_THRESHOLD
from assay.engines.torch.module_making import load
from assay.engines.torch.module_network import ModuleNetwork
from assay.errors import UnsupportedError
from assay.nn.layer import Layer
from assay.nn.network import Network
from assay.nn.nodes import Node, place
from assay.nn.residual import SHORTCUT
from assay.shapes import Array

Kind = Callable[..., torch.nn.Module]
Make = Callable[[Any, Node], torch.nn.Module]


def as_module(network: Network, weights: Mapping[str, Array]) -> torch.nn.Module:
    """Return ``network`` with ``weights`` as a module, in evaluation mode and in the weights' precision.

    It takes pixels (N, C, H, W) from 0 to 1 and returns class scores (N, K). Raises `UnsupportedError` for
    a layer that is not assay's own.
    """
    if isinstance(network, ModuleNetwork):
        own = network.module().to(getattr(torch, weights[next(iter(network.parameters))].dtype.name))
        load(own, weights)
        return own.eval()
    module = _sequence(network.nodes)
    dtypes = {value.dtype for name, value in weights.items() if name in network.parameters}
    for dtype in dtypes:
        module.to(getattr(torch, dtype.name))
    found = {name: torch.tensor(value) for name, value in weights.items()}
    counts = {
        name: value for name, value in module.state_dict().items() if name.endswith("num_batches_tracked")
    }
    module.load_state_dict({**counts, **found})
    return module.eval()


class ResidualBlock(torch.nn.Sequential):
    """y = F(x) + S(x): its own modules in sequence, and ``shortcut``, by default the identity."""

    def __init__(self, layers: "OrderedDict[str, torch.nn.Module]", shortcut: torch.nn.Module | None) -> None:
        super().__init__(layers)
        self.branch = (*layers,)
        if shortcut is not None:
            self.add_module(SHORTCUT, shortcut)

    def forward(self, x: Tensor) -> Tensor:
        """Add both branches."""
        y = x
        for name in self.branch:
            y = self.get_submodule(name)(y)
        return y + (self.get_submodule(SHORTCUT)(x) if SHORTCUT in self._modules else x)


class PerActivation(torch.nn.BatchNorm1d):
    """Batch normalisation of every entry of maps by itself; parameters have the maps' shape."""

    def __init__(self, shape: tuple[int, ...], **arguments: Any) -> None:
        super().__init__(1, **arguments)
        self.weight = torch.nn.Parameter(torch.ones(shape))
        self.bias = torch.nn.Parameter(torch.zeros(shape))
        self.running_mean, self.running_var = torch.zeros(shape), torch.ones(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, ...) over N."""
        assert self.running_mean is not None
        assert self.running_var is not None
        parts = (self.running_mean, self.running_var, self.weight, self.bias)
        mean, var, weight, bias = (part.flatten() for part in parts)  # views, so statistics are kept
        momentum = self.momentum or 0.0
        rows = torch.nn.functional.batch_norm(
            x.flatten(1), mean, var, weight, bias, self.training, momentum, self.eps
        )
        return rows.view(x.shape)


def _sequence(nodes: tuple[Node, ...]) -> torch.nn.Sequential:
    return torch.nn.Sequential(_named(nodes))


def _named(nodes: tuple[Node, ...]) -> "OrderedDict[str, torch.nn.Module]":
    return OrderedDict((node.name, _module(node)) for node in nodes)


def _module(node: Node) -> torch.nn.Module:
    make = MODULES.get(type(node.layer))
    if make is None:
        raise UnsupportedError(f"layer {node.name}: {node.layer.title} is not one of PyTorch's")
    return make(node.layer, node)


def _linear(layer: Any, node: Node) -> torch.nn.Module:
    return torch.nn.Linear(node.input_shape[0], node.output_shape[0], bias=layer.bias)


def _conv2d(layer: Any, node: Node) -> torch.nn.Module:
    sliding = layer.sliding
    return torch.nn.Conv2d(
        node.input_shape[0],
        node.output_shape[0],
        sliding.kernel_size,
        stride=sliding.stride,
        padding=sliding.padding,
        dilation=sliding.dilation,
        groups=layer.groups,
        bias=layer.bias,
    )


def _of(kind: Kind, *names: str) -> Make:
    """Return what hands a layer's fields of these names to a kind of module."""

    def make(layer: Any, node: Node) -> torch.nn.Module:
        del node
        return kind(*(getattr(layer, name) for name in names))

    return make


def _reshape(layer: Any, node: Node) -> torch.nn.Module:
    del node
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Unflatten(1, layer.shape))


def _per_activation(layer: Any, node: Node) -> torch.nn.Module:
    return PerActivation(node.input_shape, eps=layer.eps, momentum=layer.momentum)


def _sequential(layer: Any, node: Node) -> torch.nn.Module:
    return _sequence(place(layer.layers, node.input_shape))


def _pool(kind: Kind, *more: str) -> Make:
    def make(layer: Any, node: Node) -> torch.nn.Module:
        del node
        sliding = layer.sliding
        extra = {name: getattr(layer, name) for name in more}
        return kind(sliding.kernel_size, stride=sliding.stride, padding=sliding.padding, **extra)

    return make


def _norm(kind: Kind) -> Make:
    return lambda layer, node: kind(node.input_shape[0], eps=layer.eps, momentum=layer.momentum)


def _residual(layer: Any, node: Node) -> torch.nn.Module:
    shortcut = _sequence(place(layer.shortcut, node.input_shape)) if layer.shortcut else None
    return ResidualBlock(_named(place(layer.layers, node.input_shape)), shortcut)


MODULES: dict[type[Layer], Make] = {
    nn.Linear: _linear,
    nn.Conv2d: _conv2d,
    nn.Flatten: _of(torch.nn.Flatten),
    nn.Reshape: _reshape,
    nn.ZeroPad2d: _of(torch.nn.ZeroPad2d, "sides"),
    nn.MaxPool2d: _pool(torch.nn.MaxPool2d),
    nn.AvgPool2d: _pool(torch.nn.AvgPool2d, "count_include_pad"),
    nn.AdaptiveAvgPool2d: _of(torch.nn.AdaptiveAvgPool2d, "output_size"),
    nn.ReLU: _of(torch.nn.ReLU),
    nn.LeakyReLU: _of(torch.nn.LeakyReLU, "negative_slope"),
    nn.ELU: _of(torch.nn.ELU, "alpha"),
    nn.SELU: _of(torch.nn.SELU),
    nn.Sigmoid: _of(torch.nn.Sigmoid),
    nn.Tanh: _of(torch.nn.Tanh),
    nn.Softplus: _of(partial(torch.nn.Softplus, threshold=SOFTPLUS_THRESHOLD)),
    nn.GELU: _of(torch.nn.GELU),
    nn.BatchNorm1d: _norm(torch.nn.BatchNorm1d),
    nn.BatchNorm2d: _norm(torch.nn.BatchNorm2d),
    nn.BatchNormPerActivation: _per_activation,
    nn.Dropout: _of(torch.nn.Dropout, "p"),
    nn.Dropout2d: _of(torch.nn.Dropout2d, "p"),
    nn.Sequential: _sequential,
    nn.Residual: _residual,
}
"""What makes PyTorch's module of each of assay's layers in its place."""
