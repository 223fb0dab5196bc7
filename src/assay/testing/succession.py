"""One batch after another, as in training: what a layer keeps of the one before must not mislead it."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from assay.nn.coursework import FromCoursework
from assay.nn.coursework.remembered import undisturbed
from assay.nn.layer import Layer, Parameters
from assay.shapes import Array, Shape
from assay.streams import stream
from assay.testing.situations import BATCH

CLOSE = 1e-6


def faults_in_succession(layer: Layer, shape: Shape, params: Parameters) -> Iterator[str]:
    """Yield what is wrong with a second batch after a first, though it is right with it alone."""
    first, second = (_batch(name, shape) for name in ("first", "second"))
    alone, after, before = (_trained(layer, params, each) for each in ([second], [first, second], [first]))
    if _close(after["y"], alone["y"]):  # else what it keeps is meant to change the next output
        for name in alone.keys() - {"y"}:
            if not _close(after[name], alone[name]) and not _close(after[name], alone[name] + before[name]):
                yield f"dL/d{name} of a second batch is wrong: it depends on what is kept of the first"
    if isinstance(layer, FromCoursework) and layer.told_its_mode:
        evaluated = [_evaluated(layer, params, first, each) for each in ([second], [first, second])]
        if not _close(*evaluated):
            yield "evaluation: a second batch's output depends on a first that was only evaluated"


def _batch(name: str, shape: Shape) -> Array:
    return stream(0, "succession", name).normal(size=(BATCH, *shape))


def _trained(layer: Layer, params: Parameters, batches: list[Array]) -> dict[str, Array]:
    """Return the output and the gradients of the last of several batches, each forward and back."""
    found: dict[str, Array] = {}
    with _by_itself(layer, params, batches[0].shape[1:]) as bare, undisturbed(_root(layer)) as memory:
        for x in batches:
            memory.seed(stream(0, "succession"))
            own = {name: value.copy() for name, value in params.items()}
            y, cache = bare.forward_training(own, x.copy(), stream(0, "mask"))
            found = {"y": y.copy()}
            dy = stream(0, "succession", "upstream").normal(size=y.shape).astype(y.dtype)
            dx, gradients = bare.backward(own, cache, dy)
            found |= {"x": np.array(dx), **{name: np.array(value) for name, value in gradients.items()}}
    return found


def _evaluated(layer: FromCoursework, params: Parameters, trained: Array, batches: list[Array]) -> Array:
    """Return the output for the last of several batches in evaluation, after one of training."""
    with _by_itself(layer, params, trained.shape[1:]), undisturbed(layer.layer) as memory:
        memory.seed(stream(0, "succession"))
        layer.held.fprop(trained.copy(), training=True)
        for x in batches:
            memory.seed(stream(0, "succession"))
            y = layer.held.fprop(x.copy(), training=False).copy()
    return y


@contextmanager
def _by_itself(layer: Layer, params: Parameters, shape: Shape) -> Iterator[Layer]:
    if isinstance(layer, FromCoursework):
        with layer.bare(params, shape) as bare:
            yield bare
    else:
        yield layer


def _root(layer: Layer) -> object:
    return layer.layer if isinstance(layer, FromCoursework) else layer


def _close(a: Array, b: Array) -> bool:
    single = np.result_type(a, b) == np.float32
    room = (1e-3 if single else CLOSE) * max(float(np.nan_to_num(np.abs(b)).max(initial=0)), 1e-2)
    return a.shape == b.shape and bool(((np.abs(a - b) <= room) | (np.isnan(a) & np.isnan(b))).all())
