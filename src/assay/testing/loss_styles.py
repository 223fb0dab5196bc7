"""Losses in the styles of courses, each as a function that returns its value and its gradient.

- An object with ``loss(outputs, targets)`` and ``loss.grad(outputs, targets)``.
- An object with ``forward(x, t)``, the value, and ``backward(dout=1)``, the gradient.
- A function ``softmax_loss(x, y) -> (loss, dx)``, also with a third argument ``mask``.
"""

from collections.abc import Callable
from inspect import signature
from types import FunctionType
from typing import Any, NamedTuple

from assay.nn.coursework.copies import copied
from assay.nn.coursework.signatures import positional
from assay.shapes import Array


class Loss(NamedTuple):
    """A loss as a function of scores and targets that returns its value and its gradient."""

    name: str
    root: object
    call: Callable[..., tuple[Any, Any]]
    masked: bool = False


def as_loss(found: object) -> Loss | None:
    """Return an object or a function as a loss; None if it is not one."""
    name = getattr(found, "__name__", type(found).__name__)
    if isinstance(found, FunctionType):
        names = list(signature(found).parameters)
        return Loss(name, found, found, "mask" in names) if _is_loss_function(found) else None
    if callable(getattr(found, "grad", None)) and callable(found) and not hasattr(found, "fprop"):
        grad: Any = found.grad  # type: ignore[attr-defined]

        def both(x: Array, t: Array) -> tuple[Any, Any]:
            return found(copied(x), t.copy()), grad(x, t)

        return Loss(name, found, both)
    forward, backward = (getattr(found, method, None) for method in ("forward", "backward"))
    if (
        callable(forward)
        and callable(backward)
        and len(positional(forward)) == 2
        and not positional(backward)[1:]
    ):

        def passes(x: Array, t: Array) -> tuple[Any, Any]:
            value = forward(x, t)
            return value, backward(*([1.0] if positional(backward) else []))

        return Loss(name, found, passes)
    return None


def _is_loss_function(found: FunctionType) -> bool:
    name = found.__name__.lower()
    named = any(word in name for word in ("loss", "entropy", "error", "mse", "hinge", "nll", "svm"))
    return named and len(positional(found)) in (2, 3) and "forward" not in name and "backward" not in name
