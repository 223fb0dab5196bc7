"""Examples in memory: a split, and the source from which a data set is divided."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.shapes import Shape, of_input

AT_ONCE = 1000
"""Images moved at a time when a whole set is rearranged in place."""

Images = NDArray[np.uint8]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """The examples of one split.

    ``images`` are (N, H, W), upright, light on black, or (N, H, W, 3) in colour, and ``labels`` (N,).
    ``groups`` (N,) numbers what must not be divided, such as writers, where a study asks for it.
    """

    images: Images
    labels: Numbers
    groups: Numbers | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def input_shape(self) -> Shape:
        """The shape (C, H, W) of an image as a network takes it."""
        return of_input(self.images.shape[1:])

    def take(self, indices: Numbers) -> "Split":
        """Return the examples at ``indices``."""
        return Split(self.images[indices], self.labels[indices], self._groups(indices))

    def rearranged(self, first: Numbers, second: Numbers) -> "tuple[Split, Split]":
        """Return ``take(first)`` and ``take(second)``, together all examples, in the memory of ``images``.

        Both index arrays ascend. A large set would not fit in memory twice.
        """
        images, kept, count = self.images, self.images[second], len(first)
        for start in range(0, count, AT_ONCE):  # writing never overtakes reading
            part = first[start : start + AT_ONCE]
            images[start : start + len(part)] = images[part]
        images[count:] = kept
        return (
            Split(images[:count], self.labels[first], self._groups(first)),
            Split(images[count:], self.labels[second], self._groups(second)),
        )

    def _groups(self, indices: Numbers) -> Numbers | None:
        return None if self.groups is None else self.groups[indices]


@dataclass(frozen=True)
class Source:
    """Examples as they are stored.

    Training and validation images are drawn from ``pool``, unless there is ``valid``; the test images too
    where ``test`` is None. ``notes`` say in a few words each how the images were read, and what is odd.
    """

    classes: tuple[str, ...]
    pool: Split
    test: Split | None
    synthetic: bool = False
    valid: Split | None = None
    notes: tuple[str, ...] = ()
