"""Learning rules in the styles of courses, each as a function that takes gradients.

- An object with ``update_params(grads_wrt_params)``, which changes the arrays of ``initialise(params)``.
- An object with ``update(params, grads)``, both of them dictionaries.
- A function ``adam(w, dw, config) -> (next_w, config)``.
- A class like PyTorch's, made with the parameters: ``step()`` reads the ``grad`` of each and changes its
  ``data``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import isclass, signature
from types import FunctionType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from assay.errors import UsageError
from assay.nn.coursework.making import constructed
from assay.nn.coursework.styles import held_by
from assay.shapes import Array

STYLES = "update_params, update(params, grads) or step, or a function of w, dw and config"

RATES = ("learning_rate", "lr", "eta", "step_size")
"""What a learning rate is called, as an attribute or in a config."""


class Update(NamedTuple):
    """A rule that was started on parameters."""

    root: SimpleNamespace
    """The rule and all that it is given: ``values`` holds the parameters, ``rule`` what the user wrote."""
    step: Callable[[list[Array]], list[Array]]
    """Takes gradients and returns all parameters after a step."""
    numbers: Callable[[], Mapping[str, Any]]
    """What it says of its own numbers."""
    put: Callable[[str, Any], None]
    """Sets one of them."""


Starter = Callable[[list[Array]], Update]
"""Starts a rule on parameters."""


@dataclass
class HeldParameter:
    """A parameter as PyTorch's rules are made with: an array and its gradient."""

    data: Array
    grad: Array | None = None


def as_rule(found: object, config: Mapping[str, Any] | None = None) -> Starter | None:
    """Return how an object or a function is started; None if it is not a rule.

    A function is handed ``config`` at its first step, or None where that is empty.
    """
    if isinstance(found, FunctionType):
        names = list(signature(found).parameters)
        is_rule = len(names) == 3 and names[2] == "config"
        return (lambda params: _of_function(found, params, config or {})) if is_rule else None
    if callable(getattr(found, "update_params", None)):
        return lambda params: _in_place(found, params)
    if callable(getattr(found, "update", None)) and len(signature(found.update).parameters) == 2:  # type: ignore[attr-defined]
        return lambda params: _of_dictionaries(found, params)
    return None


def as_stepping_rule(cls: type, settings: Mapping[str, Any]) -> Starter | None:
    """Return how a class like PyTorch's is started on parameters; None for any other class."""
    method = getattr(cls, "step", None)
    if not isinstance(method, FunctionType) or len(signature(method).parameters) != 1:
        return None
    if next(iter(signature(cls).parameters), "") not in ("params", "parameters"):
        return None
    return lambda params: _stepping(cls, settings, params)


def started_anew(found: Any, arguments: Mapping[str, Any]) -> Starter | None:
    """Return how a class or a function is started, with a new object each time; None if not a rule."""
    if not isclass(found):
        return as_rule(found, arguments)
    if (stepping := as_stepping_rule(found, arguments)) is not None:
        return stepping
    if not has_steps(found) or as_rule(constructed(found, arguments)) is None:
        return None

    def start(params: list[Array]) -> Update:
        starter = as_rule(constructed(found, arguments))
        assert starter is not None  # as it was a moment ago
        return starter(params)

    return start


def has_steps(cls: type) -> bool:
    """Whether a class has a method of one of the styles."""
    methods = any(callable(getattr(cls, method, None)) for method in ("update_params", "update"))
    return methods or as_stepping_rule(cls, {}) is not None


def rate_in(numbers: Mapping[str, Any]) -> str:
    """Return what a rule calls its learning rate; empty where it says none."""
    return next((name for name in RATES if is_number(numbers.get(name))), "")


def is_number(value: Any) -> bool:
    """Whether a value is a number and not a bool."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _of_function(found: FunctionType, params: list[Array], config: Mapping[str, Any]) -> Update:
    root = SimpleNamespace(values=list(params), rule=found, configs=[dict(config) or None for _ in params])

    def step(grads: list[Array]) -> list[Array]:
        for i, grad in enumerate(grads):
            answer: Any = found(root.values[i], grad, root.configs[i])
            if not isinstance(answer, tuple) or len(answer) != 2:
                kind = type(answer).__name__
                raise UsageError(f"{found.__name__} must return (next_w, config); got {kind}")
            root.values[i], root.configs[i] = answer
        return list(root.values)

    def numbers() -> Mapping[str, Any]:
        return root.configs[0] if isinstance(root.configs[0], dict) else {}

    def put(name: str, value: Any) -> None:
        root.configs = [{**(each or {}), name: value} for each in root.configs]

    return Update(root, step, numbers, put)


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

    return _of_object(found, params, step)


def _of_dictionaries(found: Any, params: list[Array]) -> Update:
    table = {f"p{i}": value for i, value in enumerate(params)}

    def step(grads: list[Array]) -> list[Array]:
        found.update(table, {f"p{i}": grad for i, grad in enumerate(grads)})
        return list(table.values())

    return _of_object(found, table, step)


def _stepping(cls: type, settings: Mapping[str, Any], params: list[Array]) -> Update:
    held = [HeldParameter(value) for value in params]
    found = cls(held, **settings)
    values = [each.data for each in held]

    def step(grads: list[Array]) -> list[Array]:
        for each, value, grad in zip(held, values, grads, strict=True):
            each.data, each.grad = value, grad
        found.step()
        values[:] = [each.data for each in held]
        return list(values)

    return _of_object(found, values, step)


def _of_object(found: Any, values: Any, step: Callable[[list[Array]], list[Array]]) -> Update:
    root = SimpleNamespace(values=values, rule=found)
    return Update(root, step, lambda: held_by(found), lambda name, value: setattr(found, name, value))
