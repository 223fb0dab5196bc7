"""An object in the course's style: its parameters, its mode, and what it makes when it sees an input."""

from functools import cached_property
from typing import Any

import numpy as np

from assay.errors import ShapeError
from assay.nn.coursework.modes import fprop, word_for_mode
from assay.nn.coursework.remembered import Snapshot, replaced, undisturbed
from assay.nn.coursework.styles import user_object
from assay.nn.layer import Parameters
from assay.shapes import Array, Shape
from assay.streams import stream


class Held:
    """One such object; what is done to it stays unless the caller keeps it `undisturbed`."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self._lazy: dict[Shape, bool] = {}

    @cached_property
    def word(self) -> str | None:
        """What tells it its mode; None for nothing."""
        return word_for_mode(self.layer)

    @property
    def name(self) -> str:
        """The name of the class or function that the user wrote."""
        own = user_object(self.layer)
        return str(getattr(own, "__name__", type(own).__name__))

    def fprop(self, x: Array, *, training: bool) -> Array:
        """Call ``fprop`` in a mode."""
        return as_array("fprop", fprop(self.layer, self.word, x, training=training))

    def named(self) -> dict[str, Array]:
        """Return its parameters by name, ``params[0]`` and so on where it has no names for them."""
        values = list(getattr(self.layer, "params", []))
        names = getattr(self.layer, "param_names", None) or [f"params[{i}]" for i in range(len(values))]
        return dict(zip(names, values, strict=True))

    def put(self, params: Parameters) -> None:
        """Put parameters into it, through the setter of a property ``params`` or in place."""
        own = self.named()
        values = [params[name] for name in own]
        described = getattr(type(self.layer), "params", None)
        if values and isinstance(described, property) and described.fset:
            self.layer.params = values
            return
        for array, value in zip(own.values(), values, strict=True):
            in_place = np.can_cast(value.dtype, array.dtype) and array.flags.writeable
            if in_place or not replaced(self.layer, array, value.copy()):
                array[...] = value

    def sizes(self) -> list[Shape] | None:
        """Return the shapes of the parameters, None where there are none yet."""
        try:
            return [np.shape(value) for value in self.layer.params]
        except (AttributeError, TypeError):
            return None

    def output_shape(self, shape: Shape) -> Shape:
        """Ask the object itself, with two examples of zeros."""
        with undisturbed(self.layer) as memory:
            return self._zeros(shape, memory).shape[1:]

    def make_parameters(self, shape: Shape, memory: Snapshot) -> None:
        """Show an input to an object that makes its parameters when it sees one."""
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
            return self.fprop(np.zeros((2, *shape)), training=True)


def as_array(method: str, found: Any) -> Array:
    """Return what a method gave; `ShapeError` if it is not an array."""
    if not isinstance(found, np.ndarray):
        raise ShapeError(f"{method} must return an array; got {type(found).__name__}")
    return found
