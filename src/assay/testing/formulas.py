"""Learning rules as formulas, with the slips that are made in writing them.

Every formula takes a gradient and what it remembers, and returns by how much theta falls. It is
tested against `assay.optim`, which is tested against PyTorch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from assay.optim.base import root
from assay.shapes import Array

Slots = dict[str, Array]

NADAM_DECAY = 0.004
"""How fast NAdam's momentum grows: PyTorch's default, and Dozat's."""


@dataclass(frozen=True)
class Formula:
    """A learning rule: its kind, its numbers, and in what it departs from the definition."""

    kind: str
    lr: float
    momentum: float = 0.9
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    warm_up: float = 0.0
    """In how many steps the learning rate rises to ``lr``, in equal parts; 0 for no such rise."""
    slips: Mapping[str, Any] = field(default_factory=dict)

    def step(self, grad: Array, slots: Slots, t: int, theta: Array | None = None) -> Array:
        """Return theta's fall at step ``t``, from 1, and renew ``slots``; AdamW looks at ``theta`` itself."""
        if self.warm_up:
            lr = self.lr * min(1.0, t / self.warm_up)
            return replace(self, lr=lr, warm_up=0.0).step(grad, slots, t, theta)
        sign = -1.0 if self.slips.get("ascends") else 1.0
        pull = self.weight_decay * (np.zeros_like(grad) if theta is None else theta)
        if self.slips.get("coupled"):
            grad, pull = grad + pull, np.zeros_like(grad)
        formula: Callable[[Array, Slots, int], Array] = getattr(self, f"_{self.kind}")
        decay = 0.0 if self.slips.get("undecayed") else 1.0 if self.slips.get("decays by w") else self.lr
        return sign * float(self.slips.get("times", 1.0)) * formula(grad, slots, t) + decay * pull

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

    def _amsgrad(self, grad: Array, slots: Slots, t: int) -> Array:
        _ = self._adam(grad, slots, t)
        first = 1.0 if self.slips.get("first uncorrected") else 1 - self.beta1**t
        second = 1.0 if self.slips.get("second uncorrected") else 1 - self.beta2**t
        of_corrected = bool(self.slips.get("largest corrected"))
        now = slots["second moment"] / (second if of_corrected else 1.0)
        kept = slots.get("largest", np.zeros_like(grad)) * (0.0 if self.slips.get("forgets") else 1.0)
        slots["largest"] = np.maximum(kept, now)
        divisor = slots["largest"] / (1.0 if of_corrected else second)
        return self.lr * (slots["first moment"] / first) / self._root(divisor)

    def _adamw(self, grad: Array, slots: Slots, t: int) -> Array:
        return self._adam(grad, slots, t)

    def _nadam(self, grad: Array, slots: Slots, t: int) -> Array:
        _ = self._adam(grad, slots, t)
        m, v = slots["first moment"], slots["second moment"] / (1 - self.beta2**t)
        if self.slips.get("constant"):
            now = ahead = self.beta1
            product, further = self.beta1**t, self.beta1 ** (t + 1)
        else:
            now, ahead = (self.beta1 * (1 - 0.5 * 0.96 ** (NADAM_DECAY * step)) for step in (t, t + 1))
            product = float(
                np.prod([self.beta1 * (1 - 0.5 * 0.96 ** (NADAM_DECAY * s)) for s in range(1, t + 1)])
            )
            further = product * ahead
        if self.slips.get("not ahead"):
            return self.lr * (m / (1 - self.beta1**t)) / self._root(v)
        return self.lr * ((1 - now) * grad / (1 - product) + ahead * m / (1 - further)) / self._root(v)

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
    "amsgrad": {
        "": {},
        "with the largest of the corrected second moments": {"largest corrected": True},
        "without correction of bias": {"first uncorrected": True, "second uncorrected": True},
    },
    "adamw": {"": {}, "epsilon inside the root": {"eps inside": True}},
    "nadam": {"": {}, "with a constant momentum": {"constant": True}},
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
    "amsgrad": {
        **_EVERYWHERE,
        **_ROOT,
        "it is Adam: the largest second moment is not kept": {"forgets": True},
        "bias correction of the first moment is missing": {"first uncorrected": True},
        "bias correction of the second moment is missing": {"second uncorrected": True},
    },
    "adamw": {
        **_EVERYWHERE,
        "weight decay is added to the gradient (that is Adam with L2): it has to act on theta alone": {
            "coupled": True
        },
        "weight decay is missing": {"undecayed": True},
        "weight decay is not multiplied by the learning rate": {"decays by w": True},
        "bias correction is missing": {"first uncorrected": True, "second uncorrected": True},
    },
    "nadam": {
        **_EVERYWHERE,
        "it is Adam: there is no look ahead": {"not ahead": True},
    },
    "adamax": {**_EVERYWHERE, "bias correction is missing": {"first uncorrected": True}},
}
"""What goes wrong, in words, by rule."""

DECAY_MISTAKES: dict[str, Mapping[str, Any]] = {
    "weight decay is missing": {"coupled": False, "undecayed": True},
    "weight decay is not multiplied by the learning rate": {"coupled": False, "decays by w": True},
}
"""The same for the weight decay of rules other than AdamW, whether or not it is added to the gradient."""
