"""Everything that is learnt, of all runs, in a few flat tensors, so that an update is a few operations."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from assay.nn.network import Network
from assay.shapes import Array, Shape


@dataclass(frozen=True)
class Weight:
    """One parameter of all runs, (R, *shape): as it is kept, as layers compute with it, and its gradient."""

    kept: Tensor
    value: Tensor
    grad: Tensor


class Weights:
    """The parameters of R runs, one after the other, and their gradients.

    ``theta`` is what the learning rule moves, in ``kept`` precision; layers
    compute with ``value``, which is ``theta`` itself unless they compute in
    another precision: call `round` after every change.
    """

    def __init__(
        self, network: Network, runs: int, kept: torch.dtype, computed: torch.dtype, device: torch.device
    ) -> None:
        self.runs = runs
        self.shapes = {name: parameter.shape for name, parameter in network.parameters.items()}
        size = runs * sum(map(prod, self.shapes.values()))
        self.theta = torch.zeros(size, dtype=kept, device=device)
        self.grad = torch.zeros_like(self.theta)
        self.value = self.theta if kept == computed else self.theta.to(computed)

    def round(self) -> None:
        """Bring ``value`` up to date."""
        if self.value is not self.theta:
            self.value.copy_(self.theta)

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Return every parameter's part (R, *shape) of a flat tensor; kernels lie channels last."""
        parts = torch.split(flat, [self.runs * prod(shape) for shape in self.shapes.values()])
        return {
            name: _view(part, self.runs, shape)
            for part, (name, shape) in zip(parts, self.shapes.items(), strict=True)
        }

    @property
    def all(self) -> dict[str, Weight]:
        """Every parameter by its name."""
        kept, value, grad = map(self.views, (self.theta, self.value, self.grad))
        return {name: Weight(kept[name], value[name], grad[name]) for name in self.shapes}

    def load(self, flat: Tensor, values: Sequence[dict[str, Array]]) -> None:
        """Fill a flat tensor with each run's values."""
        for name, view in self.views(flat).items():
            for own, value in zip(view, values, strict=True):
                own.copy_(torch.tensor(value[name]))

    def save(self, flat: Tensor) -> list[dict[str, Array]]:
        """Return each run's values, copied."""
        views = {name: view.cpu().numpy() for name, view in self.views(flat).items()}
        return [{name: np.array(view[run]) for name, view in views.items()} for run in range(self.runs)]


def _view(part: Tensor, runs: int, shape: Shape) -> Tensor:
    if len(shape) != 4:
        return part.view(runs, *shape)
    out, channels, rows, columns = shape
    return part.view(runs, out, rows, columns, channels).permute(0, 1, 4, 2, 3)
