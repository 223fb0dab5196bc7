"""Layers, learning rules and penalties of a user's own, made from a study's tables.

Where the code may not be run, as when a results folder is only read, rules and penalties are represented by
stand-ins, and networks cannot be built.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from inspect import isclass
from math import isfinite
from typing import Any, NoReturn, TypeVar

from assay.errors import AssayError, StudyError, UsageError
from assay.nn.coursework.making import expect_written
from assay.nn.layer import Layer
from assay.optim import Optimizer, Slots
from assay.optim.penalties import Penalty
from assay.optim.rule_styles import RATES
from assay.shapes import Array
from assay.study import tables
from assay.study.own_code import OwnClass, blamed, expect_trusted
from assay.study.own_course_rules import own_course_rule
from assay.study.own_coursework import own_coursework
from assay.study.own_references import is_reference
from assay.study.tables import Table

T = TypeVar("T")


def waiting(values: Any) -> bool:
    """Whether nested tables name code that may not be run, or is not read yet."""
    if isinstance(values, Mapping):
        return any(map(waiting, values.values()))
    if isinstance(values, list | tuple):
        return any(map(waiting, values))
    if is_dataclass(values):
        return waiting(vars(values))
    return is_reference(values) and not (isinstance(values, OwnClass) and values.trusted)


def own_layer(own: OwnClass, arguments: Table, where: str) -> Layer:
    """Return the user's layer, in any style that is checked; `UsageError` where it may not be run."""
    found = _loaded(own.named, where)
    if not isclass(found) or not issubclass(found, Layer):
        return own_coursework(own, found, arguments, where)
    layer: Layer = _built(own, found, arguments, where)
    if not isinstance(getattr(layer, "kind", None), str) or not layer.kind.isidentifier():
        raise StudyError(
            f"{where}: {own}: has no kind, the stem of its name in a network (write "
            f"kind: ClassVar[str] = {own.name.lower()!r} in the class)"
        )
    return layer


def own_rule(own: OwnClass, arguments: Table, where: str) -> Optimizer:
    """Return the user's learning rule, in any style that is checked, or a stand-in for it."""
    if own.trusted:
        found = _loaded(own.named, where)
        if isclass(found) and issubclass(found, Optimizer):
            rule: Optimizer = _built(own, found, arguments, where)
            return rule
        return own_course_rule(own, found, arguments, where)
    lr = next((arguments[name] for name in RATES if name in arguments), None)
    return UnrunRule(_number(lr, 1.0), own=own, arguments=repr(arguments))


def own_penalty(own: OwnClass, arguments: Table, where: str) -> Penalty:
    """Return the user's penalty, or a stand-in for it."""
    if own.trusted:
        return _made(own, Penalty, arguments, where)  # type: ignore[type-abstract]
    return UnrunPenalty(_number(arguments.get("strength"), 1.0), own=own, arguments=repr(arguments))


@dataclass(frozen=True)
class UnrunRule(Optimizer):
    """Stands for a user's rule in a study that is only read."""

    own: str = ""
    arguments: str = ""

    def slots(self, theta: Array) -> Slots:
        """Refuse."""
        del theta
        _refuse(self.own)

    def step(self, theta: Array, grad: Array, slots: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """Refuse."""
        del theta, grad, slots, t, lr
        _refuse(self.own)


@dataclass(frozen=True)
class UnrunPenalty(Penalty):
    """Stands for a user's penalty in a study that is only read."""

    own: str = ""
    arguments: str = ""

    def value(self, theta: Array) -> float:
        """Refuse."""
        del theta
        _refuse(self.own)

    def gradient(self, theta: Array) -> Array:
        """Refuse."""
        del theta
        _refuse(self.own)


def _refuse(own: str) -> NoReturn:
    file = own.rpartition(":")[0]
    expect_trusted({file: own.digest if isinstance(own, OwnClass) else ""}, own)
    raise StudyError(f"{own}: was read before it was trusted (load the study again)")


def _made(own: OwnClass, base: type[T], arguments: Table, where: str) -> T:
    cls: type[T] = _loaded(lambda: own.load(base), where)
    return _built(own, cls, arguments, where)


def _loaded(load: Callable[[], Any], where: str) -> Any:
    try:
        return load()
    except AssayError as error:
        raise type(error)(f"{where}: {error}") from error.__cause__


def _built(own: OwnClass, cls: type[T], arguments: Table, where: str) -> T:
    try:
        expect_written(cls)
    except UsageError as error:
        raise StudyError(f"{where}: {own}: {error}") from None
    parameters = getattr(cls, "__dataclass_params__", None)
    if parameters is None or not parameters.frozen:
        raise StudyError(
            f"{where}: {own}: expected a frozen dataclass, so that two runs can be told to be the same "
            f"(write @dataclass(frozen=True) above class {own.name})"
        )
    with blamed(own.digest):
        return tables.build(cls, arguments, where)


def _number(value: Any, otherwise: float) -> float:
    valid = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value > 0
    return float(value) if valid else otherwise
