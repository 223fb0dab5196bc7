"""Layers in the style of a course framework, and back.

In that style a layer is an object that holds its own parameters::

    layer.params                                            a list of arrays, or a property that gives one
    layer.fprop(inputs)                                     the outputs
    layer.bprop(inputs, outputs, grads_wrt_outputs)         the gradient of the inputs
    layer.grads_wrt_params(inputs, grads_wrt_outputs)       a list of gradients, in the order of params

Layers without parameters leave the last of these out. One that differs in
training says so by an argument, ``fprop(inputs, stochastic=True)``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from assay.errors import ShapeError, UnsupportedError
from assay.nn.init import Initializer
from assay.nn.layer import Cache, Gradients, Layer, Parameter, Parameters, Role
from assay.shapes import Array, Shape, check_upstream
from assay.streams import stream
from assay.testing.modes import fprop, word_for_mode
from assay.testing.remembered import Snapshot, replaced, undisturbed


def is_coursework(layer: object) -> bool:
    """Whether an object or class has the two methods that every layer in the style has."""
    return all(callable(getattr(layer, name, None)) for name in ("fprop", "bprop"))


_BPROP = ("inputs", "outputs", "grads_wrt_outputs")

BEGUN = "begun"
"""The buffer that says whether a layer that remembers batches has seen one, 1 or 0."""


class _Pass(NamedTuple):
    """One ``fprop``: what went in and out, and what the layer remembered after it."""

    x: Array
    y: Array
    after: Snapshot | None
    """None in evaluation of a layer that differs there: its ``bprop`` is that of training."""
    buffers: dict[str, Array]


class _Carried(NamedTuple):
    """What a layer carries from batch to batch, and all that it remembers when it has seen one."""

    shapes: dict[str, Shape]
    begun: Snapshot
    late: bool
    """Whether some of it is not there before a first batch, so that evaluation has to be by the batch."""


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
    ``fprop`` (`assay.testing.modes.MODES`). What it **draws**, from generators it holds or from NumPy's
    own, follows from the run's seed. What it **remembers from batch to batch**, as
    moving averages, becomes buffers, ``state.running_mean`` for an attribute
    ``running_mean``: two batches are tried, and what the second leaves behind is
    compared with and without the first. That must be numbers, or arrays of one
    shape; `UnsupportedError` where outputs in evaluation depend on more.

    The style's ``bprop`` is that of training. After `forward` of a layer that is
    told its mode, `backward` differentiates a training pass of the same input,
    with the same draws each time.
    """

    layer: Any
    kind: ClassVar[str] = "coursework"
    written: dict[str, None] = field(default_factory=dict, init=False, repr=False)
    """What the layer wrote into of all that it was handed, in words; it is handed copies."""
    _found: dict[Shape, _Carried | None] = field(default_factory=dict, init=False, repr=False)
    _lazy: dict[Shape, bool] = field(default_factory=dict, init=False, repr=False)

    def output_shape(self, shape: Shape) -> Shape:
        """Ask the layer itself, with two examples of zeros."""
        with undisturbed(self.layer) as memory:
            return self._zeros(shape, memory).shape[1:]

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return ``params``, each to start as it is now."""
        with undisturbed(self.layer) as memory:
            self._make_parameters(shape, memory)
            return {
                name: Parameter(value.shape, _AsItIs(np.array(value, np.float64)), role=_role(value))
                for name, value in self._named().items()
            }

    def buffers(self, shape: Shape) -> dict[str, Array]:
        """Return what the layer carries from batch to batch, as it is now, and that it has seen none."""
        carried = self._carried(shape)
        if carried is None:
            return {}
        with undisturbed(self.layer) as memory:
            now = memory.numbers()
        state = {
            _buffer(name): now[name].astype(np.float64) if _fits(now.get(name), size) else np.zeros(size)
            for name, size in carried.shapes.items()
        }
        return {BEGUN: np.zeros(()), **state}

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
        """Return what ``fprop`` gives in a mode, for itself: there is no backward from it."""
        return self._pass(params, x, generator, training=training, forth_only=True)[0]

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Call ``bprop`` and ``grads_wrt_params`` on the layer as ``fprop`` left it."""
        if cache.after is None:
            _, cache = self.forward_training(params, cache.x, stream(0, "evaluation"))
        check_upstream(dy, cache.y.shape)
        with undisturbed(self.layer):
            cache.after.restore()
            return self._gradients(cache.x, cache.y, dy)

    def updated_buffers(self, params: Parameters, cache: Cache) -> dict[str, Array]:
        """Return what the layer carried after ``fprop``."""
        return {name: value.astype(params[name].dtype) for name, value in cache.buffers.items()}

    @contextmanager
    def bare(self, params: Parameters) -> Iterator[Layer]:
        """Give the layer with ``params`` in it and none of the care taken here: for its speed."""
        with undisturbed(self.layer):
            self._put(params)
            yield _Bare(self)

    def _pass(
        self,
        params: Parameters,
        x: Array,
        generator: np.random.Generator,
        *,
        training: bool,
        forth_only: bool = False,
    ) -> tuple[Array, _Pass]:
        shape = x.shape[1:]
        carried = self._carried(shape) if BEGUN in params else None
        with undisturbed(self.layer) as before:
            self._make_parameters(shape, before)
            memory = before
            if carried and params[BEGUN]:
                memory = carried.begun
                memory.restore()
                memory.set_numbers({name: params[_buffer(name)] for name in carried.shapes})
            elif carried and carried.late:
                training = True
            self._put(params)
            memory.seed(generator)
            given, own = copied(x), {name: value.copy() for name, value in self._named().items()}
            y = self._fprop(given, training=training).copy()
            self._note("fprop", {"inputs": (given, x)}, own)
            if forth_only or (not training and self._word):
                return y, _Pass(x, y, None, {})
            after = Snapshot(self.layer, before, memory)
            return y, _Pass(x, y, after, self._buffers_after(after, carried) if carried else {})

    def _buffers_after(self, after: Snapshot, carried: _Carried) -> dict[str, Array]:
        now = after.numbers()
        return {BEGUN: np.ones(()), **{_buffer(name): now[name] for name in carried.shapes}}

    def _note(self, method: str, pairs: dict[str, tuple[Array, Array]], params: Parameters) -> None:
        """Note which arrays are not what they were before a call."""
        now = self._named()
        own = {f"parameter {name}": (now[name], value) for name, value in params.items() if name in now}
        for name, (value, then) in {**pairs, **own}.items():
            if not same(value, then):
                self.written[f"{method} writes into {name}"] = None

    def _gradients(self, x: Array, y: Array, dy: Array) -> tuple[Array, Gradients]:
        """Call both methods with copies, so that what one writes into does not mislead the other."""
        params = {name: value.copy() for name, value in self._named().items()}
        given = copied(x), copied(y), copied(dy)
        dx = _array("bprop", self.layer.bprop(*given)).copy()
        self._note("bprop", dict(zip(_BPROP, zip(given, (x, y, dy), strict=True), strict=True)), params)
        names = list(self._named())
        given = copied(x), copied(y), copied(dy)
        found = list(self.layer.grads_wrt_params(given[0], given[2])) if names else []
        if names:
            pairs = {"inputs": (given[0], x), "grads_wrt_outputs": (given[2], dy)}
            self._note("grads_wrt_params", pairs, params)
        if len(found) != len(names):
            raise ShapeError(f"grads_wrt_params gives {len(found)} gradients for {len(names)} params")
        return dx, {name: np.array(value) for name, value in zip(names, found, strict=True)}

    def _carried(self, shape: Shape) -> _Carried | None:
        if shape not in self._found:
            self._found[shape] = self._try_batches(shape)
        return self._found[shape]

    def _try_batches(self, shape: Shape) -> _Carried | None:
        """Find what depends on earlier batches; refuse a layer of which that is not all that does."""
        nothing, first, second, both = (self._after(shape, *sizes) for sizes in ((), (3,), (4,), (3, 4)))
        values = _differing(both.numbers(), second.numbers(), first.numbers())
        carries = bool(values) or second.draws != nothing.draws  # from then on the run's seed decides
        begun = second if carries else nothing
        expected, found = self._evaluated(shape, both, {}), self._evaluated(shape, begun, values)
        if not np.array_equal(expected, found, equal_nan=True):
            raise UnsupportedError(
                f"{type(self.layer).__name__} in evaluation depends on more than its input, its parameters "
                "and the numbers it keeps (keep what is remembered of earlier batches in attributes that are "
                "numbers or arrays of one shape, and draw from generators that are attributes)"
            )
        late = not values.keys() <= nothing.numbers().keys()
        shapes = {name: value.shape for name, value in values.items()}
        return _Carried(shapes, second, late) if carries else None

    def _after(self, shape: Shape, *sizes: int) -> Snapshot:
        """Return what the layer remembers after training passes of so many examples."""
        with undisturbed(self.layer) as memory, np.errstate(all="ignore"):
            self._make_parameters(shape, memory)
            for size in sizes:
                memory.seed(stream(0, "tried", size))
                self._fprop(_tried(size, shape), training=True)
            return Snapshot(self.layer)

    def _evaluated(self, shape: Shape, remembered: Snapshot, numbers: Parameters) -> Array:
        with undisturbed(self.layer), np.errstate(all="ignore"):
            remembered.restore()
            remembered.set_numbers(numbers)
            remembered.seed(stream(0, "evaluation"))
            return self._fprop(_tried(5, shape), training=False).copy()

    def _make_parameters(self, shape: Shape, memory: Snapshot) -> None:
        """Show an input to a layer that makes its parameters when it sees one."""
        if shape not in self._lazy:
            with undisturbed(self.layer) as inner:
                before = self.sizes()
                self._zeros(shape, inner)
                self._lazy[shape] = self.sizes() != before
        if self._lazy[shape]:
            self._zeros(shape, memory)

    def _zeros(self, shape: Shape, memory: Snapshot) -> Array:
        # In training: in evaluation some layers want what only training gives them. Two, for a variance.
        memory.seed(stream(0, "zeros"))
        with np.errstate(all="ignore"):
            return self._fprop(np.zeros((2, *shape)), training=True)

    def sizes(self) -> list[Shape] | None:
        """Return the shapes of the parameters, None where there are none yet."""
        try:
            return [np.shape(value) for value in self.layer.params]
        except (AttributeError, TypeError):
            return None

    def _fprop(self, x: Array, *, training: bool) -> Array:
        return _array("fprop", fprop(self.layer, self._word, x, training=training))

    @property
    def told_its_mode(self) -> bool:
        """Whether there is a way to tell the layer whether it trains."""
        return self._word is not None

    @cached_property
    def _word(self) -> str | None:
        return word_for_mode(self.layer)

    def _named(self) -> dict[str, Array]:
        values = list(getattr(self.layer, "params", []))
        names = getattr(self.layer, "param_names", None) or [f"params[{i}]" for i in range(len(values))]
        return dict(zip(names, values, strict=True))

    def _put(self, params: Parameters) -> None:
        own = self._named()
        values = [params[name] for name in own]
        described = getattr(type(self.layer), "params", None)
        if values and isinstance(described, property) and described.fset:
            self.layer.params = values
            return
        for array, value in zip(own.values(), values, strict=True):
            if np.can_cast(value.dtype, array.dtype) or not replaced(self.layer, array, value.copy()):
                array[...] = value


@dataclass(frozen=True, eq=False)
class _Bare(Layer):
    """A layer that keeps what it likes, in training, as its course runs it."""

    own: FromCoursework
    kind: ClassVar[str] = "coursework"

    def output_shape(self, shape: Shape) -> Shape:
        return self.own.output_shape(shape)

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        del params
        y = self.own._fprop(x, training=True)
        return y, (x, y)

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        del params
        x, y = cache
        dx, layer = self.own.layer.bprop(x, y, dy), self.own.layer
        return dx, dict(
            zip(self.own._named(), layer.grads_wrt_params(x, dy), strict=True)
        ) if self.own._named() else {}


class ToCoursework:
    """A `Layer` of assay, such as convolution or pooling, in the course's style.

    ``input_shape`` leaves the batch axis out. The parameters are drawn for
    ``seed`` and held in ``params``, whose arrays a learning rule may change in
    place. With ``flip_kernels`` the kernels, all parameters of four axes, are
    those of a **convolution**, which runs over the input upside down and back to
    front, rather than of a cross-correlation, which assay and PyTorch compute.

    Nothing but the parameters is kept between calls, so these may come in any
    order; the price is a second pass forward in ``bprop`` and ``grads_wrt_params``.

    Raises `UnsupportedError` for a layer that differs in training, for which more
    would have to be kept, and `ShapeError` for an input that does not fit.
    """

    def __init__(
        self, layer: Layer, input_shape: Shape, seed: int = 0, *, flip_kernels: bool = False
    ) -> None:
        if type(layer).forward_training is not Layer.forward_training:
            raise UnsupportedError(f"{layer} differs in training and cannot be put in the course's style")
        layer.output_shape(input_shape)
        self.layer = layer
        self.flip_kernels = flip_kernels
        specs = layer.parameters(input_shape)
        self._names = list(specs)
        self._values = [self._turned(spec.draw(stream(seed, "init", name))) for name, spec in specs.items()]

    @property
    def params(self) -> list[Array]:
        """The parameters themselves, in the order of the layer's own."""
        return self._values

    @params.setter
    def params(self, values: Sequence[Array]) -> None:
        if [value.shape for value in values] != [value.shape for value in self._values]:
            raise ShapeError(
                f"params must be arrays of {[value.shape for value in self._values]}; "
                f"got {[value.shape for value in values]}"
            )
        self._values = list(values)

    def fprop(self, inputs: Array) -> Array:
        """Return the outputs for a batch."""
        return self.layer.forward(self._own(), inputs)[0]

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Array:
        """Return the gradient of the inputs, given that of the outputs."""
        del outputs
        return self._backward(inputs, grads_wrt_outputs)[0]

    def grads_wrt_params(self, inputs: Array, grads_wrt_outputs: Array) -> list[Array]:
        """Return the gradient of each of ``params``, summed over the batch."""
        gradients = self._backward(inputs, grads_wrt_outputs)[1]
        return [self._turned(gradients[name]) for name in self._names]

    def _backward(self, inputs: Array, dy: Array) -> tuple[Array, Gradients]:
        params = self._own()
        _, cache = self.layer.forward(params, inputs)
        return self.layer.backward(params, cache, dy)

    def _own(self) -> dict[str, Array]:
        """Return the parameters as the layer takes them."""
        return {name: self._turned(value) for name, value in zip(self._names, self._values, strict=True)}

    def _turned(self, value: Array) -> Array:
        return np.flip(value, axis=(2, 3)) if self.flip_kernels and value.ndim == 4 else value


@dataclass(frozen=True, eq=False)
class _AsItIs(Initializer):
    """The values that a parameter has already."""

    values: Array

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Return a copy."""
        del generator, shape, fan_in, fan_out
        return self.values.copy()


def copied(x: Array) -> Array:
    """Return a copy in the same memory layout, not contiguous where ``x`` is not."""
    if x.flags.c_contiguous or x.flags.f_contiguous or not x.ndim:
        return x.copy(order="K")
    view = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)[..., ::2]
    view[...] = x
    return view


def same(a: Array, b: Array) -> bool:
    """Whether two arrays have one content; nan equals nan."""
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc")


def _buffer(name: str) -> str:
    return f"state.{name}"


def _differing(values: Parameters, others: Parameters, *alike: Parameters) -> dict[str, Array]:
    """Return the values that differ from others of the same name, where all have one shape."""
    return {
        name: value
        for name, value in values.items()
        if all(_fits(one.get(name), value.shape) for one in (others, *alike))
        and not np.array_equal(value, others[name], equal_nan=True)
    }


def _fits(value: Array | None, shape: Shape) -> bool:
    return value is not None and value.shape == shape


def _tried(size: int, shape: Shape) -> Array:
    return stream(0, "tried", size).normal(size=(size, *shape))


def _role(value: Array) -> Role:
    return "weight" if value.ndim > 1 else "bias"


def _array(method: str, found: Any) -> Array:
    if not isinstance(found, np.ndarray):
        raise ShapeError(f"{method} must return an array; got {type(found).__name__}")
    return found
