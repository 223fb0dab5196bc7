"""A function ``affine_forward(x, w, b) -> (out, cache)`` and its backward, in the course's style."""

from collections.abc import Callable, Mapping
from inspect import Parameter
from types import FunctionType
from typing import Any

import numpy as np

from assay.errors import ShapeError, UsageError
from assay.nn.coursework.signatures import arguments, with_cache
from assay.shapes import Array


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
        found = self.backward(*with_cache(self.backward, (grads_wrt_outputs,), self.cache))
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
    names = list(arguments(forward).items())[1:]
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
