"""Other styles in which courses and books write layers, each put into that of `assay.testing.coursework`.

- An object with ``forward(x)`` and ``backward(dout)`` that keeps its gradients: ``dW`` beside ``W`` (also
  ``grad_W``, ``W_grad``, ``gW``), or lists or dictionaries ``params`` and ``grads``. ``forward`` may return
  ``(out, cache)``, and ``backward`` then takes ``(dout, cache)``.
- A pair of functions, ``affine_forward(x, w, b) -> (out, cache)`` and
  ``affine_backward(dout, cache) -> (dx, dw, db)``.
- Objects of an older course, ``bprop(h, igrads) -> (deltas, ograds)`` with ``pgrads(inputs, deltas)``.
"""

import dis
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from inspect import Parameter, signature
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from assay.errors import ShapeError, UsageError
from assay.shapes import Array

GRADIENT_NAMES = ("d{}", "grad_{}", "{}_grad", "d_{}", "g{}", "grads_{}", "{}_grads", "grad{}", "{}_gradient")
"""How the gradient of an attribute is called."""

CACHE_FIRST = ("cache", "ctx", "saved")


class KeepsGradients:
    """An object with ``forward`` and ``backward``; gradients are read off it after ``backward``."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped
        self.kept: dict[str, Array] = {}
        self.cache: Any = None
        self.returns_cache = _positional(wrapped.backward) > 1

    def fprop(self, inputs: Array, **mode: Any) -> Any:
        """Call ``forward``; a cache that comes with the output is kept for ``backward``."""
        found = self.wrapped.forward(inputs, **mode)
        if self.returns_cache and isinstance(found, tuple) and len(found) == 2:
            found, self.cache = found
        return found

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Any:
        """Call ``backward`` and keep the gradients that it leaves behind."""
        del inputs, outputs
        given = (grads_wrt_outputs,)
        found = self.wrapped.backward(
            *_with_cache(self.wrapped.backward, given, self.cache, self.returns_cache)
        )
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
        written = _stored(cls) | set(vars(self.wrapped))
        return {
            name: value
            for name, value in vars(self.wrapped).items()
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


class PairOfFunctions:
    """Two functions and the values of their arguments: arrays are parameters, all else is handed on."""

    def __init__(
        self, forward: Callable[..., Any], backward: Callable[..., Any], arguments: Mapping[str, Any]
    ) -> None:
        self.forward, self.backward = forward, backward
        self.values = {name: value for name, value in arguments.items() if isinstance(value, np.ndarray)}
        self.others = {name: value for name, value in arguments.items() if not isinstance(value, np.ndarray)}
        self.cache: Any = None
        self.kept: dict[str, Array] = {}

    @property
    def param_names(self) -> list[str]:
        """The names of the arguments that are parameters."""
        return list(self.values)

    @property
    def params(self) -> list[Array]:
        """The parameters."""
        return list(self.values.values())

    def fprop(self, inputs: Array) -> Any:
        """Call the function forward."""
        found = self.forward(inputs, **self.values, **self.others)
        if not isinstance(found, tuple) or len(found) != 2:
            raise ShapeError(f"{self.forward.__name__} must return (out, cache); got {type(found).__name__}")
        self.cache = found[1]
        return found[0]

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Any:
        """Call the function backward with the cache of the last call forward."""
        del inputs, outputs
        found = self.backward(*_with_cache(self.backward, (grads_wrt_outputs,), self.cache, taken=True))
        dx, *others = found if isinstance(found, tuple | list) else (found,)
        self.kept = dict(zip(self.values, others, strict=False))
        return dx

    def grads_wrt_params(self, inputs: Array, grads_wrt_outputs: Array) -> list[Array]:
        """Return what the last ``bprop`` returned beside dx."""
        del inputs, grads_wrt_outputs
        missing = self.values.keys() - self.kept.keys()
        if missing:
            raise ShapeError(f"{self.backward.__name__} returns no gradient of {', '.join(sorted(missing))}")
        return list(self.kept.values())


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
    """Return an object of any style as one with ``fprop`` and ``bprop``; None for what is none."""
    if all(callable(getattr(found, name, None)) for name in ("fprop", "bprop")):
        old = _positional(found.bprop) == 2  # type: ignore[attr-defined]
        return OlderCourse(found) if old else found
    if all(callable(getattr(found, name, None)) for name in ("forward", "backward")):
        return KeepsGradients(found)
    return None


def backward_of(name: str, space: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the function backward that belongs to ``name``, such as conv_forward_naive; `UsageError`."""
    pairs = (("forward", "backward"), ("fwd", "bwd"), ("fprop", "bprop"))
    others = [name.replace(one, other) for one, other in pairs if one in name] or [f"{name}_backward"]
    found = space.get(others[0])
    if not isinstance(found, FunctionType):
        raise UsageError(f"no function {others[0]} beside {name}")
    return found


def arguments_of(forward: Callable[..., Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a function forward after x: given, default, or as their names say."""
    names = list(signature(forward).parameters.items())[1:]
    return {name: _argument(name, item, [n for n, _ in names], settings) for name, item in names}


def _argument(name: str, item: Parameter, names: list[str], settings: Mapping[str, Any]) -> Any:
    within = {key.partition(".")[2]: value for key, value in settings.items() if key.startswith(f"{name}.")}
    if name in settings and not isinstance(settings[name], list | tuple | dict):
        return settings[name]
    if name in settings and not isinstance(settings[name], dict):
        return np.zeros(tuple(settings[name]))  # a shape
    if name.endswith(("param", "params", "config")):
        known = {
            key: value
            for start, value in _CONFIGS.items()
            if name.startswith(start)
            for key, value in value.items()
        }
        return {**known, **settings.get(name, {}), **within}
    if item.default is not Parameter.empty:
        return item.default
    maps = any(other.startswith("conv") for other in names)
    sizes = {"w": (4, 3, 3, 3) if maps else (12, 4), "b": (4,), "gamma": (12,), "beta": (12,)}
    key = {"weight": "w", "weights": "w", "bias": "b", "biases": "b"}.get(name.lower(), name.lower())
    if key not in sizes:
        raise UsageError(f"needs {name} (give --set {name}=VALUE, or its shape: --set {name}=[12,4])")
    return np.zeros(sizes[key])


_CONFIGS: dict[str, dict[str, Any]] = {
    "conv": {"stride": 1, "pad": 1},
    "pool": {"pool_height": 2, "pool_width": 2, "stride": 2},
    "bn": {"mode": "train"},
    "ln": {},
    "dropout": {"mode": "train", "p": 0.5, "seed": 1},
}
"""What such functions take in a dictionary, by how its name begins."""


def _with_cache(
    method: Callable[..., Any], given: tuple[Any, ...], cache: Any, taken: bool
) -> tuple[Any, ...]:
    if not taken:
        return given
    first = next(iter(signature(method).parameters), "")
    return (cache, *given) if first in CACHE_FIRST else (*given, cache)


def _of(table: Mapping[str, Any], name: str) -> Any:
    for key in (name, *(form.format(name) for form in GRADIENT_NAMES)):
        if key in table:
            return table[key]
    raise ShapeError(f"backward leaves no gradient of {name} in grads")


def _positional(method: Callable[..., Any]) -> int:
    """Count the arguments that a call must give."""
    try:
        arguments = signature(method).parameters.values()
    except (TypeError, ValueError):
        return 0
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return sum(item.kind in kinds and item.default is Parameter.empty for item in arguments)


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
