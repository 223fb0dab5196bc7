"""The sizes of a data set, found without loading it where possible."""

from dataclasses import dataclass, field, replace
from math import prod
from time import thread_time

import numpy as np

from assay.data.catalogue import sources
from assay.data.dataset import Dataset
from assay.data.loading import load
from assay.data.spec import GLYPHS, DataSpec
from assay.errors import DataError
from assay.records import free_memory
from assay.shapes import Shape

BALANCED = 112_800, 18_800, 47, (1, 28, 28)
"""EMNIST Balanced: training images, test images, classes, input shape."""
CIFAR = {"cifar10": (50_000, 10_000, 10, (3, 32, 32)), "cifar100": (50_000, 10_000, 100, (3, 32, 32))}
SAMPLE, OF_CHARACTERS = 1000, 0.7
"""Images in which zeros are counted, and the share of them in images of characters."""


@dataclass(frozen=True)
class Outline:
    """The sizes of a data set, which is all a plan needs; ``assumed`` if the set is not on this machine.

    ``notes`` say how its images were read, and what is odd about them. ``seconds`` are those that a processor
    took to read them, 0 where they were not read; ``zeros`` is the share of pixels that are 0, in the first
    images of a set that was read, or else in characters: an engine may train faster on many.
    """

    train: int
    valid: int
    test: int
    input_shape: Shape = (1, 28, 28)
    classes: int = 47
    assumed: bool = False
    notes: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    zeros: float = field(default=OF_CHARACTERS, compare=False)

    @classmethod
    def of(cls, data: Dataset) -> "Outline":
        """Return the sizes of a data set in memory."""
        sizes = (len(data.train), len(data.valid), len(data.test))
        zeros = 1 - np.count_nonzero(some := data.train.images[:SAMPLE]) / some.size
        return cls(*sizes, data.input_shape, len(data.classes), notes=data.notes, zeros=zeros)

    @property
    def bytes(self) -> int:
        """The memory that the images and labels take, in bytes."""
        return (self.train + self.valid + self.test) * (prod(self.input_shape) + 8)


def outline(spec: DataSpec) -> Outline:
    """Return the sizes of a data set; those of EMNIST Balanced if a published set has not been fetched.

    Raises `DataError` if the set is damaged, too small or unknown.
    """
    if spec.source == GLYPHS:
        drawn = Outline(*spec.drawn_sizes())
        _expect_room(spec.source, drawn.bytes)
        return drawn
    if any(source.name == spec.source and not source.available for source in sources()):
        pool, test, classes, shape = CIFAR.get(spec.source, BALANCED)
        return Outline(*spec.sizes(pool, test), shape, classes, assumed=True)
    begun = thread_time()
    found = Outline.of(load(spec))
    return replace(found, seconds=thread_time() - begun)


def _expect_room(source: str, needed: int) -> None:
    if needed > free_memory.available():
        raise DataError(
            f"{source}: the images take {needed // 2**20:,} MiB, {free_memory.described()} "
            "(use fewer with data.train, data.valid and data.test)"
        )
