"""Layers in the style of a course framework as layers of assay.

In that style a layer is an object that holds its own parameters::

    layer.params                                            a list of arrays, or a property that gives one
    layer.fprop(inputs)                                     the outputs
    layer.bprop(inputs, outputs, grads_wrt_outputs)         the gradient of the inputs
    layer.grads_wrt_params(inputs, grads_wrt_outputs)       a list of gradients, in the order of params

Layers without parameters leave the last of these out. One that differs in
training says so by an argument, ``fprop(inputs, stochastic=True)``.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from assay.errors import ShapeError
from assay.nn.coursework.bare import BareCoursework
from assay.nn.coursework.carried import BEGUN, Carried, carried_by
from assay.nn.coursework.copies import copied, same
from assay.nn.coursework.held import Held, as_array
from assay.nn.coursework.remembered import Snapshot, Untouched, undisturbed
from assay.nn.coursework.styles import user_object
from assay.nn.init import Initializer
from assay.nn.layer import Cache, Gradients, Layer, Parameter, Parameters, Role
from assay.shapes import Array, Shape, check_upstream
from assay.streams import stream

_BPROP = ("inputs", "outputs", "grads_wrt_outputs")


def is_coursework(layer: object) -> bool:
    """Whether an object or class has the two methods that every layer in the style has."""
    return all(callable(getattr(layer, name, None)) for name in ("fprop", "bprop"))


def modes_checked(layer: Layer) -> tuple[bool, ...]:
    """Return the modes in which a backward can be compared with differences; True is training.

    Evaluation and, if it differs there, training; a course's style has one ``bprop``, that of training.
    """
    if isinstance(layer, FromCoursework):
        return (True,)
    return (False, True) if differs_in_training(layer) else (False,)


def differs_in_training(layer: Layer) -> bool:
    """Whether a layer has a forward of its own for training."""
    return type(layer).forward_training is not Layer.forward_training


class _Pass(NamedTuple):
    """One ``fprop``: what went in and out, and what the layer remembered after it."""

    x: Array
    y: Array
    after: Snapshot | None
    """None in evaluation of a layer that differs there: its ``bprop`` is that of training."""
    buffers: dict[str, Array]


@dataclass(frozen=True, eq=False)
class FromCoursework(Layer):
    """A layer in the course's style as a `Layer` of assay, for networks, the reference engine and checks.

    Its parameters are called ``params[0]``, ``params[1]``, ...; they start as
    the layer holds them, the same whatever the seed of a run is. A call puts the
    parameters that it is given into the layer, through the setter of a property
    ``params`` or else into the arrays in place, and **leaves the layer as it found
    it**, its class and the globals that its code names too. So networks, runs and
    threads can share one, and nothing depends on what was done with it before.

    The **mode** goes where the layer has a word for it, such as ``stochastic`` of
    ``fprop`` (`assay.nn.coursework.modes.MODES`). What it **draws**, from generators it holds or from NumPy's
    own, follows from the run's seed. What it **remembers from batch to batch**, as
    moving averages, becomes buffers, ``state.running_mean`` for an attribute
    ``running_mean``: two batches are tried, and what the second leaves behind is
    compared with and without the first. That must be numbers, or arrays of one
    shape; `UnsupportedError` where outputs in evaluation depend on more.

    The style's ``bprop`` is that of training. After `forward` of a layer that is
    told its mode, `backward` differentiates a training pass of the same input,
    with the same draws each time.
    """

    layer: Any = field(repr=False)
    kind: ClassVar[str] = "coursework"

    @cached_property
    def writes(self) -> dict[str, None]:
        """Which arguments the layer wrote into, in words; it is given copies."""
        return {}

    @cached_property
    def _found(self) -> dict[Shape, Carried | None]:
        """What it carries from batch to batch, by the shapes that it was tried with."""
        return {}

    @cached_property
    def held(self) -> Held:
        """The layer's parameters and mode."""
        return Held(self.layer)

    @property
    def user_object(self) -> Any:
        """What the user wrote: the object that was put into the style, or the layer itself."""
        return user_object(self.layer)

    @property
    def title(self) -> str:
        """The name of the user's class or function."""
        return self.held.name

    @property
    def users_own(self) -> bool:
        """True: the layer is the user's."""
        return True

    @property
    def told_its_mode(self) -> bool:
        """Whether there is a way to tell the layer whether it trains."""
        return self.held.word is not None

    def output_shape(self, shape: Shape) -> Shape:
        """Ask the layer itself, with two examples of zeros."""
        return self.held.output_shape(shape)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return ``params``, each to start as it is now."""
        with undisturbed(self.layer) as memory:
            self.held.make_parameters(shape, memory)
            return {
                name: Parameter(
                    value.shape, self.initial(name, np.array(value, np.float64), shape), role=_role(value)
                )
                for name, value in self.held.named().items()
            }

    def initial(self, name: str, value: Array, shape: Shape) -> Initializer:
        """Return how a parameter starts, for an input of ``shape``: with its current ``value``."""
        del name, shape
        return _AsItIs(value)

    def buffers(self, shape: Shape) -> dict[str, Array]:
        """Return what the layer carries from batch to batch, as it is before any batch."""
        carried = self._carried(shape)
        if carried is None:
            return {}
        with undisturbed(self.layer) as memory:
            return carried.initial(memory.numbers())

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Call ``fprop`` in evaluation; what is drawn there is the same in each call."""
        return self._pass(params, x, stream(0, "evaluation"), training=False)

    def forward_training(
        self, params: Parameters, x: Array, generator: np.random.Generator
    ) -> tuple[Array, Cache]:
        """Call ``fprop`` in training."""
        return self._pass(params, x, generator, training=True)

    def output(
        self, params: Parameters, x: Array, generator: np.random.Generator, *, training: bool
    ) -> Array:
        """Return the output of ``fprop`` in a mode, without what a backward would need."""
        return self._pass(params, x, generator, training=training, forward_only=True)[0]

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Call ``bprop`` and ``grads_wrt_params`` on the layer as ``fprop`` left it."""
        if cache.after is None:
            _, cache = self.forward_training(params, cache.x, stream(0, "evaluation"))
        check_upstream(dy, cache.y.shape)
        with self._untouched.call():
            cache.after.restore()
            return self._gradients(cache.x, cache.y, dy)

    def updated_buffers(self, params: Parameters, cache: Cache) -> dict[str, Array]:
        """Return what the layer carried after ``fprop``."""
        return {name: value.astype(params[name].dtype) for name, value in cache.buffers.items()}

    def still(self) -> AbstractContextManager[None]:
        """Find what the layer remembers once for all calls inside, instead of in each call."""
        return self._untouched.still()

    @cached_property
    def _untouched(self) -> Untouched:
        return Untouched(self.layer)

    @contextmanager
    def bare(self, params: Parameters, shape: Shape) -> Iterator[Layer]:
        """Yield the layer with ``params`` in it as its course runs it, without copies or restoring."""
        with undisturbed(self.layer) as memory:
            self.held.make_parameters(shape, memory)
            self.held.put(params)
            yield BareCoursework(self.held)

    def _pass(
        self,
        params: Parameters,
        x: Array,
        generator: np.random.Generator,
        *,
        training: bool,
        forward_only: bool = False,
    ) -> tuple[Array, _Pass]:
        shape = x.shape[1:]
        carried = self._carried(shape) if BEGUN in params else None
        with self._untouched.call() as before:
            self.held.make_parameters(shape, before)
            memory = before
            if carried and params[BEGUN]:
                memory = carried.restore(params)
            elif carried and carried.late:
                training = True
            self.held.put(params)
            memory.seed(generator)
            given, own = copied(x), {name: value.copy() for name, value in self.held.named().items()}
            y = self.held.fprop(given, training=training).copy()
            self._note("fprop", {"inputs": (given, x)}, own)
            if forward_only or (not training and self.told_its_mode):
                return y, _Pass(x, y, None, {})
            after = Snapshot(self.layer, before, memory)
            return y, _Pass(x, y, after, carried.after(after) if carried else {})

    def _note(self, method: str, pairs: dict[str, tuple[Array, Array]], params: Parameters) -> None:
        """Note which arrays are not what they were before a call."""
        now = self.held.named()
        own = {f"parameter {name}": (now[name], value) for name, value in params.items() if name in now}
        for name, (value, then) in {**pairs, **own}.items():
            if not same(value, then):
                self.writes[f"{method} writes into {name}"] = None

    def _gradients(self, x: Array, y: Array, dy: Array) -> tuple[Array, Gradients]:
        """Call both methods with copies, so that what one writes into does not mislead the other."""
        params = {name: value.copy() for name, value in self.held.named().items()}
        given = copied(x), copied(y), copied(dy)
        dx = as_array("bprop", self.layer.bprop(*given)).copy()
        self._note("bprop", dict(zip(_BPROP, zip(given, (x, y, dy), strict=True), strict=True)), params)
        names = list(self.held.named())
        given = copied(x), copied(y), copied(dy)
        found = list(self.layer.grads_wrt_params(given[0], given[2])) if names else []
        if names:
            pairs = {"inputs": (given[0], x), "grads_wrt_outputs": (given[2], dy)}
            self._note("grads_wrt_params", pairs, params)
        if len(found) != len(names):
            raise ShapeError(f"grads_wrt_params gives {len(found)} gradients for {len(names)} params")
        return dx, {name: np.array(value) for name, value in zip(names, found, strict=True)}

    def _carried(self, shape: Shape) -> Carried | None:
        if shape not in self._found:
            self._found[shape] = carried_by(self.held, shape)
        return self._found[shape]


@dataclass(frozen=True, eq=False)
class _AsItIs(Initializer):
    """The values that a parameter has already."""

    values: Array

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Return a copy."""
        del generator, shape, fan_in, fan_out
        return self.values.copy()


def _role(value: Array) -> Role:
    return "weight" if value.ndim > 1 else "bias"
