"""The inputs and upstream gradients that a layer is tried with: random ones, and where mistakes hide."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from assay.shapes import Array, Shape
from assay.streams import stream

BATCH = 3
"""Two would hide mistakes in normalisation: two numbers, normalised, are always 1 and -1."""


class Situation(NamedTuple):
    """An input (N, ...) and how its upstream gradient is drawn."""

    name: str
    x: Array
    upstream: str = "random"
    """``random``, ``large``, ``zero`` or ``one entry``."""
    together: bool = False
    """Whether entries tie, so that all are moved together too: ties stay ties, and there is no kink."""


RANDOM = "random inputs"


def situations(shape: Shape) -> Iterator[Situation]:
    """Yield the situations for inputs of ``shape``, the plain random one first."""
    generator = stream(0, "situations")
    x = generator.normal(size=(BATCH, *shape))
    yield Situation(RANDOM, x)
    yield Situation("ties", generator.integers(-1, 2, size=x.shape).astype(float), together=True)
    yield Situation("zeros", np.zeros_like(x), together=True)
    size = (BATCH, *shape[:1], *(1 for _ in shape[1:])) if len(shape) > 1 else (BATCH, 1)
    constant = generator.normal(size=size)
    yield Situation("constant maps", np.broadcast_to(constant, x.shape).copy(), together=True)
    yield Situation("inputs of 1e-8", 1e-8 * x)
    yield Situation("inputs of 10", 10 * x)
    yield Situation("inputs of 1e3", 1e3 * x)
    yield Situation("inputs of 1e6", 1e6 * x)
    yield Situation("negative inputs", -np.abs(x))
    yield Situation("positive inputs", np.abs(x))
    yield Situation("one example", x[:1])
    yield Situation("an upstream gradient of zero", x, "zero")
    yield Situation("an upstream gradient of 1e3", x, "large")
    yield Situation("an upstream gradient of one entry", x, "one entry")
    yield Situation("an array that is not contiguous", _strided(x))
    yield Situation("a transposed array", np.asfortranarray(x))


def upstream(situation: Situation, like: Array) -> Array:
    """Return dL/dy in the shape and type of an output, and in the input's memory layout."""
    dy = stream(0, "upstream").normal(size=like.shape).astype(like.dtype)
    if situation.upstream == "zero":
        return np.zeros_like(dy)
    if situation.upstream == "large":
        return 1e3 * dy
    if situation.upstream == "one entry":
        flat = np.zeros(dy.size, dy.dtype)
        flat[-1 - dy.size // 3] = 1
        return flat.reshape(dy.shape)
    if situation.x.flags.c_contiguous:
        return dy
    return np.asfortranarray(dy) if situation.x.flags.f_contiguous else _strided(dy)


def _strided(x: Array) -> Array:
    """Return a view with the same content whose entries lie two apart."""
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    view = wide[..., ::2]
    view[...] = x
    return view
