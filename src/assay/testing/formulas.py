"""Learning rules as formulas, with the slips that are made in writing them.

Every formula takes a gradient and what it remembers, and returns by how much theta falls. It is
tested against `assay.optim`, which is tested against PyTorch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from assay.optim.base import root
from assay.shapes import Array

Slots = dict[str, Array]


@dataclass(frozen=True)
class Formula:
    """A learning rule: its kind, its numbers, and in what it departs from the definition."""

    kind: str
    lr: float
    momentum: float = 0.9
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    slips: Mapping[str, Any] = field(default_factory=dict)

    def step(self, grad: Array, slots: Slots, t: int) -> Array:
        """Return theta's fall at step ``t``, from 1, and renew ``slots``."""
        sign = -1.0 if self.slips.get("ascends") else 1.0
        formula: Callable[[Array, Slots, int], Array] = getattr(self, f"_{self.kind}")
        return sign * float(self.slips.get("times", 1.0)) * formula(grad, slots, t)

    def _sgd(self, grad: Array, slots: Slots, t: int) -> Array:
        del slots, t
        return self.lr * grad

    def _momentum(self, grad: Array, slots: Slots, t: int) -> Array:
        del t
        kept = 0.0 if self.slips.get("forgets") else self.momentum
        share = 1 - self.momentum if self.slips.get("dampened") else 1.0
        slots["velocity"] = kept * slots.get("velocity", np.zeros_like(grad)) + share * grad
        return self.lr * slots["velocity"]

    def _nesterov(self, grad: Array, slots: Slots, t: int) -> Array:
        ahead = self._momentum(grad, slots, t)
        return ahead if self.slips.get("classical") else self.lr * grad + self.momentum * ahead

    def _adagrad(self, grad: Array, slots: Slots, t: int) -> Array:
        del t
        past = 0.0 if self.slips.get("forgets") else slots.get("sum", np.zeros_like(grad))
        slots["sum"] = past + grad**2
        return self.lr * grad / self._root(slots["sum"])

    def _rmsprop(self, grad: Array, slots: Slots, t: int) -> Array:
        del t
        share = 1.0 if self.slips.get("undamped") else 1 - self.beta2
        slots["mean square"] = self.beta2 * slots.get("mean square", np.zeros_like(grad)) + share * grad**2
        return self.lr * grad / self._root(slots["mean square"])

    def _adam(self, grad: Array, slots: Slots, t: int) -> Array:
        beta1, beta2 = (self.beta2, self.beta1) if self.slips.get("exchanged") else (self.beta1, self.beta2)
        square = np.abs(grad) if self.slips.get("not squared") else grad**2
        slots["first moment"] = beta1 * slots.get("first moment", np.zeros_like(grad)) + (1 - beta1) * grad
        slots["second moment"] = (
            beta2 * slots.get("second moment", np.zeros_like(grad)) + (1 - beta2) * square
        )
        t = t + self.slips.get("late", 0)
        first = 1.0 if self.slips.get("first uncorrected") else 1 - beta1**t
        second = 1.0 if self.slips.get("second uncorrected") else 1 - beta2**t
        m, v = slots["first moment"], slots["second moment"]
        if self.slips.get("eps hat"):
            return self.lr * float(np.sqrt(second)) / first * m / self._root(v)
        return self.lr * (m / first) / self._root(v / second)

    def _adamax(self, grad: Array, slots: Slots, t: int) -> Array:
        slots["first moment"] = (
            self.beta1 * slots.get("first moment", np.zeros_like(grad)) + (1 - self.beta1) * grad
        )
        past = self.beta2 * slots.get("largest", np.zeros_like(grad))
        slots["largest"] = np.maximum(past, np.abs(grad) + (0 if self.slips.get("eps outside") else self.eps))
        divisor = slots["largest"] + (self.eps if self.slips.get("eps outside") else 0)
        first = 1.0 if self.slips.get("first uncorrected") else 1 - self.beta1**t
        return self.lr / first * slots["first moment"] / divisor

    def _root(self, square: Array) -> Array:
        if self.slips.get("no root"):
            return square + self.eps
        return root(square, self.eps, bool(self.slips.get("eps inside")))


ACCEPTED: dict[str, dict[str, Mapping[str, Any]]] = {
    "sgd": {"": {}},
    "momentum": {"": {}},
    "nesterov": {"": {}},
    "adagrad": {"": {}, "epsilon inside the root": {"eps inside": True}},
    "rmsprop": {"": {}, "epsilon inside the root": {"eps inside": True}},
    "adam": {
        "": {},
        "epsilon inside the root": {"eps inside": True},
        "epsilon added before the correction of bias": {"eps hat": True},
    },
    "adamax": {"": {}, "epsilon added to the largest": {"eps outside": True}},
}
"""What is right, by rule: assay's and PyTorch's definition first, then others in use, in words."""

_EVERYWHERE: dict[str, Mapping[str, Any]] = {
    "it goes uphill: the sign is wrong": {"ascends": True},
    "the step is twice what it should be": {"times": 2.0},
    "the step is half of what it should be": {"times": 0.5},
}

_ROOT: dict[str, Mapping[str, Any]] = {"the root of the mean square is missing": {"no root": True}}

MISTAKES: dict[str, dict[str, Mapping[str, Any]]] = {
    "sgd": _EVERYWHERE,
    "momentum": {
        **_EVERYWHERE,
        "the velocity is forgotten: momentum has no effect": {"forgets": True},
        "the gradient enters the velocity multiplied by 1 - momentum": {"dampened": True},
    },
    "nesterov": {
        **_EVERYWHERE,
        "it is classical momentum: there is no look ahead": {"classical": True},
        "the velocity is forgotten: momentum has no effect": {"forgets": True, "classical": True},
    },
    "adagrad": {
        **_EVERYWHERE,
        **_ROOT,
        "squared gradients are not summed: only the last counts": {"forgets": True},
    },
    "rmsprop": {
        **_EVERYWHERE,
        **_ROOT,
        "the squared gradient is not multiplied by 1 - decay": {"undamped": True},
    },
    "adam": {
        **_EVERYWHERE,
        **_ROOT,
        "bias correction is missing": {"first uncorrected": True, "second uncorrected": True},
        "bias correction of the first moment is missing": {"first uncorrected": True},
        "bias correction of the second moment is missing": {"second uncorrected": True},
        "steps are counted from 2, not from 1": {"late": 1},
        "beta1 and beta2 are exchanged": {"exchanged": True},
        "the gradient is not squared in the second moment": {"not squared": True},
    },
    "adamax": {**_EVERYWHERE, "bias correction is missing": {"first uncorrected": True}},
}
"""What goes wrong, in words, by rule."""
