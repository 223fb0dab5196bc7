"""What a layer in the course's style carries from batch to batch, found by trying two."""

from typing import NamedTuple

import numpy as np

from assay.errors import UnsupportedError
from assay.nn.coursework.held import Held
from assay.nn.coursework.remembered import Snapshot, undisturbed
from assay.nn.layer import Parameters
from assay.shapes import Array, Shape
from assay.streams import stream

BEGUN = "begun"
"""The buffer that says whether a layer that remembers batches has seen one, 1 or 0."""


class Carried(NamedTuple):
    """What is carried, and all that the layer remembers when it has seen a batch."""

    shapes: dict[str, Shape]
    begun: Snapshot
    late: bool
    """Whether some of it is not there before a first batch, so that evaluation has to be by the batch."""

    def initial(self, now: Parameters) -> dict[str, Array]:
        """Return the buffers before a first batch, given the numbers that the layer remembers ``now``."""
        state = {
            buffer(name): now[name].astype(np.float64) if _fits(now.get(name), size) else np.zeros(size)
            for name, size in self.shapes.items()
        }
        return {BEGUN: np.zeros(()), **state}

    def restore(self, params: Parameters) -> Snapshot:
        """Let the layer remember what ``params`` say that it carries; return its memory."""
        self.begun.restore()
        self.begun.set_numbers({name: params[buffer(name)] for name in self.shapes})
        return self.begun

    def after(self, memory: Snapshot) -> dict[str, Array]:
        """Return the buffers after a batch that left ``memory``."""
        now = memory.numbers()
        return {BEGUN: np.ones(()), **{buffer(name): now[name] for name in self.shapes}}


def carried_by(held: Held, shape: Shape) -> Carried | None:
    """Find what depends on earlier batches; `UnsupportedError` where that is not all that does."""
    nothing, first, second, both = (_after(held, shape, *sizes) for sizes in ((), (3,), (4,), (3, 4)))
    values = _differing(both.numbers(), second.numbers(), first.numbers())
    carries = bool(values) or second.draws != nothing.draws  # from then on the run's seed decides
    begun = second if carries else nothing
    expected, found = _evaluated(held, shape, both, {}), _evaluated(held, shape, begun, values)
    if not np.array_equal(expected, found, equal_nan=True):
        raise UnsupportedError(
            f"{held.name} in evaluation depends on more than its input, its parameters "
            "and the numbers it keeps (keep what is remembered of earlier batches in attributes that are "
            "numbers or arrays of one shape, and draw from generators that are attributes)"
        )
    late = not values.keys() <= nothing.numbers().keys()
    shapes = {name: value.shape for name, value in values.items()}
    return Carried(shapes, second, late) if carries else None


def buffer(name: str) -> str:
    """Return the name of the buffer for what a layer carries in the attribute ``name``."""
    return f"state.{name}"


def _after(held: Held, shape: Shape, *sizes: int) -> Snapshot:
    """Return what the layer remembers after training passes over batches of these ``sizes``."""
    with undisturbed(held.layer) as memory, np.errstate(all="ignore"):
        held.make_parameters(shape, memory)
        for size in sizes:
            memory.seed(stream(0, "tried", size))
            held.fprop(_tried(size, shape), training=True)
        return Snapshot(held.layer)


def _evaluated(held: Held, shape: Shape, remembered: Snapshot, numbers: Parameters) -> Array:
    with undisturbed(held.layer), np.errstate(all="ignore"):
        remembered.restore()
        remembered.set_numbers(numbers)
        remembered.seed(stream(0, "evaluation"))
        return held.fprop(_tried(5, shape), training=False).copy()


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
