"""Networks that hold every layer of the catalogue between them, with weights as after some training."""

import numpy as np

from assay import nn
from assay.nn.network import Network

MAPS = (2, 8, 7)
ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.GELU)
HEAD = (nn.Flatten(), nn.Linear(5))

NETWORKS = {
    "convolutions": (
        nn.Conv2d(4, (3, 2), (2, 1), (1, 0), (1, 2)), nn.Conv2d(6, 3, padding=1, groups=2, bias=False), *HEAD,
    ),
    "maxima": (nn.MaxPool2d(3, 2, 1), nn.MaxPool2d((2, 1)), *HEAD),
    "means": (nn.AvgPool2d(3, 2, 1), nn.AvgPool2d(2, 1, 1, count_include_pad=False), *HEAD),
    "regions": (nn.AdaptiveAvgPool2d((3, 9)), nn.AdaptiveAvgPool2d(1), *HEAD),
    "shapes": (nn.ZeroPad2d((0, 1, 2, 3)), nn.Flatten(), nn.Reshape((8, 13, 2)), nn.ZeroPad2d(1), *HEAD),
    "normalised": (
        nn.BatchNorm2d(1e-3), nn.BatchNormPerActivation(), nn.Dropout2d(0.3), nn.Flatten(), nn.Linear(6),
        nn.BatchNorm1d(), nn.Dropout(0.2), nn.BatchNormPerActivation(1e-2), nn.Linear(5, bias=False),
    ),
    "activations": tuple(layer for f in ACTIVATIONS for layer in (nn.Conv2d(3, 1), f())) + HEAD,
    "slopes": (nn.LeakyReLU(0.3), nn.ELU(0.7), *HEAD),
    "nested": (
        nn.Residual((nn.Conv2d(2, 3, padding=1), nn.Sequential((nn.BatchNorm2d(), nn.ReLU())))), nn.ReLU(),
        nn.Residual((nn.Conv2d(4, 1, 2),), (nn.Conv2d(4, 1, 2, bias=False), nn.BatchNorm2d())),
        nn.Residual((nn.Residual((nn.Tanh(),)),)), *HEAD,
    ),
}  # fmt: skip


def network(name):
    """Return a network of `NETWORKS` by name, for inputs of ``MAPS``."""
    return Network(NETWORKS[name], MAPS)


def weights(network, dtype="float32"):
    """Return parameters and buffers, none of them as they start."""
    rng = np.random.default_rng(5)
    found = {**network.initialise(3, dtype), **network.initial_buffers(dtype)}
    return {
        name: (value + abs(rng.normal(0, 0.2, value.shape))).astype(dtype) for name, value in found.items()
    }
