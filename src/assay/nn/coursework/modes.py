"""How a layer in a course's style is told whether it trains or is evaluated."""

from collections.abc import Callable
from typing import Any

from assay.nn.coursework.signatures import arguments
from assay.shapes import Array

MODES: dict[str, tuple[Any, Any]] = {
    "stochastic": (False, True),
    "training": (False, True),
    "is_training": (False, True),
    "train": (False, True),
    "evaluation": (True, False),
    "train_flg": (False, True),
    "mode": ("test", "train"),
}
"""What tells a layer its mode, as an argument of ``fprop`` or an attribute: in evaluation, in training."""


def word_for_mode(layer: Any) -> str | None:
    """Return what a layer calls the mode, an argument of ``fprop`` before an attribute; None for nothing."""
    taken = arguments(_method(layer))
    said = [name for name in MODES if name in taken]
    held = [name for name, values in MODES.items() if _holds(_holder(layer), name, values)]
    return next(iter(said + held), None)


def fprop(layer: Any, word: str | None, x: Array, *, training: bool) -> Any:
    """Call ``fprop`` in a mode; an attribute is set and left so."""
    if word is None:
        return layer.fprop(x)
    value = MODES[word][training]
    if word in arguments(_method(layer)):
        return layer.fprop(x, **{word: value})
    holder = _holder(layer)
    if isinstance(holder, dict):
        holder[word] = value
    else:
        setattr(holder, word, value)
    return layer.fprop(x)


def _method(layer: Any) -> Callable[..., Any]:
    """Return what is told the mode: of a layer in another style, its own method."""
    wrapped = getattr(layer, "wrapped", None)
    method: Callable[..., Any] = getattr(wrapped, "forward", layer.fprop)
    return method


def _holder(layer: Any) -> Any:
    """Return what may keep the mode: the layer, the object it was made from, or a dictionary of settings."""
    tables = [value for value in getattr(layer, "others", {}).values() if isinstance(value, dict)]
    return next((table for table in tables if "mode" in table), getattr(layer, "wrapped", layer))


def _holds(layer: object, name: str, values: tuple[Any, Any]) -> bool:
    """Whether a layer has an attribute of this name that can stand for a mode."""
    now = layer.get(name) if isinstance(layer, dict) else getattr(layer, name, None)
    return type(now) is type(values[0]) and now in values
