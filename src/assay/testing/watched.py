"""A layer that is given only copies, with a record of which of them it writes into."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

import numpy as np

from assay.nn.coursework import FromCoursework
from assay.nn.coursework.copies import copied, same
from assay.nn.coursework.remembered import Untouched
from assay.nn.layer import Cache, Layer, Parameters
from assay.nn.returned import expect_gradients, expect_output
from assay.shapes import Array, Shape
from assay.streams import stream


class ForwardBackward(NamedTuple):
    """One way forward and back: the output, dL/dx as ``x`` and each parameter's gradient by its name."""

    y: Array
    gradients: dict[str, Array]


class Watched:
    """A layer in one mode; each call starts from the same memory and the same generators."""

    def __init__(self, layer: Layer, *, training: bool) -> None:
        self.layer, self.training = layer, training
        self.writes: dict[str, None] = {}
        """What the layer has written into, in words, in the order met."""
        self.draws = 0
        """Which random numbers it meets."""
        self._untouched = Untouched(layer)
        self._names: dict[Shape, list[str]] = {}

    def forward(self, params: Parameters, x: Array) -> Array:
        """Return a copy of the output."""
        if isinstance(self.layer, FromCoursework):
            generator = stream(self.draws, "mask")
            return self.layer.output(params, x, generator, training=self.training)
        with self._held():
            return self._forward(_copies(params), copied(x))[0].copy()

    def trained(self, params: Parameters, x: Array) -> dict[str, Array]:
        """Return parameters, and buffers after a training pass."""
        with self._held():
            _, cache = self.layer.forward_training(_copies(params), copied(x), stream(self.draws, "mask"))
            return {**params, **self.layer.updated_buffers(params, cache)}

    def run(self, params: Parameters, x: Array, dy: Array) -> ForwardBackward:
        """Go forward and back, with fresh copies each way."""
        with self._held():
            given, own = copied(x), _copies(params)
            y, cache = self._forward(own, given)
            self._compare("forward", {"its input": (given, x), **_pairs(own, params)})
            y, upstream, own = y.copy(), copied(dy), _copies(params)
            kept = [(array, array.copy()) for array in _arrays(cache)]
            returned = self.layer.backward(own, cache, upstream)
            found = expect_gradients(returned, {**params, "x": x}, self._named(x.shape[1:]))
            gradients = {name: value.copy() for name, value in found.items()}
            before = {"its upstream gradient": (upstream, dy), **_pairs(own, params)}
            self._compare("backward", before)
            if any(not same(now, then) for now, then in kept):
                self.writes["backward writes into its cache"] = None
        self._collect()
        return ForwardBackward(y, gradients)

    def still(self) -> AbstractContextManager[None]:
        """Find what the layer remembers once for all calls inside, instead of in each call."""
        return self.layer.still() if isinstance(self.layer, FromCoursework) else self._untouched.still()

    @contextmanager
    def _held(self) -> Iterator[None]:
        if isinstance(self.layer, FromCoursework):  # which sees to that itself
            yield
            return
        with self._untouched.call() as memory:
            memory.seed(stream(self.draws, "held"))
            yield

    def _forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        shape = (len(x), *self.layer.output_shape(x.shape[1:]))
        if self.training:
            found = self.layer.forward_training(params, x, stream(self.draws, "mask"))
        else:
            found = self.layer.forward(params, x)
        return expect_output(found, shape)

    def _named(self, shape: Shape) -> list[str]:
        """Return the names of the parameters; asking a layer in the course's style takes time."""
        if shape not in self._names:
            self._names[shape] = list(self.layer.parameters(shape))
        return self._names[shape]

    def _compare(self, method: str, pairs: Mapping[str, tuple[Array, Array]]) -> None:
        for name, (now, then) in pairs.items():
            if not same(now, then):
                self.writes[f"{method} writes into {name}"] = None

    def _collect(self) -> None:
        if isinstance(self.layer, FromCoursework):  # which hands out copies of its own
            self.writes.update(self.layer.writes)


def _pairs(own: Parameters, params: Parameters) -> dict[str, tuple[Array, Array]]:
    return {f"parameter {name}": (own[name], params[name]) for name in params}


def _copies(params: Parameters) -> dict[str, Array]:
    return {name: value.copy() for name, value in params.items()}


def _arrays(value: Any, depth: int = 4) -> Iterator[Array]:
    """Yield the arrays in a cache: in tuples, lists, dictionaries and dataclasses."""
    if isinstance(value, np.ndarray):
        yield value
    elif depth and isinstance(value, tuple | list):
        for item in value:
            yield from _arrays(item, depth - 1)
    elif depth and isinstance(value, dict):
        yield from _arrays(list(value.values()), depth)
    elif depth and is_dataclass(value):
        yield from _arrays([getattr(value, field.name) for field in fields(value)], depth)
