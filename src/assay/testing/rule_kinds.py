"""Which learning rule a name means, and with which numbers: those that it says, or the usual ones."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from assay.errors import UsageError
from assay.optim.rule_styles import RATES, is_number
from assay.testing.formulas import ACCEPTED, DECAY_MISTAKES, MISTAKES, Formula

KINDS = {
    "amsgrad": ("amsgrad",),
    "adamax": ("adamax",),
    "adamw": ("adamw", "adam_w"),
    "nadam": ("nadam",),
    "adam": ("adam",),
    "adagrad": ("adagrad",),
    "rmsprop": ("rmsprop", "rms_prop"),
    "nesterov": ("nesterov", "nag"),
    "momentum": ("momentum",),
    "sgd": ("sgd", "gradientdescent", "gradient_descent"),
}
"""What a rule's name contains, by kind; the first that does decides."""

_ENDS = {"adamw": "(?![a-z])"}
"""What follows a name that is also the beginning of other words, as of AdamWithWarmUp."""

TITLES = {
    "sgd": "SGD",
    "momentum": "SGD with momentum",
    "nesterov": "SGD with Nesterov momentum",
    "adagrad": "Adagrad",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "amsgrad": "AMSGrad",
    "adamax": "Adamax",
    "adamw": "AdamW",
    "nadam": "NAdam",
}

ALIASES = {
    "lr": RATES,
    "momentum": ("mom_coeff", "momentum", "mu", "rho", "beta"),
    "beta1": ("beta_1", "beta1", "b1"),
    "beta2": ("beta_2", "beta2", "b2"),
    "eps": ("epsilon", "eps"),
    "weight_decay": ("weight_decay", "wd", "lambda_", "l2", "l2_reg"),
    "warm_up": ("warmup_steps", "warmup", "warm_up", "warmup_iters", "num_warmup_steps"),
}
DECAYS = ("decay_rate", "rho", "alpha", "beta", "decay", "gamma")
"""What RMSprop's decay is called, besides."""

DECAYING = "adamw"
UNSAID = {
    "weight_decay": (0.01,),
    "eps": (1e-8, 1e-7, 1e-10, 1e-6, 1e-5),
    "beta2": (0.99, 0.9, 0.999),
    "momentum": (0.9,),
}
"""What is tried where the rule does not say its numbers."""


def kind_of(name: str, said: Mapping[str, Any] | None = None) -> str:
    """Return which rule a name means, with what it says of itself; `UsageError` where it means none."""
    for kind, words in KINDS.items():
        if any(re.search(f"(?i:{word}){_ENDS.get(kind, '')}", name) for word in words):
            return _refined(kind, said or {})
    raise UsageError(
        f"cannot tell which learning rule {name} is (its name should contain one of {', '.join(KINDS)})"
    )


def _refined(kind: str, said: Mapping[str, Any]) -> str:
    """Return the kind with the options that PyTorch's rules have: momentum, nesterov, amsgrad."""
    if kind == "sgd" and _number(said, ALIASES["momentum"][:3]):
        kind = "momentum"
    if kind == "momentum" and said.get("nesterov") is True:
        return "nesterov"
    return "amsgrad" if kind == "adam" and said.get("amsgrad") is True else kind


def formulas(kind: str, said: Mapping[str, Any]) -> Iterator[Formula]:
    """Yield the rule with the numbers that were said, or with each that is usual."""
    known = {name: _number(said, aliases) for name, aliases in ALIASES.items()}
    if kind == "rmsprop":
        known["beta2"] = _number(said, DECAYS)
    if kind == DECAYING and known["weight_decay"] is None:
        known["weight_decay"] = _number(said, ("decay",))
    betas = (0.999,) if kind != "rmsprop" else UNSAID["beta2"]
    choices = {
        "lr": _one(known["lr"]) or (0.01, 0.001, 0.1),
        "momentum": _one(known["momentum"]) or UNSAID["momentum"],
        "beta1": _one(known["beta1"]) or (0.9,),
        "beta2": _one(known["beta2"]) or betas,
        "eps": _one(known["eps"]) or UNSAID["eps"],
        "weight_decay": _one(known["weight_decay"])
        or (UNSAID["weight_decay"] if kind == DECAYING else (0.0,)),
        "warm_up": _one(known["warm_up"]) or (0.0,),
    }
    for values in product(*choices.values()):
        numbers: dict[str, Any] = dict(zip(choices, values, strict=True))
        yield Formula(kind, **numbers)


def accepted(rule: Formula, said: Mapping[str, Any]) -> Iterator[tuple[str, Formula]]:
    """Yield the forms of a rule that are right, in words, the definition first."""
    forms = dict(ACCEPTED[rule.kind])
    if rule.kind == "momentum" and _number(said, ("beta",)) and not _number(said, ("momentum", "mom_coeff")):
        forms["as a moving average: the gradient is multiplied by 1 - beta"] = {"dampened": True}
    for words, slips in forms.items():
        if not rule.weight_decay or rule.kind == DECAYING:
            yield words, replace(rule, slips={**slips})
            continue
        for where, coupled in (("added to the gradient", True), ("on theta alone", False)):
            both = ", ".join([*([words] if words else []), f"weight decay {where}"])
            yield both, replace(rule, slips={**slips, "coupled": coupled})


def mistaken(rule: Formula, said: Mapping[str, Any]) -> Iterator[tuple[str, Formula]]:
    """Yield the forms of a rule with one mistake each, in words."""
    decays = DECAY_MISTAKES if rule.weight_decay and rule.kind != DECAYING else {}
    for words, slips in {**MISTAKES[rule.kind], **decays}.items():
        for _, right in accepted(rule, said):
            yield words, replace(right, slips={**right.slips, **slips})


def _number(said: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((said[name] for name in names if is_number(said.get(name))), None)


def _one(value: Any) -> tuple[float, ...]:
    return () if value is None else (float(value),)
