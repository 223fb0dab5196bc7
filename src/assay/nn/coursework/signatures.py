"""What a call of a user's code takes."""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

CACHE_FIRST = ("cache", "ctx", "saved")
"""What a cache is called where it comes before the upstream gradient."""

_BY_PLACE = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def arguments(method: Callable[..., Any]) -> Mapping[str, Parameter]:
    """Return the arguments of a function, method or class by name; none for what is made in C."""
    try:
        return signature(method).parameters
    except (TypeError, ValueError):
        return {}


def takes_any(method: Callable[..., Any]) -> bool:
    """Whether arguments of any name may be given; what is made in C will say so itself."""
    try:
        taken = signature(method).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(each.kind is Parameter.VAR_KEYWORD for each in taken)


def needed(argument: Parameter) -> bool:
    """Whether a call must give an argument."""
    return argument.default is Parameter.empty and argument.kind not in _VARIADIC


def positional(method: Callable[..., Any]) -> list[str]:
    """Return the arguments that a call must give by their places."""
    return [name for name, each in arguments(method).items() if each.kind in _BY_PLACE and needed(each)]


def with_cache(method: Callable[..., Any], given: tuple[Any, ...], cache: Any) -> tuple[Any, ...]:
    """Return what a function backward is given: a cache first if it is called so, else last."""
    first = next(iter(arguments(method)), "")
    return (cache, *given) if first in CACHE_FIRST else (*given, cache)
