"""What rounding does to a network's training: float64, in which every rounding of fewer digits is drawn.

A number is rounded by at most u of itself: evenly, by u / sqrt(3) in the root mean square. A sum of n terms
that are added one by one rounds each partial sum. In random order, the squares of the partial sums are on the
average (n + 1) / 6 (2 s^2 + t^2) together, where s is the sum and t^2 that of the terms' squares. Roundings
are drawn independently (Higham & Mary 2019, a new approach to probabilistic rounding error analysis; Parker
1997, Monte Carlo arithmetic), so what one does further on is as the network has it. No processor, no library
is asked. Vectors make several sums side by side, each of fewer terms, which are rounded less.

Winograd's F(2 x 2, 3 x 3) adds terms of other sizes. By the squares of its three matrices' entries products
are 5/3 times as large in the mean square for each dimension, for outputs and for gradients. Its sums are of a
ninth of the terms, and (5/3)^2 / 9 < 1; what it adds are the transforms: some six roundings of (5/3)^2 of a
term. So it stays below what is drawn for a plain sum of 100 terms or more. Where factors are rounded, to
bfloat16, its error is 5/3 times that of plain products, however many there are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod, sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from assay.engines.base import State
from assay.nn import AvgPool2d, BatchNorm2d, Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU
from assay.nn.network import Network
from assay.shapes import channels_first

FLOAT32, BFLOAT16 = 2**-24, 2**-9
"""By how much of itself a number is rounded at most."""
TILES = 5 / 3
"""How much larger, in the root mean square, the error of Winograd's products is where factors are rounded."""
DRAWS = 4
TIMES = 2
"""How far from the exact values an array may be, in the root mean square of what was drawn."""

Operation = Callable[[Tensor, Tensor], Tensor]


@dataclass
class Rounding:
    """Draws roundings: of what is stored, relative to it at most ``unit``, and of factors, ``factor``."""

    unit: float = 0.0
    factor: float = 0.0
    seed: int = 0
    generator: torch.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(self.seed)

    def drawn(self, size: Tensor) -> Tensor:
        return size / sqrt(3) * torch.randn(size.shape, generator=self.generator, dtype=size.dtype)

    def stored(self, x: Tensor) -> Tensor:
        """Round once."""
        return x + self.drawn(self.unit * x)

    def factors(self, *values: Tensor) -> list[Tensor]:
        """Round what products are made of."""
        return [x + self.drawn(self.factor * x) for x in values]

    def summed(self, total: Tensor, squares: Tensor, count: Tensor) -> Tensor:
        """Round the partial sums of so many terms, of which the total and that of their squares is given."""
        return total + self.drawn(self.unit * torch.sqrt((count + 1) / 6 * (2 * total**2 + squares)))


class _Sums(torch.autograd.Function):
    """Sums of products, or of what two tensors hold, rounded forward and backward."""

    @staticmethod
    def forward(ctx, rounding: Rounding, operation: Operation, products: bool, x: Tensor, w: Tensor):
        ctx.kept = rounding, operation, products
        ctx.save_for_backward(x, w)
        factors = rounding.factors(x, w) if products else (x, w)
        ones = torch.ones_like(x), torch.ones_like(w)
        return rounding.summed(operation(*factors), operation(x**2, w**2), operation(*ones))

    @staticmethod
    def backward(ctx, dy: Tensor):
        rounding, operation, products = ctx.kept
        x, w = ctx.saved_tensors

        def back(dy: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
            inputs = tuple(value.detach().requires_grad_() for value in inputs)
            with torch.enable_grad():
                return torch.autograd.grad(operation(*inputs), inputs, dy)

        factors = rounding.factors(dy, x, w) if products else (dy, x, w)
        sums = zip(
            back(*factors),
            back(dy**2, x**2, w**2),
            back(*(torch.ones_like(value) for value in (dy, x, w))),
            strict=True,
        )
        return None, None, None, *(rounding.summed(*parts) for parts in sums)


def _plus(x: Tensor, b: Tensor) -> Tensor:
    return x + b[:, None, None]


def _times(x: Tensor, a: Tensor) -> Tensor:
    return x * a[:, None, None]


def _over_maps(x: Tensor, w: Tensor) -> Tensor:
    return (x * w).sum((0, 2, 3))


class _Pass:
    """A forward pass with the batch's statistics; ``buffers`` are what it leaves of them."""

    def __init__(self, weights: Mapping[str, Tensor], rounding: Rounding) -> None:
        self.weights, self.rounding = weights, rounding
        self.buffers: dict[str, Tensor] = {}

    def _sums(self, operation: Operation, x: Tensor, w: Tensor, products: bool = False) -> Tensor:
        found: Tensor = _Sums.apply(self.rounding, operation, products, x, w)
        return found

    def scores(self, network: Network, x: Tensor) -> Tensor:
        """Return class scores (N, K) of pixels (N, C, H, W)."""
        x = self.rounding.stored(x)
        for node in network.nodes:
            x = self._layer(node.layer, f"{node.name}.", x)
        return x

    def _layer(self, layer: Layer, name: str, x: Tensor) -> Tensor:
        if isinstance(layer, Conv2d | Linear):
            spread = _plus if isinstance(layer, Conv2d) else torch.add
            x = self._sums(_product(layer), x, self.weights[f"{name}weight"], products=True)
            bias = self.weights.get(f"{name}bias")
            return x if bias is None else self._sums(spread, x, bias)
        if isinstance(layer, AvgPool2d):
            size, channels = layer.sliding.kernel_size, x.shape[1]
            share = torch.full((channels, 1, *size), 1 / prod(size), dtype=x.dtype)
            return self._sums(lambda x, w: functional.conv2d(x, w, None, size, groups=channels), x, share)
        if isinstance(layer, MaxPool2d):
            s = layer.sliding
            return functional.max_pool2d(x, s.kernel_size, s.stride, s.padding)
        if isinstance(layer, BatchNorm2d):
            return self._normalised(layer, name, x)
        assert isinstance(layer, Flatten | ReLU), layer
        return x.flatten(1) if isinstance(layer, Flatten) else x.relu()

    def _normalised(self, layer: BatchNorm2d, name: str, x: Tensor) -> Tensor:
        """Normalise a batch, and move the running statistics."""
        m = x.numel() // x.shape[1]
        mean = self._sums(_over_maps, x, torch.full_like(x[:1], 1 / m))
        x = self._sums(_plus, x, -mean)
        var = self._sums(_over_maps, x, x / m)
        for key, value in (("mean", mean), ("var", var * m / (m - 1))):
            before = self.weights[f"{name}running_{key}"]
            moved = torch.lerp(before, value.detach(), layer.momentum)
            self.buffers[f"{name}running_{key}"] = self.rounding.stored(moved)
        x = self._sums(_times, x, self.rounding.stored((var + layer.eps).rsqrt()))
        return self._sums(
            _plus, self._sums(_times, x, self.weights[f"{name}weight"]), self.weights[f"{name}bias"]
        )


def _product(layer: Conv2d | Linear) -> Operation:
    if isinstance(layer, Linear):
        return functional.linear
    s = layer.sliding
    return lambda x, w: functional.conv2d(x, w, None, s.stride, s.padding, s.dilation, layer.groups)


def upstream(scores: Tensor, labels: Tensor, rounding: Rounding) -> Tensor:
    """Return the gradient of the mean cross-entropy: of exp(a) the error grows with a's, hence with a."""
    log_p = torch.log_softmax(scores, 1)
    p = log_p.exp()
    rounded = p + rounding.drawn(rounding.unit * p * (3 + log_p.abs()))
    return (rounded - functional.one_hot(labels, scores.shape[1])) / len(labels)


def train(
    network: Network,
    state: State,
    images: np.ndarray,
    labels: np.ndarray,
    lr: float,
    size: int,
    rounding: Rounding,
) -> dict[str, np.ndarray]:
    """Take plain gradient descent's steps in this order; return the weights, and the first batch's scores."""
    weights = {name: torch.tensor(value).double() for name, value in state.weights.items()}
    found = {}
    x = torch.tensor(channels_first(images).reshape(-1, *network.input_shape)).double() / 255
    for at in range(0, len(labels), size):
        theta = {name: weights[name].detach().requires_grad_() for name in state.parameters}
        made = _Pass({**weights, **theta}, rounding)
        scores = made.scores(network, x[at : at + size])
        found.setdefault("scores", scores.detach())
        scores.backward(upstream(scores.detach(), torch.tensor(labels[at : at + size]), rounding))
        weights = {name: rounding.stored(value.detach() - lr * value.grad) for name, value in theta.items()}
        weights |= made.buffers
    return {name: value.numpy() for name, value in {**found, **weights}.items()}


def allowed(*training: Any, **units: float) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return what `train` finds without roundings, and how far from it each array is with them."""
    exact = train(*training, Rounding())
    draws = [train(*training, Rounding(**units, seed=seed)) for seed in range(DRAWS)]
    return exact, {
        name: sqrt(np.mean([np.sum((draw[name] - value) ** 2) for draw in draws]))
        for name, value in exact.items()
    }


def shares(found: Mapping[str, np.ndarray], *training: Any, **units: float) -> dict[str, float]:
    """Return how far from the exact ones arrays are, in units of what is expected of roundings."""
    exact, spread = allowed(*training, **units)
    return {name: float(np.linalg.norm(value - exact[name]) / spread[name]) for name, value in found.items()}


def assert_rounded(found: Mapping[str, np.ndarray], *training: Any, **units: float) -> None:
    """Hold what `train` finds to roundings of ``unit``, and of factors by ``factor``."""
    for name, share in shares(found, *training, **units).items():
        assert share < TIMES, f"{name}: {share:.3g} times what rounding does"
