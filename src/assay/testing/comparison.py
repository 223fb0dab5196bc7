"""A user's layer beside the built-in: the same numbers, and how long they take."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from assay.bench.clock import Timing, interleaved
from assay.errors import ShapeError
from assay.nn.coursework import FromCoursework
from assay.nn.layer import Layer, Parameters
from assay.shapes import Array, Shape, text
from assay.streams import stream
from assay.testing.gradients import Mismatch, compare

TOLERANCE = 1e-9
EVALUATION = "y in evaluation"
"""The name of an output that differs from the built-in's in evaluation alone."""

SPEED_BATCH = 16
ROUNDS = 5

Turn = Callable[[Array], Array]
"""How a parameter in the user's orientation becomes one in ours; each is its own inverse."""

TURNS: Mapping[str, Turn] = {
    "": lambda value: value,
    "flipped": lambda value: np.flip(value, axis=(2, 3)),
    "transposed": lambda value: value.T,
}
AXES = {"flipped": 4, "transposed": 2}


@dataclass(frozen=True)
class LayerComparison:
    """What the layer and the built-in gave for the same input, parameters and upstream gradient.

    ``turns`` says of the user's parameters which had to be turned to agree:
    kernels flipped, where theirs is a convolution and ours a cross-correlation,
    or weights transposed. ``differences`` is empty where all numbers agree to
    1e-9. Times are for a batch of 16 in float64, on one thread.
    """

    built_in: Layer
    turns: dict[str, str]
    differences: tuple[Mismatch, ...]
    forward: tuple[Timing, Timing]
    """The user's layer and the built-in."""
    forward_backward: tuple[Timing, Timing]


@dataclass(frozen=True)
class _Results:
    y: Array
    dx: Array
    gradients: dict[str, Array]


def compare_layers(
    layer: Layer, built_in: Layer, shape: Shape, batch: int, tolerance: float = 0.0
) -> LayerComparison:
    """Compare in training mode; `ShapeError` where the two have not the same shapes.

    ``tolerance`` is allowed where it is more than 1e-9.
    """
    names = _matching(layer, built_in, shape)
    generator = stream(0, "compare")
    x = generator.normal(size=(batch, *shape))
    params: dict[str, Array] = dict(layer.buffers(shape))
    for name, spec in layer.parameters(shape).items():
        params[name] = generator.normal(size=spec.shape)
    found = _results(layer, params, x)
    best: tuple[dict[str, str], tuple[Mismatch, ...]] | None = None
    for turns in _orientations(layer, built_in, shape, names):
        own = _turned(built_in, params, shape, names, turns)
        differences = _differences(found, _results(built_in, own, x), names, turns, tolerance)
        if best is None or len(differences) < len(best[1]):
            best = turns, differences
    if best is None:
        raise ShapeError(_unlike(layer, built_in, shape))
    own = _turned(built_in, params, shape, names, best[0])
    times = _times(layer, params, built_in, own, shape)
    turned = {name: turn for name, turn in best[0].items() if turn}
    differences = best[1] or _in_evaluation((layer, params), (built_in, own), x, tolerance)
    return LayerComparison(built_in, turned, differences, *times)


def _in_evaluation(
    users: tuple[Layer, Parameters], ours: tuple[Layer, Parameters], x: Array, tolerance: float
) -> tuple[Mismatch, ...]:
    """Compare outputs in evaluation, without running statistics, which are judged elsewhere."""
    if ours[0].buffers(x.shape[1:]):
        return ()
    found, expected = (layer.forward(params, x)[0] for layer, params in (users, ours))
    if found.shape != expected.shape:
        return ()
    mismatch = compare(EVALUATION, found, expected, max(TOLERANCE, tolerance))
    return (mismatch,) if mismatch else ()


def _matching(layer: Layer, built_in: Layer, shape: Shape) -> dict[str, str]:
    """Pair the user's parameters with ours: by name, or else by order."""
    theirs, ours = list(layer.parameters(shape)), list(built_in.parameters(shape))
    if len(theirs) != len(ours) or layer.output_shape(shape) != built_in.output_shape(shape):
        raise ShapeError(_unlike(layer, built_in, shape))
    return {name: name for name in ours} if set(theirs) == set(ours) else dict(zip(theirs, ours, strict=True))


def _unlike(layer: Layer, built_in: Layer, shape: Shape) -> str:
    theirs, ours = (
        f"{text(each.output_shape(shape))} with parameters "
        f"{[spec.shape for spec in each.parameters(shape).values()]}"
        for each in (layer, built_in)
    )
    return f"for an input of {text(shape)} it gives {theirs}, {type(built_in).__name__} gives {ours}"


def _orientations(
    layer: Layer, built_in: Layer, shape: Shape, names: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return every way to turn the user's parameters into the shapes of ours, the plainest first."""
    theirs, ours = layer.parameters(shape), built_in.parameters(shape)
    ways = []
    for name in names:
        value, wanted = np.empty(theirs[name].shape), ours[names[name]].shape
        turns = [turn for turn in TURNS if AXES.get(turn, value.ndim) == value.ndim]
        ways.append([turn for turn in turns if TURNS[turn](value).shape == wanted])
    return [dict(zip(names, way, strict=True)) for way in product(*ways)]


def _turned(
    built_in: Layer, params: Parameters, shape: Shape, names: Mapping[str, str], turns: Mapping[str, str]
) -> dict[str, Array]:
    """Return the user's parameters and buffers as the built-in takes them."""
    buffers = {name: params.get(name, value) for name, value in built_in.buffers(shape).items()}
    return {**buffers, **{names[name]: TURNS[turns[name]](params[name]) for name in names}}


def _results(layer: Layer, params: Parameters, x: Array) -> _Results:
    y, cache = layer.forward_training(params, x, stream(0, "mask"))
    return _Results(y, *layer.backward(params, cache, stream(0, "upstream").normal(size=y.shape)))


def _differences(
    found: _Results,
    expected: _Results,
    names: Mapping[str, str],
    turns: Mapping[str, str],
    tolerance: float,
) -> tuple[Mismatch, ...]:
    pairs: dict[str, tuple[Any, Any]] = {"y": (found.y, expected.y), "dL/dx": (found.dx, expected.dx)}
    for theirs, ours in names.items():
        pairs[f"dL/d{theirs}"] = found.gradients[theirs], TURNS[turns[theirs]](expected.gradients[ours])
    compared = (compare(name, *pair, max(TOLERANCE, tolerance)) for name, pair in pairs.items())
    return tuple(mismatch for mismatch in compared if mismatch)


def _times(
    layer: Layer, params: Parameters, built_in: Layer, own: Parameters, shape: Shape
) -> tuple[tuple[Timing, Timing], tuple[Timing, Timing]]:
    x = stream(0, "speed").normal(size=(SPEED_BATCH, *shape))
    with threadpool_limits(1), _by_itself(layer, params, shape) as theirs:
        forward = interleaved(
            {
                "theirs": lambda: theirs.forward_training(params, x, stream(0, "mask")),
                "ours": lambda: built_in.forward_training(own, x, stream(0, "mask")),
            },
            ROUNDS,
        )
        both = interleaved(
            {"theirs": lambda: _results(theirs, params, x), "ours": lambda: _results(built_in, own, x)},
            ROUNDS,
        )
    return (forward["theirs"], forward["ours"]), (both["theirs"], both["ours"])


def _by_itself(layer: Layer, params: Parameters, shape: Shape) -> AbstractContextManager[Layer]:
    """Take the adapter's own work out of the time of a layer in the course's style."""
    return layer.bare(params, shape) if isinstance(layer, FromCoursework) else nullcontext(layer)
