"""A network as a PyTorch module, with assay's initial weights."""

import torch
from torch import nn

from assay.bench.problem import Problem
from assay.errors import UnsupportedError
from assay.nn import AdaptiveAvgPool2d, AvgPool2d, Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU
from assay.shapes import Shape


def model(problem: Problem, seed: int = 0) -> nn.Sequential:
    """Return the problem's network with the initial weights of ``seed``, on the problem's device."""
    modules = nn.Sequential(*(module(node.layer, node.input_shape) for node in problem.network.nodes))
    weights = problem.state(seed).parameters.values()
    with torch.no_grad():
        for parameter, value in zip(modules.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(value))
    return modules.to(problem.device)


def module(layer: Layer, shape: Shape) -> nn.Module:
    """Return the module for a layer whose input has ``shape``, without the batch axis."""
    match layer:
        case Linear():
            return nn.Linear(shape[0], layer.out_features, layer.bias)
        case Conv2d():
            s = layer.sliding
            sizes = (layer.out_channels, s.kernel_size, s.stride, s.padding, s.dilation, layer.groups)
            return nn.Conv2d(shape[0], *sizes, layer.bias)
        case MaxPool2d() | AvgPool2d():
            s = layer.sliding
            kind = nn.MaxPool2d if isinstance(layer, MaxPool2d) else nn.AvgPool2d
            return kind(s.kernel_size, s.stride, s.padding)
        case AdaptiveAvgPool2d():
            return nn.AdaptiveAvgPool2d(layer.output_size)
        case Flatten():
            return nn.Flatten()
        case ReLU():
            return nn.ReLU()
    raise UnsupportedError(f"no PyTorch module is written here for {type(layer).__name__}")
