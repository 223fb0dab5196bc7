"""Gradients of `assay.optim.penalties`, added in place."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor

from assay.engines.torch.initial_weights import Weight
from assay.nn.layer import Parameter
from assay.optim.penalties import L1, L2, Penalty

GRADIENTS: dict[type[Penalty], Callable[[Any, Tensor], Tensor]] = {
    L1: lambda penalty, theta: penalty.strength * theta.sign(),
    L2: lambda penalty, theta: penalty.strength * theta,
}


def add_gradients(
    penalties: Iterable[Penalty], specs: Mapping[str, Parameter], weights: Mapping[str, Weight]
) -> None:
    """Add each penalty's gradient to that of each parameter with one of its roles."""
    for penalty in penalties:
        for name, spec in specs.items():
            if spec.role in penalty.roles:
                weights[name].grad.add_(GRADIENTS[type(penalty)](penalty, weights[name].kept))
