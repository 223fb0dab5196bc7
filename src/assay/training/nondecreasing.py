"""Whether a layer that says that it is `nondecreasing` is, by values: an engine takes its word for it."""

from math import ceil, prod

import numpy as np

from assay.nn.layer import Layer
from assay.shapes import Array, Shape
from assay.streams import stream

WIDEST, MANY = 30.0, 1000
"""How far from 0 a function is tried, and at least at how many numbers."""
DENSER = 10.0
"""Of how many e-folds the numbers' distances grow from 0 to the ends."""
TOLERANCE = 1e-6
"""How far y may fall or differ, relative to itself or to 1: rounding, in float32 too."""


def false_claim(layer: Layer, shape: Shape) -> str:
    """Say what is wrong with a layer's ``nondecreasing``; empty where it is true, or not said.

    Rising numbers are given in two random orders, so that it tells if y depends on where an entry is or on
    what is beside it.
    """
    said: object = layer.nondecreasing
    if not isinstance(said, bool | np.bool_):
        return f"nondecreasing must be True or False (a property?); got {type(said).__name__}"
    if not said:
        return ""
    if layer.parameters(shape) or layer.output_shape(shape) != shape:
        return "nondecreasing is for layers without parameters whose output has the input's shape"
    examples = max(2, ceil(MANY / prod(shape)))
    spread = np.linspace(-DENSER, DENSER, examples * prod(shape))
    x = WIDEST * np.sinh(spread) / np.sinh(DENSER)
    for training in (False, True):
        if wrong := _wrong(x, *(_values(layer, x, shape, order, training) for order in range(2))):
            return f"nondecreasing: {wrong}"
    return ""


def _wrong(x: Array, y: Array, again: Array) -> str:
    """Say what is wrong with y of rising x, found twice, each time in another order."""
    room = TOLERANCE * np.maximum(1, np.abs(y))
    if (odd := ~np.isfinite(y)).any():
        return f"y is {_at(odd.argmax(), x, y)}"
    if (apart := ~(np.abs(y - again) <= room)).any():
        place = apart.argmax()
        return (
            f"y is {_at(place, x, y)} and {_at(place, x, again)}: it is not one function of the entry alone"
        )
    if ((fall := np.maximum.accumulate(y) - y) > room).any():
        lowest = (fall - room).argmax()
        return f"y falls, it is {_at(y[:lowest].argmax(), x, y)} and {_at(lowest, x, y)}"
    return ""


def _at(place: np.intp, x: Array, y: Array) -> str:
    return f"{y[place]:.6g} at {x[place]:.6g}"


def _values(layer: Layer, x: Array, shape: Shape, order: int, training: bool) -> Array:
    """Return y of each number, which are given to the layer in an order drawn at random."""
    generator = stream(order, "nondecreasing")
    places = generator.permutation(x.size)
    batch = np.empty(x.size)
    batch[places] = x
    batch = batch.reshape(-1, *shape)
    with np.errstate(all="ignore"):
        found = layer.forward_training({}, batch, generator) if training else layer.forward({}, batch)
    y: Array = np.asarray(found[0], np.float64).ravel()[places]
    return y
