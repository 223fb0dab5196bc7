"""Other styles in which courses and books write layers, each put into that of `assay.nn.coursework`.

- An object with ``forward(x)`` and ``backward(dout)`` that keeps its gradients: ``dW`` beside ``W`` (also
  ``grad_W``, ``W_grad``, ``gW``), or lists or dictionaries ``params`` and ``grads``. ``forward`` may return
  ``(out, cache)``, and ``backward`` then takes ``(dout, cache)``.
- An object of an older course, ``bprop(h, igrads) -> (deltas, ograds)`` with ``pgrads(inputs, deltas)``.
"""

import dis
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from assay.errors import ShapeError
from assay.nn.coursework.function_pairs import PairOfFunctions
from assay.nn.coursework.places import attributes
from assay.nn.coursework.signatures import positional, with_cache
from assay.shapes import Array

GRADIENT_NAMES = ("d{}", "grad_{}", "{}_grad", "d_{}", "g{}", "grads_{}", "{}_grads", "grad{}", "{}_gradient")
"""How the gradient of an attribute is called."""


class KeepsGradients:
    """An object with ``forward`` and ``backward``; gradients are read off it after ``backward``."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped
        self.kept: dict[str, Array] = {}
        self.cache: Any = None
        self.returns_cache = len(positional(wrapped.backward)) > 1

    def fprop(self, inputs: Array, **mode: Any) -> Any:
        """Call ``forward``; a cache that comes with the output is kept for ``backward``."""
        found = self.wrapped.forward(inputs, **mode)
        if self.returns_cache and isinstance(found, tuple) and len(found) == 2:
            found, self.cache = found
        return found

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Any:
        """Call ``backward`` and keep the gradients that it leaves behind."""
        del inputs, outputs
        backward, given = self.wrapped.backward, (grads_wrt_outputs,)
        found = backward(*(with_cache(backward, given, self.cache) if self.returns_cache else given))
        names = self.param_names
        if isinstance(found, tuple) and found:
            found, *others = found
            self.kept = dict(zip(names, others, strict=False))
            if len(others) == 1 and isinstance(others[0], Mapping):
                self.kept = {name: _of(others[0], name) for name in names}
        else:
            self.kept = {name: np.array(self._gradient(name)) for name in names}
        return found

    def grads_wrt_params(self, inputs: Array, grads_wrt_outputs: Array) -> list[Array]:
        """Return what the last ``bprop`` left."""
        del inputs, grads_wrt_outputs
        return [self.kept[name] for name in self.param_names]

    @property
    def param_names(self) -> list[str]:
        """The names of the parameters."""
        return list(self._parameters())

    @property
    def params(self) -> list[Array]:
        """The parameters, as the object holds them."""
        return list(self._parameters().values())

    def _parameters(self) -> dict[str, Array]:
        held = getattr(self.wrapped, "params", None)
        if isinstance(held, Mapping):
            return {str(name): value for name, value in held.items() if isinstance(value, np.ndarray)}
        if isinstance(held, Sequence) and held and not isinstance(held, str):
            return {f"params[{i}]": value for i, value in enumerate(held)}
        cls: Any = type(self.wrapped)
        own = held_by(self.wrapped)
        written = _stored(cls) | set(own)
        return {
            name: value
            for name, value in own.items()
            if isinstance(value, np.ndarray) and any(form.format(name) in written for form in GRADIENT_NAMES)
        }

    def _gradient(self, name: str) -> Any:
        grads = getattr(self.wrapped, "grads", None)
        if isinstance(grads, Mapping):
            return _of(grads, name)
        if isinstance(grads, Sequence) and name.startswith("params["):
            return grads[int(name[7:-1])]
        for form in GRADIENT_NAMES:
            if getattr(self.wrapped, form.format(name), None) is not None:
                return getattr(self.wrapped, form.format(name))
        raise ShapeError(f"backward leaves no gradient of {name} (expected it as d{name}, or in grads)")


class OlderCourse:
    """``bprop(h, igrads)`` gives deltas and the gradient of the inputs; ``pgrads`` that of the parameters."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped
        self.deltas: Any = None

    def fprop(self, inputs: Array) -> Any:
        """Call ``fprop``."""
        return self.wrapped.fprop(inputs)

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Any:
        """Call ``bprop`` and keep its deltas."""
        del inputs
        found = self.wrapped.bprop(outputs, grads_wrt_outputs)
        if not isinstance(found, tuple) or len(found) != 2:
            raise ShapeError(f"bprop(h, igrads) must return (deltas, ograds); got {type(found).__name__}")
        self.deltas, dx = found
        return dx

    @property
    def params(self) -> list[Array]:
        """What ``get_params`` gives."""
        return list(self.wrapped.get_params()) if hasattr(self.wrapped, "get_params") else []

    def grads_wrt_params(self, inputs: Array, grads_wrt_outputs: Array) -> list[Array]:
        """Call ``pgrads`` with the deltas of the last ``bprop``."""
        del grads_wrt_outputs
        return list(self.wrapped.pgrads(inputs, self.deltas))


def in_course_style(found: object) -> Any:
    """Return an object of any style as one with ``fprop`` and ``bprop``; None for any other object."""
    if all(callable(getattr(found, name, None)) for name in ("fprop", "bprop")):
        old = len(positional(found.bprop)) == 2  # type: ignore[attr-defined]
        return OlderCourse(found) if old else found
    if all(callable(getattr(found, name, None)) for name in ("forward", "backward")):
        return KeepsGradients(found)
    return None


def user_object(layer: Any) -> Any:
    """Return what the user wrote, of an object in the course's style: an object, or the function forward."""
    return layer.forward if isinstance(layer, PairOfFunctions) else getattr(layer, "wrapped", layer)


def held_by(found: object) -> dict[str, Any]:
    """Return the attributes that an object holds itself, in its dictionary and in slots."""
    return {name: value for place in attributes("", found) for name, value in place.read().items()}


def _of(table: Mapping[str, Any], name: str) -> Any:
    for key in (name, *(form.format(name) for form in GRADIENT_NAMES)):
        if key in table:
            return table[key]
    raise ShapeError(f"backward leaves no gradient of {name} in grads")


@lru_cache(maxsize=256)
def _stored(cls: Any) -> frozenset[str]:
    """Return the attributes that a class's methods set."""
    codes = [
        value.__code__
        for base in getattr(cls, "__mro__", ())
        for value in vars(base).values()
        if isinstance(value, FunctionType)
    ]
    return frozenset(name for code in codes for name in _stored_by(code))


def _stored_by(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname == "STORE_ATTR":
            yield str(instruction.argval)
