"""Learning rules: which kernel takes a step, what it remembers, and at what rates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from assay.engines.numba.kernels.codes import Kernel
from assay.optim import SGD, Adagrad, Adam, Adamax, AdamW, Optimizer, RMSprop


@dataclass(frozen=True)
class Rule:
    """A kernel, the names of a parameter's slots, and the rates that it reads, lr first."""

    kernel: Kernel
    slots: tuple[str, ...]
    rates: tuple[float, ...]


def _sgd(rule: SGD) -> Rule:
    if not rule.momentum:
        return Rule(Kernel.SGD, (), (rule.lr, rule.weight_decay))
    mixture = (1.0, rule.momentum) if rule.nesterov else (0.0, 1.0)
    return Rule(Kernel.MOMENTUM, ("momentum_buffer",), (rule.lr, rule.weight_decay, rule.momentum, *mixture))


def _adagrad(rule: Adagrad) -> Rule:
    return Rule(Kernel.ADAGRAD, ("sum",), (rule.lr, rule.weight_decay, 1.0, 1.0, *_eps(rule)))


def _rmsprop(rule: RMSprop) -> Rule:
    rates = (rule.lr, rule.weight_decay, rule.alpha, 1 - rule.alpha, *_eps(rule))
    return Rule(Kernel.ADAGRAD, ("square_avg",), rates)


def _adam(rule: Adam) -> Rule:
    decays = (0.0, rule.weight_decay) if isinstance(rule, AdamW) else (rule.weight_decay, 0.0)
    rates = (rule.lr, *decays, *rule.betas, *_eps(rule), float(rule.bias_correction))
    return Rule(Kernel.ADAM, ("exp_avg", "exp_avg_sq"), rates)


def _adamax(rule: Adamax) -> Rule:
    rates = (rule.lr, rule.weight_decay, *rule.betas, rule.eps)
    return Rule(Kernel.ADAMAX, ("exp_avg", "exp_inf"), rates)


def _eps(rule: Adagrad | RMSprop | Adam) -> tuple[float, float]:
    """Return the epsilons outside and inside of the root."""
    return (0.0, rule.eps) if rule.eps_inside_sqrt else (rule.eps, 0.0)


RULES: dict[type[Optimizer], Callable[[Any], Rule]] = {
    SGD: _sgd,
    Adagrad: _adagrad,
    RMSprop: _rmsprop,
    Adam: _adam,
    AdamW: _adam,
    Adamax: _adamax,
}
"""What the engine has, and how it runs it."""
