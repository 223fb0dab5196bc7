"""The reports' networks written again, in PyTorch's words."""

from itertools import pairwise
from math import prod

import torch
from torch import nn

torch.set_num_threads(1)


def torch_blocks(count, filters, reduction, classes, size):
    modules, channels = [], 1
    for index in range(count):
        modules += [nn.Conv2d(channels, filters, 3, padding=1, bias=False), nn.ReLU()]
        modules += {
            "max": [nn.MaxPool2d(2, stride=2, padding=1)],
            "average": [nn.AvgPool2d(2, stride=2, padding=1)],
            "strided": [nn.Conv2d(filters, filters, 3, stride=2, padding=1, bias=False), nn.ReLU()],
            "dilated": [nn.Conv2d(filters, filters, 3, padding=1, dilation=index + 2, bias=False), nn.ReLU()],
        }[reduction]
        channels = filters
    with torch.no_grad():
        maps = nn.Sequential(*modules)(torch.zeros(1, 1, *size)).shape[2:]
    if tuple(maps) != (2, 2):
        modules.append(nn.AdaptiveAvgPool2d(2))
    return nn.Sequential(*modules, nn.Flatten(), nn.Linear(4 * filters, classes, bias=False))


def torch_pools(maps, classes, size, kernel_size=5):
    modules, channels = [], 1
    for count in maps:
        modules += [nn.Conv2d(channels, count, kernel_size), nn.ReLU(), nn.MaxPool2d(2)]
        channels = count
    modules.append(nn.Flatten())
    with torch.no_grad():
        features = nn.Sequential(*modules)(torch.zeros(1, 1, *size)).shape[1]
    return nn.Sequential(*modules, nn.Linear(features, classes))


def torch_dense(hidden, classes, size):
    widths = [prod(size), *hidden]
    modules = [nn.Flatten()]
    for fan_in, units in pairwise(widths):
        modules += [nn.Linear(fan_in, units), nn.ReLU()]
    return nn.Sequential(*modules, nn.Linear(widths[-1], classes))


def load_weights(modules, weights):
    """Copy weights, in the order of the network, into PyTorch's parameters."""
    with torch.no_grad():
        for parameter, value in zip(modules.parameters(), weights.values(), strict=True):
            parameter.copy_(torch.tensor(value))
