"""Learning rules in the styles of courses: their path beside that of the definition, step by step.

- An object with ``initialise(params)`` and ``update_params(grads_wrt_params)``, which changes arrays.
- An object with ``update(params, grads)``, both of them dictionaries.
- A function ``adam(w, dw, config) -> (next_w, config)``.
- A class like PyTorch's, made with the parameters: ``step()`` reads the ``grad`` of each and changes its
  ``data``.

Which rule it is, its name says (Adam, RMSprop, momentum, ...); its numbers are read off its attributes or
settings.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from inspect import signature
from itertools import product
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from assay.errors import UsageError
from assay.nn.coursework.remembered import Snapshot, undisturbed
from assay.shapes import Array, Shape
from assay.streams import stream
from assay.testing.formulas import ACCEPTED, MISTAKES, Formula

STEPS = 8
SHAPES: tuple[Shape, ...] = ((3, 4), (5,))
TOLERANCE = 1e-8
"""How far a step may be off, relative to the largest step."""

KINDS = {
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

ALIASES = {
    "lr": ("learning_rate", "lr", "eta", "step_size"),
    "momentum": ("mom_coeff", "momentum", "mu", "rho", "beta"),
    "beta1": ("beta_1", "beta1", "b1"),
    "beta2": ("beta_2", "beta2", "b2"),
    "eps": ("epsilon", "eps"),
    "weight_decay": ("weight_decay", "wd", "decay", "lambda_"),
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


class Update(NamedTuple):
    """A rule as a function that takes gradients and returns all parameters after a step."""

    root: object
    step: Callable[[list[Array]], list[Array]]
    numbers: Callable[[], Mapping[str, Any]]
    """What it says of its own numbers."""


Starter = Callable[[list[Array]], Update]


@dataclass
class RuleFound:
    """What was found of a learning rule."""

    shape: Shape
    steps: int
    faults: list[str] = field(default_factory=list)
    writes: dict[str, None] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


class _Path(NamedTuple):
    points: list[list[Array]]
    memory: list[dict[str, Array]]
    numbers: Mapping[str, Any]


def as_rule(found: object) -> Starter | None:
    """Return how a rule is started on parameters; None for what is no rule."""
    if isinstance(found, FunctionType):
        names = list(signature(found).parameters)
        is_rule = len(names) == 3 and names[2] == "config"
        return (lambda params: _of_function(found, params)) if is_rule else None
    if callable(getattr(found, "update_params", None)):
        return lambda params: _in_place(found, params)
    if callable(getattr(found, "update", None)) and len(signature(found.update).parameters) == 2:  # type: ignore[attr-defined]
        return lambda params: _of_dictionaries(found, params)
    return None


@dataclass
class HeldParameter:
    """A parameter as PyTorch's rules are made with: an array and its gradient."""

    data: Array
    grad: Array | None = None


def as_stepping_rule(cls: type, settings: Mapping[str, Any]) -> Starter | None:
    """Return how a class like PyTorch's is started on parameters; None for what is none."""
    method = getattr(cls, "step", None)
    if not isinstance(method, FunctionType) or len(signature(method).parameters) != 1:
        return None
    if next(iter(signature(cls).parameters), "") not in ("params", "parameters"):
        return None
    return lambda params: _stepping(cls, settings, params)


def _stepping(cls: type, settings: Mapping[str, Any], params: list[Array]) -> Update:
    held = [HeldParameter(value) for value in params]
    found = cls(held, **settings)

    def step(grads: list[Array]) -> list[Array]:
        for each, grad in zip(held, grads, strict=True):
            each.grad = grad
        found.step()
        return [each.data for each in held]

    return Update(found, step, lambda: vars(found))


def _of_function(found: FunctionType, params: list[Array]) -> Update:
    now = list(params)
    configs: list[Any] = [None for _ in params]

    def step(grads: list[Array]) -> list[Array]:
        for i, grad in enumerate(grads):
            now[i], configs[i] = found(now[i], grad, configs[i])
        return now

    return Update(found, step, lambda: configs[0] if isinstance(configs[0], dict) else {})


def _in_place(found: Any, params: list[Array]) -> Update:
    if callable(getattr(found, "initialise", None)):
        found.initialise(params)

    def step(grads: list[Array]) -> list[Array]:
        before = [value.copy() for value in params]
        found.update_params(grads)
        own = getattr(found, "params", params)
        moved = any(not np.array_equal(a, b) for a, b in zip(before, params, strict=True))
        if not moved and any(not np.array_equal(a, b) for a, b in zip(before, own, strict=True)):
            raise UsageError(
                "update_params makes new arrays: the layers keep the old ones (write param[...] -= ...)"
            )
        return params

    return Update(found, step, lambda: vars(found))


def _of_dictionaries(found: Any, params: list[Array]) -> Update:
    table = {f"p{i}": value for i, value in enumerate(params)}

    def step(grads: list[Array]) -> list[Array]:
        found.update(table, {f"p{i}": grad for i, grad in enumerate(grads)})
        return list(table.values())

    return Update(found, step, lambda: vars(found))


def check_rule(name: str, start: Starter, settings: Mapping[str, Any], tolerance: float = 0.0) -> RuleFound:
    """Follow a rule for some steps; `UsageError` where its name does not say which it is.

    ``tolerance`` is what a step may be off, where it is more than `TOLERANCE`.
    """
    kind = kind_of(name)
    found = RuleFound(SHAPES[0], STEPS)
    grads = _gradients()
    path = _follow(start, grads, found)
    if all(np.array_equal(a, b) for a, b in zip(path.points[0], path.points[-1], strict=True)):
        found.faults.append(f"the parameters do not move in {STEPS} steps")
        return found
    best: tuple[int, str] = (-1, "")
    for rule in _rules(kind, {**path.numbers, **settings}):
        for words, slips in ACCEPTED[kind].items():
            parts = _parts(path, grads, _with(rule, slips), tolerance)
            if parts is None:
                found.remarks.append(f"the steps are those of {_title(kind)}{f', {words}' if words else ''}")
                return found
            best = max(best, parts, key=lambda pair: pair[0])
    found.faults.append(f"{best[1]}{_mistake(kind, path, grads, settings)}")
    return found


def kind_of(name: str) -> str:
    """Return which rule a name means; `UsageError` where it means none."""
    plain = name.lower()
    for kind, words in KINDS.items():
        if any(word in plain for word in words):
            return kind
    raise UsageError(
        f"cannot tell which learning rule {name} is (its name should contain one of {', '.join(KINDS)})"
    )


def _gradients() -> list[list[Array]]:
    """Return gradients of several sizes, zero among them, because each shows another slip."""
    sizes = [1.0, 0.5, 1e-3, 0.0, 2.0, 1e-5, 1.0, 0.1][:STEPS]
    return [
        [size * stream(t, "gradient", str(i)).normal(size=shape) for i, shape in enumerate(SHAPES)]
        for t, size in enumerate(sizes)
    ]


def _follow(start: Starter, grads: list[list[Array]], found: RuleFound) -> _Path:
    params: list[Array] = [stream(0, "theta", str(i)).normal(size=shape) for i, shape in enumerate(SHAPES)]
    first: list[Array] = [value.copy() for value in params]
    probe = start([value.copy() for value in first])
    with undisturbed(probe.root):
        update = start(params)
        points: list[list[Array]] = [first]
        memory: list[dict[str, Array]] = []
        for each in grads:
            given: list[Array] = [grad.copy() for grad in each]
            points.append([np.array(value) for value in update.step(given)])
            memory.append(Snapshot(update.root).numbers())
            if any(not np.array_equal(a, b) for a, b in zip(given, each, strict=True)):
                found.writes["writes into its gradients"] = None
        return _Path(points, memory, dict(update.numbers()))


def _rules(kind: str, said: Mapping[str, Any]) -> Iterator[Formula]:
    """Yield the rule with the numbers that were said, or with each that is usual."""
    known = {
        name: next((said[alias] for alias in aliases if _is_number(said.get(alias))), None)
        for name, aliases in ALIASES.items()
    }
    if kind == "rmsprop":
        known["beta2"] = next((said[word] for word in DECAYS if _is_number(said.get(word))), None)
    lrs = (known["lr"],) if known["lr"] is not None else (0.01, 0.001, 0.1)
    betas = (0.999,) if kind != "rmsprop" else UNSAID["beta2"]
    choices = {
        "lr": lrs,
        "momentum": _one(known["momentum"]) or UNSAID["momentum"],
        "beta1": _one(known["beta1"]) or (0.9,),
        "beta2": _one(known["beta2"]) or betas,
        "eps": _one(known["eps"]) or UNSAID["eps"],
        "weight_decay": (_one(known["weight_decay"]) or UNSAID["weight_decay"])
        if kind == DECAYING
        else (0.0,),
    }
    for values in product(*choices.values()):
        yield Formula(kind, **dict(zip(choices, values, strict=True)))


def _one(value: Any) -> tuple[float, ...]:
    return () if value is None else (float(value),)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _with(rule: Formula, slips: Mapping[str, Any]) -> Formula:
    return replace(rule, slips={**slips})


def _parts(
    path: _Path, grads: list[list[Array]], rule: Formula, tolerance: float = 0.0
) -> tuple[int, str] | None:
    """Return at which step a path parts from the rule's, and that in words; None where it does not."""
    slots: list[dict[str, Array]] = [{} for _ in SHAPES]
    for t, each in enumerate(grads, start=1):
        for i, grad in enumerate(each):
            expected = rule.step(grad, slots[i], t, path.points[t - 1][i])
            step = path.points[t - 1][i] - path.points[t][i]
            size = max(float(np.abs(expected).max()), rule.lr * 1e-6)
            room = max(TOLERANCE, tolerance) * size + 1e-13
            if not (np.abs(step - expected) <= room).all():
                index = np.unravel_index(np.argmax(np.abs(step - expected)), step.shape)
                return t, (
                    f"parts from {_title(rule.kind)} at step {t}: theta falls by {step[index]:.6g}, "
                    f"by the definition {expected[index]:.6g}{_quantities(path.memory[t - 1], slots[0])}"
                )
    return None


def _quantities(memory: Mapping[str, Array], slots: Mapping[str, Array]) -> str:
    """Say which of the remembered quantities are as they should be, where any is."""
    agree = [
        name
        for name, value in slots.items()
        if any(
            m.shape == value.shape and np.allclose(m, value, rtol=1e-9, atol=1e-15) for m in memory.values()
        )
    ]
    if not agree:
        return ""
    differ = [name for name in slots if name not in agree]
    return f" (its {' and '.join(agree)} agree{f', its {differ[0]} not' if differ else ''})"


def _mistake(kind: str, path: _Path, grads: list[list[Array]], settings: Mapping[str, Any]) -> str:
    for rule in _rules(kind, {**path.numbers, **settings}):
        for words, slips in MISTAKES[kind].items():
            for accepted in ACCEPTED[kind].values():
                if _parts(path, grads, _with(rule, {**accepted, **slips})) is None:
                    return f": {words}"
    return ""


def _title(kind: str) -> str:
    titles = {
        "sgd": "SGD", "adagrad": "Adagrad", "rmsprop": "RMSprop", "adam": "Adam", "adamax": "Adamax",
        "adamw": "AdamW", "nadam": "NAdam",
    }  # fmt: skip
    return titles.get(
        kind, f"SGD with {'Nesterov' if kind == 'nesterov' else ''}{' ' * (kind == 'nesterov')}momentum"
    )
