"""A network as a function of its parameters, in JAX."""

from collections.abc import Callable
from functools import partial

import jax
from jax import lax
from jax import numpy as jnp

from assay.bench.peers.pooling import averaged
from assay.errors import UnsupportedError
from assay.nn import AdaptiveAvgPool2d, AvgPool2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU
from assay.nn.network import Network
from assay.nn.nodes import Node
from assay.nn.sliding import Sliding

Parameters = dict[str, jax.Array]
Function = Callable[[Parameters, jax.Array], jax.Array]


def forward(network: Network) -> Function:
    """Return a function from parameters (under assay's names) and inputs to class scores (N, K)."""
    functions = [_function(node) for node in network.nodes]

    def scores(parameters: Parameters, x: jax.Array) -> jax.Array:
        for function in functions:
            x = function(parameters, x)
        return x

    return scores


def _function(node: Node) -> Function:
    match layer := node.layer:
        case Linear():
            return lambda p, x: _shifted(x @ p[f"{node.name}.weight"].T, p, node.name)
        case Conv2d():
            return partial(_convolved, layer, node.name)
        case MaxPool2d():
            return lambda _, x: _reduced(x, -jnp.inf, lax.max, layer.sliding)
        case AvgPool2d() | AdaptiveAvgPool2d():
            return partial(_mean, averaged(layer, node.input_shape))
        case Flatten():
            return lambda _, x: x.reshape(len(x), -1)
        case ReLU():
            return lambda _, x: jax.nn.relu(x)
    raise UnsupportedError(f"no function in JAX is written here for {type(layer).__name__}")


def _convolved(layer: Conv2d, name: str, parameters: Parameters, x: jax.Array) -> jax.Array:
    s = layer.sliding
    y = lax.conv_general_dilated(
        x,
        parameters[f"{name}.weight"],
        window_strides=s.stride,
        padding=[(pad, pad) for pad in s.padding],
        rhs_dilation=s.dilation,
        feature_group_count=layer.groups,
    )
    return _shifted(y, parameters, name)


def _shifted(y: jax.Array, parameters: Parameters, name: str) -> jax.Array:
    bias = parameters.get(f"{name}.bias")
    return y if bias is None else y + bias.reshape(-1, *[1] * (y.ndim - 2))


def _mean(s: Sliding, _: Parameters, x: jax.Array) -> jax.Array:
    return _reduced(x, 0.0, lax.add, s) / (s.kernel_size[0] * s.kernel_size[1])


def _reduced(x: jax.Array, start: float, operation: Callable[..., jax.Array], s: Sliding) -> jax.Array:
    padding = [(0, 0), (0, 0), *((pad, pad) for pad in s.padding)]
    return lax.reduce_window(x, start, operation, (1, 1, *s.kernel_size), (1, 1, *s.stride), padding)
