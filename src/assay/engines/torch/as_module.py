"""A trained network as a ``torch.nn.Module`` of PyTorch's own layers, to go on with there.

Modules have the names of assay's layers, so that ``state_dict()`` has the names of assay's parameters and
buffers. Nothing of assay is in the result but a block for shortcuts and one for `BatchNormPerActivation`.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from assay.engines.torch.module_making import load
from assay.engines.torch.module_network import ModuleNetwork
from assay.engines.torch_modules import PER_ACTIVATION, RESHAPE, RESIDUAL, SEQUENTIAL, module_of
from assay.nn.network import Network
from assay.nn.nodes import Node
from assay.nn.residual import SHORTCUT
from assay.shapes import Array


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
    found = module_of(node)
    if found.kind == RESIDUAL:
        layers, shortcut = found.branches
        return ResidualBlock(_named(layers), _sequence(shortcut) if shortcut else None)
    if found.kind == SEQUENTIAL:
        return _sequence(*found.branches)
    make = OWN.get(found.kind) or getattr(torch.nn, found.kind)
    made: torch.nn.Module = make(**found.arguments)
    return made


def _reshape(shape: tuple[int, ...]) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Unflatten(1, shape))


OWN: Mapping[str, Callable[..., torch.nn.Module]] = {PER_ACTIVATION: PerActivation, RESHAPE: _reshape}
"""The modules that PyTorch lacks."""
