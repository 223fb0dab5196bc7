"""Layers made from what a user's file names: a class with its arguments, or a function forward."""

from collections.abc import Mapping
from types import FunctionType
from typing import Any

from assay.errors import UsageError, suggestion
from assay.nn.coursework.function_pairs import PairOfFunctions, arguments_of, backward_of
from assay.nn.coursework.signatures import arguments, needed, takes_any


def expect_written(cls: type) -> None:
    """Raise `UsageError` for a class that lacks methods which the class it derives from leaves to it."""
    missing = sorted(getattr(cls, "__abstractmethods__", ()))
    if missing:
        heads = (f"def {name}({', '.join(arguments(getattr(cls, name)))})" for name in missing)
        raise UsageError(
            f"has no {' and no '.join(missing)} (write {', '.join(heads)} in class {cls.__name__})"
        )


def expect_makeable(cls: type, settings: Mapping[str, Any], hint: str) -> None:
    """Raise `UsageError` for a class that lacks methods, and for arguments that it does not take or lacks.

    ``hint`` says how a missing argument is given, with its name for ``{}``.
    """
    expect_written(cls)
    accepted = arguments(cls)
    for key in settings:
        if key not in accepted and not takes_any(cls):
            known = suggestion(key, accepted) if accepted else "it takes none"
            raise UsageError(f"no argument {key!r} ({known})")
    if missing := [key for key, each in accepted.items() if needed(each) and key not in settings]:
        raise UsageError(f"the constructor needs {', '.join(missing)} ({hint.format(missing[0])})")


def constructed(cls: type, settings: Mapping[str, Any]) -> Any:
    """Return an instance with ``settings`` as its keyword arguments; lists become tuples."""
    return cls(**{key: _tuples(value) for key, value in settings.items()})


def from_functions(forward: FunctionType, settings: Mapping[str, Any]) -> PairOfFunctions:
    """Return a function forward with its backward, found beside it, as a layer in the course's style."""
    backward = backward_of(forward.__name__, forward.__globals__)
    return PairOfFunctions(forward, backward, arguments_of(forward, settings))


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
