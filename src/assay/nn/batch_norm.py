"""Batch normalisation: the formula, for any choice of unit."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod
from typing import ClassVar, NamedTuple

import numpy as np

from assay.errors import ShapeError, finite, require
from assay.nn.init import ZEROS, Constant
from assay.nn.layer import Cache, Gradients, Layer, Parameter, Parameters
from assay.shapes import Array, Shape, check_upstream


class _Cache(NamedTuple):
    shape: Shape
    normalised: Array
    std: Array
    batch: tuple[Array, Array] | None
    """Mean and biased variance that were the batch's own; None in evaluation, where they are constants."""


@dataclass(frozen=True)
class BatchNorm(Layer, ABC):
    """y = weight x^ + bias with x^ = (x - mean) / sqrt(var + eps), for each unit on its own.

    In training, mean and var are those of the m values that the batch holds of
    the unit; the **variance is biased** (divided by m), in the formula and in
    its derivative (Ioffe and Szegedy 2015, algorithm 1 and section 3)::

        dL/dx = weight / sqrt(var + eps) (dy - (sum dy + x^ sum(dy x^)) / m)
        dL/dweight = sum(dy x^)        dL/dbias = sum dy

    Each training step moves the buffers, running <- (1 - momentum) running +
    momentum of the batch, **with the unbiased variance** (divided by m - 1). In
    evaluation they take the place of the batch's, as constants, so that dL/dx =
    weight dy / sqrt(var + eps). All as in PyTorch, including the defaults and
    the refusal of m = 1 in training. ``weight`` starts at 1 and ``bias`` at 0.

    Subclasses define what a unit is. Cost: 2 operations per entry, as
    in evaluation, where the formula is one product and one sum.
    """

    eps: float = 1e-5
    momentum: float = 0.1
    kind: ClassVar[str] = "batchnorm"

    def __post_init__(self) -> None:
        """Reject values outside their range."""
        require(finite(self.eps) and self.eps > 0, "eps", self.eps, "a finite number > 0")
        require(0 <= self.momentum <= 1, "momentum", self.momentum, "a number in [0, 1]")

    @abstractmethod
    def units(self, shape: Shape) -> Shape:
        """Return the shape of parameters and statistics for an input of ``shape``."""

    @abstractmethod
    def to_rows(self, x: Array) -> Array:
        """Write a batch as (m, U): a column holds all values of one unit."""

    @abstractmethod
    def to_batch(self, rows: Array, shape: Shape) -> Array:
        """Write rows as the batch of ``shape`` (N, ...) again."""

    def output_shape(self, shape: Shape) -> Shape:
        """Every shape that has units stays as it is."""
        self.units(shape)
        return shape

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """``weight`` and ``bias``, one of each per unit."""
        units = self.units(shape)
        return {
            "weight": Parameter(units, Constant(1.0), role="scale"),
            "bias": Parameter(units, ZEROS, role="bias"),
        }

    def buffers(self, shape: Shape) -> dict[str, Array]:
        """``running_mean``, from 0, and ``running_var``, from 1."""
        return {"running_mean": np.zeros(self.units(shape)), "running_var": np.ones(self.units(shape))}

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Normalise by the running statistics."""
        mean, var = params["running_mean"].ravel(), params["running_var"].ravel()
        std = np.sqrt(var + self.eps)
        cache = _Cache(x.shape, (self.to_rows(x) - mean) / std, std, None)
        return self._scale(params, cache), cache

    def forward_training(
        self, params: Parameters, x: Array, generator: np.random.Generator
    ) -> tuple[Array, Cache]:
        """Normalise by the batch's own statistics."""
        del generator
        rows = self.to_rows(x)
        expect_values(len(rows), len(x))
        mean, var = rows.mean(axis=0), rows.var(axis=0)
        std = np.sqrt(var + self.eps)
        cache = _Cache(x.shape, (rows - mean) / std, std, (mean, var))
        return self._scale(params, cache), cache

    def _scale(self, params: Parameters, cache: _Cache) -> Array:
        rows = params["weight"].ravel() * cache.normalised + params["bias"].ravel()
        return self.to_batch(rows, cache.shape)

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Differentiate; in training through the batch's mean and variance too."""
        check_upstream(dy, cache.shape)
        rows, weight = self.to_rows(dy), params["weight"]
        dweight, dbias = (rows * cache.normalised).sum(axis=0), rows.sum(axis=0)
        grads = {"weight": dweight.reshape(weight.shape), "bias": dbias.reshape(weight.shape)}
        if cache.batch is not None:
            rows = rows - (dbias + cache.normalised * dweight) / len(rows)
        return self.to_batch(rows * (weight.ravel() / cache.std), cache.shape), grads

    def updated_buffers(self, params: Parameters, cache: Cache) -> dict[str, Array]:
        """Move the running statistics towards the batch's."""
        mean, var = cache.batch
        m = len(cache.normalised)
        batch = {"running_mean": mean, "running_var": var * (m / (m - 1))}
        return {
            name: (1 - self.momentum) * params[name] + self.momentum * value.reshape(params[name].shape)
            for name, value in batch.items()
        }

    def expect_batch(self, shape: Shape, examples: int) -> None:
        """Reject a batch that holds one value of each unit."""
        expect_values(examples * (prod(shape) // prod(self.units(shape))), examples)

    def flops(self, shape: Shape) -> int:
        """One product and one sum per entry."""
        return 2 * prod(shape)


def expect_values(values: int, batch: int) -> None:
    """Refuse to train on a batch of ``batch`` examples with one value a unit: it has no variance."""
    if values < 2:
        raise ShapeError(
            f"batch normalisation cannot train on one value a unit, found a batch of {batch} "
            "(choose a batch_size that leaves no single example over)"
        )
