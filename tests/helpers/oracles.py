"""What tests compare assay with: PyTorch in float64, under a random upstream gradient."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from assay.nn import Layer
from assay.shapes import Array

torch.set_num_threads(1)

TOLERANCE = 1e-9
"""Relative error allowed in float64."""

Reference = Callable[[Tensor, dict[str, Tensor]], Tensor]


def relative_error(found: Array, expected: Array) -> float:
    """Return the largest difference over the largest expected entry."""
    assert found.shape == expected.shape
    if not found.size:
        return 0.0
    difference = float(np.abs(found - expected).max())
    return difference / max(float(np.abs(expected).max()), 1e-12)


def assert_close(name: str, found: Array, expected: Array, tolerance: float = TOLERANCE) -> None:
    assert found.shape == expected.shape, f"{name}: shape {found.shape}, expected {expected.shape}"
    error = relative_error(found, expected)
    assert error < tolerance, f"{name}: relative error {error:.2e}"


def draw_parameters(layer: Layer, shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, Array]:
    """Return parameters of a layer, none of them zero by default."""
    return {name: rng.normal(size=spec.shape) for name, spec in layer.parameters(shape).items()}


def assert_agrees_with_torch(
    layer: Layer,
    reference: Reference,
    x: Array,
    rng: np.random.Generator,
    params: Mapping[str, Array] | None = None,
) -> None:
    """Compare forward, dL/dx and the gradient of every parameter with PyTorch's."""
    params = draw_parameters(layer, x.shape[1:], rng) if params is None else params
    y, cache = layer.forward(params, x)
    assert y.shape[1:] == layer.output_shape(x.shape[1:])
    dy = rng.normal(size=y.shape)
    dx, grads = layer.backward(params, cache, dy)

    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    x_leaf = torch.tensor(x, requires_grad=True)
    expected = reference(x_leaf, leaves)
    expected.backward(torch.tensor(dy))

    assert_close("forward", y, expected.detach().numpy())
    assert_close("dx", dx, gradient(x_leaf))
    assert grads.keys() == layer.parameters(x.shape[1:]).keys()
    for name, grad in grads.items():
        assert_close(name, grad, gradient(leaves[name]))


def gradient(leaf: Tensor) -> Array:
    """Return the gradient that PyTorch left, zero where it left none."""
    return torch.zeros_like(leaf).numpy() if leaf.grad is None else leaf.grad.numpy()
