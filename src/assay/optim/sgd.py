"""Gradient descent, with or without momentum."""

from dataclasses import dataclass

import numpy as np

from assay.errors import require
from assay.optim.base import Optimizer, Slots
from assay.shapes import Array


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent: theta <- theta - lr g (Robbins and Monro 1951).

    With ``momentum`` u, the velocity v <- u v + g takes the gradient's place
    (Polyak 1964), and with ``nesterov`` g + u v, the look ahead (Nesterov 1983;
    Sutskever et al. 2013, eq. 3 and 4). As in PyTorch, lr multiplies the
    velocity and is not part of it: a schedule affects past gradients too.
    """

    lr: float = 0.001
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        """Reject a momentum outside [0, 1), and Nesterov's without momentum."""
        super().__post_init__()
        require(0 <= self.momentum < 1, "momentum", self.momentum, "a number in [0, 1)")
        require(
            self.momentum > 0 or not self.nesterov, "momentum", self.momentum, "above 0 when nesterov is true"
        )

    def slots(self, theta: Array) -> Slots:
        """Return the velocity, zero; without momentum, nothing."""
        return {"momentum_buffer": np.zeros_like(theta)} if self.momentum else {}

    def step(self, theta: Array, grad: Array, slots: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """Take one step downhill."""
        del t
        if not self.momentum:
            return theta - lr * grad, slots
        velocity = self.momentum * slots["momentum_buffer"] + grad
        direction = grad + self.momentum * velocity if self.nesterov else velocity
        return theta - lr * direction, {"momentum_buffer": velocity}
