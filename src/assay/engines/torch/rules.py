"""Learning rules on flat tensors: the formulas of `assay.optim`, in place, for all parameters at once."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from assay.optim import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, Optimizer, RMSprop

Memory = dict[str, Tensor]
"""The rule's slots by name, each as flat as the parameters, or one number for all."""

Number = float | Tensor
"""A number, or float64 () on the device, where a recorded graph reads it."""


class Rule(ABC):
    """A learning rule at work; ``rule`` holds its numbers."""

    def __init__(self, rule: Any) -> None:
        self.rule = rule

    def update(self, theta: Tensor, grad: Tensor, memory: Memory, t: Number, factor: Number) -> None:
        """Take step ``t`` in place; the contents of ``grad`` afterwards are undefined."""
        if self.rule.weight_decay:
            grad.add_(theta, alpha=self.rule.weight_decay)
        self.step(theta, grad, memory, t, self.rule.lr * factor)

    @abstractmethod
    def step(self, theta: Tensor, grad: Tensor, memory: Memory, t: Number, lr: Number) -> None:
        """Take a step with ``lr``, weight decay already in ``grad``."""

    def _root(self, mean_square: Tensor) -> Tensor:
        """Return the step's divisor: a tensor that may be written to."""
        eps = self.rule.eps
        return mean_square.add(eps).sqrt_() if self.rule.eps_inside_sqrt else mean_square.sqrt().add_(eps)


class SGDRule(Rule):
    """theta <- theta - lr v."""

    def step(self, theta: Tensor, grad: Tensor, memory: Memory, t: Number, lr: Number) -> None:
        """Take one step downhill."""
        del t
        momentum = self.rule.momentum
        if momentum:
            velocity = memory["momentum_buffer"].mul_(momentum).add_(grad)
            grad = grad.add_(velocity, alpha=momentum) if self.rule.nesterov else velocity
        _descend(theta, grad, lr)


class AdagradRule(Rule):
    """theta <- theta - lr g / (sqrt(s) + eps)."""

    def step(self, theta: Tensor, grad: Tensor, memory: Memory, t: Number, lr: Number) -> None:
        """Take one step, shorter the more gradient has accumulated."""
        del t
        total = memory["sum"].addcmul_(grad, grad)
        _descend_by(theta, grad, self._root(total), lr)


class RMSpropRule(Rule):
    """theta <- theta - lr g / (sqrt(s) + eps), s a running mean."""

    def step(self, theta: Tensor, grad: Tensor, memory: Memory, t: Number, lr: Number) -> None:
        """Take one step of about lr."""
        del t
        alpha = self.rule.alpha
        mean = memory["square_avg"].mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        _descend_by(theta, grad, self._root(mean), lr)


class AdamRule(Rule):
    """theta <- theta - lr m^ / (sqrt(v^) + eps)."""

    def step(self, theta: Tensor, grad: Tensor, memory: Memory, t: Number, lr: Number) -> None:
        """Take one step, scaled by the moments' estimates."""
        beta1, beta2 = self.rule.betas
        m, v = moments(grad, memory, self.rule.betas)
        if self.rule.bias_correction:
            lr, v = lr / (1 - beta1**t), v / (1 - beta2**t)
        _descend_by(theta, m, self._root(v), lr)


class AdamWRule(AdamRule):
    """Adam after theta <- (1 - lr w) theta."""

    def update(self, theta: Tensor, grad: Tensor, memory: Memory, t: Number, factor: Number) -> None:
        """Decay the parameters themselves, then step."""
        lr = self.rule.lr * factor
        theta.mul_(1 - lr * self.rule.weight_decay)
        self.step(theta, grad, memory, t, lr)


class AdamaxRule(Rule):
    """theta <- theta - lr / (1 - b1^t) m / u."""

    def step(self, theta: Tensor, grad: Tensor, memory: Memory, t: Number, lr: Number) -> None:
        """Take one step of at most about lr."""
        beta1, beta2 = self.rule.betas
        m = memory["exp_avg"].mul_(beta1).add_(grad, alpha=1 - beta1)
        u = memory["exp_inf"].mul_(beta2)
        torch.maximum(u, grad.abs_().add_(self.rule.eps), out=u)
        _descend_by(theta, m, u, lr / (1 - beta1**t))


class NAdamRule(Rule):
    """Adam with Nesterov's look-ahead: this gradient's share of the momentum is applied early."""

    def step(self, theta: Tensor, grad: Tensor, memory: Memory, t: Number, lr: Number) -> None:
        """Take one step; ``mu_product`` is one number for all."""
        beta2 = self.rule.betas[1]
        m, v = moments(grad, memory, self.rule.betas)
        now, ahead = (
            self.rule.betas[0] * (1 - 0.5 * 0.96 ** (s * self.rule.momentum_decay)) for s in (t, t + 1)
        )
        product = float(memory["mu_product"].mul_(now))
        root = (v / (1 - beta2**t)).sqrt_().add_(self.rule.eps)
        _descend_by(theta, grad, root, lr * (1 - now) / (1 - product))
        _descend_by(theta, m, root, lr * ahead / (1 - product * ahead))

    def _momentum(self, t: int) -> float:
        return float(self.rule.betas[0] * (1 - 0.5 * 0.96 ** (t * self.rule.momentum_decay)))


def moments(grad: Tensor, memory: Memory, betas: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Move the first and second moment on, in place, and return them."""
    beta1, beta2 = betas
    m = memory["exp_avg"].mul_(beta1).add_(grad, alpha=1 - beta1)
    v = memory["exp_avg_sq"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
    return m, v


def _descend(theta: Tensor, direction: Tensor, lr: Number) -> None:
    """Take the step theta <- theta - lr direction, in place."""
    if isinstance(lr, Tensor):
        theta.sub_(direction * lr)
    else:
        theta.sub_(direction, alpha=lr)


def _descend_by(theta: Tensor, direction: Tensor, divisor: Tensor, lr: Number) -> None:
    """Take the step theta <- theta - lr direction / divisor, in place."""
    if isinstance(lr, Tensor):
        theta.sub_((direction / divisor).mul_(lr))
    else:
        theta.addcdiv_(direction, divisor, value=-lr)


RULES: dict[type[Optimizer], type[Rule]] = {
    SGD: SGDRule,
    Adagrad: AdagradRule,
    RMSprop: RMSpropRule,
    Adam: AdamRule,
    AdamW: AdamWRule,
    Adamax: AdamaxRule,
    NAdam: NAdamRule,
}
