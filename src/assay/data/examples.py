"""Examples in memory: a split, a data set divided into three, and what a data set is cut from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assay.data.splits import stratified

AT_ONCE = 1000
"""Images moved at a time where a whole set is rearranged in its place."""


@dataclass(frozen=True)
class Split:
    """Examples of one part: ``images`` (N, H, W) upright, light on black, and ``labels`` (N,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> "Split":
        """Return the examples at ``indices``."""
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True)
class Dataset:
    """A data set in memory, divided into train, valid and test.

    ``name`` is the source as it was given, ``classes`` what each label is
    drawn as, ``synthetic`` whether the images were drawn by a program, and
    ``digest`` the SHA-256 of all pixels and labels: it identifies what a run saw.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    valid: Split
    test: Split
    synthetic: bool
    digest: str
    split_seed: int = 0

    @cached_property
    def sample(self) -> Split:
        """The training examples that epochs are measured on: as many as ``valid`` has, each class its share.

        They depend on ``split_seed`` and the labels alone, so all arms and seeds have the same. Where
        validation has as many examples as training or more, they are all of ``train``.
        """
        if len(self.valid) >= len(self.train):
            return self.train
        return self.train.take(stratified(self.train.labels, len(self.valid), self.split_seed, "measure")[0])


@dataclass(frozen=True)
class Source:
    """Examples as they are stored: ``pool`` is what train and valid are cut from."""

    classes: tuple[str, ...]
    pool: Split
    test: Split
    synthetic: bool = False
