"""The check itself: gradients by central differences, then the built-in of the same kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import AssayError, ShapeError, UsageError
from assay.nn.layer import Layer
from assay.shapes import Shape, text
from assay.streams import stream
from assay.testing import Mismatch, gradient_check
from assay.testing.comparison import LayerComparison, compare_layers
from assay.testing.counterpart import counterpart, kind_of
from assay.testing.coursework import FromCoursework
from assay.testing.modules import importable
from assay.testing.source import as_layer, blamed, load, make, split, words

BATCH = 2
SHAPES: tuple[Shape, ...] = ((3, 6, 8), (1, 6, 8), (3, 8, 8), (1, 8, 8), (1, 28, 28), (12,))
"""What is tried where no input shape is given. Not square first: height and width are easily exchanged."""


@dataclass(frozen=True)
class Check:
    """What is known of a layer after the check."""

    name: str
    input_shape: Shape
    entries: int
    """How many entries of gradients were compared with central differences."""
    mismatches: tuple[Mismatch, ...]
    """The first wrong entry of each argument whose gradient is wrong: x, then the parameters in order."""
    comparison: LayerComparison | None
    note: str = ""
    """Why there is no comparison."""

    @property
    def passed(self) -> bool:
        """Whether the gradients are right and, where compared, the numbers are those of the built-in."""
        return not self.mismatches and not (self.comparison and self.comparison.differences)


def check(
    target: str,
    against: str | None = None,
    input_shape: Shape | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Check:
    """Check the class that ``target``, ``PATH.py:ClassName``, names.

    It is a subclass of `assay.nn.Layer` or has ``fprop`` and ``bprop``;
    ``settings`` are its constructor's arguments. It is compared with the
    built-in called ``against``, or with that of the same name if there is one.
    Without an ``input_shape`` the first of some small ones that it takes is used.

    Raises an `AssayError` of one line for a file or class that is not there,
    and for whatever the user's code raises.
    """
    path, name = split(target)
    with importable(path):
        made = make(load(path, name), settings or {}, f"{path}:{name}", path)
        layer = as_layer(made, f"{path}:{name}")
        return check_layer(layer, name, against, input_shape, settings, path=path)


def check_layer(
    layer: Layer,
    name: str,
    against: str | None = None,
    input_shape: Shape | None = None,
    settings: Mapping[str, Any] | None = None,
    *,
    path: Path | None = None,
) -> Check:
    """Check a layer that is there already; `check` says how."""
    where = f"{path}:{name}" if path else name
    with blamed(where, path):
        shape = input_shape or _shape_that_fits(layer, path)
    with blamed(f"{where}, input {text(shape)}, batch of {BATCH}", path):
        entries = _check_forward(layer, shape)
        mismatches = _gradients(layer, shape)
        comparison, note = _compared(layer, name, against, shape, settings or {})
    return Check(name, shape, entries, mismatches, comparison, note)


def _shape_that_fits(layer: Layer, path: Path | None) -> Shape:
    refusals: list[Exception] = []
    for shape in SHAPES:
        try:
            if min(layer.output_shape(shape), default=1) >= 1:
                return shape
        except Exception as error:  # a user's code may raise anything for a shape that does not fit
            refusals.append(error)
    tried = ", ".join(text(shape) for shape in SHAPES)
    reason = f"; the first ended in {words(refusals[0], path)}" if refusals else ""
    raise UsageError(f"takes none of the inputs {tried}{reason} (give its own with --input-shape C,H,W)")


def _check_forward(layer: Layer, shape: Shape) -> int:
    """Refuse what is no layer at all before derivatives are taken; return the number of their entries."""
    expected = (BATCH, *layer.output_shape(shape))
    found: Any = layer.forward(_draw(layer, shape), stream(0, "x").normal(size=(BATCH, *shape)))
    if not isinstance(found, tuple) or len(found) != 2:
        raise ShapeError(f"forward must return (y, cache); got {type(found).__name__}")
    y: Any = found[0]
    if not isinstance(y, np.ndarray) or y.shape != expected:
        shown = text(y.shape) if isinstance(y, np.ndarray) else type(y).__name__
        raise ShapeError(f"forward gives {shown} for a batch of {BATCH}, output_shape says {text(expected)}")
    if y.dtype != np.float64:
        raise UsageError(f"forward gives {y.dtype} for float64; the check needs float64 (cast nothing)")
    sizes = (prod(spec.shape) for spec in layer.parameters(shape).values())
    return BATCH * prod(shape) + sum(sizes)


def _gradients(layer: Layer, shape: Shape) -> tuple[Mismatch, ...]:
    """Check in each mode until something is wrong."""
    x, params = stream(0, "x").normal(size=(BATCH, *shape)), _draw(layer, shape)
    for training in _modes(layer):
        if mismatches := gradient_check(layer, x, params, training=training):
            return tuple(mismatches)
    return ()


def _modes(layer: Layer) -> tuple[bool, ...]:
    """Say for each mode whether it is training: evaluation and, if it differs there, training.

    In a course's style there is one ``bprop``, and it is that of training.
    """
    if isinstance(layer, FromCoursework):
        return (True,)
    return (False,) if type(layer).forward_training is Layer.forward_training else (False, True)


def _draw(layer: Layer, shape: Shape) -> dict[str, Any]:
    """Draw parameters at random, because a mistake may hide where they are 0 or 1."""
    specs = layer.parameters(shape)
    params = {name: stream(0, "check", name).normal(size=spec.shape) for name, spec in specs.items()}
    return {**layer.buffers(shape), **params}


def _compared(
    layer: Layer, name: str, against: str | None, shape: Shape, settings: Mapping[str, Any]
) -> tuple[LayerComparison | None, str]:
    kind = against or kind_of(name)
    if kind is None:
        return None, "no built-in layer has its name (give --against NAME to choose one)"
    try:
        built_in = counterpart(kind, layer, shape, settings)
        return compare_layers(layer, built_in, shape, BATCH), ""
    except AssayError as error:
        if against:
            raise
        return None, f"not compared with {kind}: {error}"
