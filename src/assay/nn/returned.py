"""What a layer's forward and backward return, held to what `assay.nn.layer.Layer` says that they do."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from assay.errors import ShapeError, some
from assay.nn.layer import Cache
from assay.shapes import Array, Shape, text


def expect_output(found: Any, shape: Shape) -> tuple[Array, Cache]:
    """Return the output, an array of ``shape`` (N, ...), and the cache that a forward has returned.

    Raises `ShapeError`, saying what was found and what is expected.
    """
    if not isinstance(found, tuple) or len(found) != 2:
        raise ShapeError(f"forward must return (y, cache); got {_outline(found)}")
    y, cache = found
    if not isinstance(y, np.ndarray) or y.shape != shape:
        got = text(y.shape) if isinstance(y, np.ndarray) else type(y).__name__
        raise ShapeError(f"forward gives {got} for a batch of {shape[0]}, output_shape says {text(shape)}")
    return y, cache


def expect_gradients(found: Any, values: Mapping[str, Array], names: Iterable[str]) -> dict[str, Array]:
    """Return the gradients that a backward has returned, of ``x`` and of the parameters called ``names``.

    Each must be an array of the shape of what has its name in ``values``. Raises `ShapeError`, saying
    what was found and what is expected.
    """
    names = list(names)
    pair = isinstance(found, tuple | list) and len(found) == 2 and isinstance(found[1], Mapping)
    given = {**found[1], "x": found[0]} if pair else {}
    if not all(isinstance(given.get(name), np.ndarray | np.generic) for name in ("x", *names)):
        wanted = ", ".join(f"{name!r}: d{name}" for name in names)
        raise ShapeError(f"backward must return (dx, {{{wanted}}}), all arrays; got {_outline(found)}")
    for name in ("x", *names):
        if given[name].shape != values[name].shape:
            raise ShapeError(f"dL/d{name} is {text(given[name].shape)}, {name} is {text(values[name].shape)}")
    return {name: np.asarray(given[name]) for name in ("x", *names)}


def _outline(found: Any) -> str:
    """Return the type of what was found; of a tuple or list, the types of what is in it."""
    if isinstance(found, tuple | list):
        return f"({some(map(_kind, found))})"
    return _kind(found)


def _kind(found: Any) -> str:
    """Return the name of a type; of a dictionary, those of what it holds by name."""
    if isinstance(found, Mapping):
        held = some(f"{key!r}: {type(value).__name__}" for key, value in found.items()) if found else ""
        return f"{{{held}}}"
    return type(found).__name__
