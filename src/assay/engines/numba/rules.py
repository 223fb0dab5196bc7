"""Learning rules: which kernel takes a step, what it remembers, and at what rates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from assay.engines.numba.kernels.program import Kernel
from assay.optim import SGD, Adam, AdamW, Optimizer


@dataclass(frozen=True)
class Rule:
    """A kernel, the names of a parameter's slots, and the rates that it reads."""

    kernel: Kernel
    slots: tuple[str, ...]
    rates: tuple[float, ...]


def _sgd(rule: SGD) -> Rule:
    if not rule.momentum:
        return Rule(Kernel.SGD, (), (rule.lr, rule.weight_decay))
    mixture = (1.0, rule.momentum) if rule.nesterov else (0.0, 1.0)
    return Rule(Kernel.MOMENTUM, ("momentum_buffer",), (rule.lr, rule.weight_decay, rule.momentum, *mixture))


def _adam(rule: Adam) -> Rule:
    decays = (rule.weight_decay, 1.0)
    if isinstance(rule, AdamW):
        decays = (0.0, 1 - rule.lr * rule.weight_decay)
    eps = (0.0, rule.eps) if rule.eps_inside_sqrt else (rule.eps, 0.0)
    rates = (rule.lr, *decays, *rule.betas, *eps, float(rule.bias_correction))
    return Rule(Kernel.ADAM, ("exp_avg", "exp_avg_sq"), rates)


RULES: dict[type[Optimizer], Callable[[Any], Rule]] = {SGD: _sgd, Adam: _adam, AdamW: _adam}
"""What the engine has, and how it runs it."""
