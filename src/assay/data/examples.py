"""Examples in memory: a split, a data set of three splits, and the source it is divided from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assay.data.splits import stratified
from assay.shapes import Shape

AT_ONCE = 1000
"""Images moved at a time when a whole set is rearranged in place."""


@dataclass(frozen=True)
class Split:
    """The examples of one split: ``images`` (N, H, W), upright, light on black, and ``labels`` (N,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def input_shape(self) -> Shape:
        """The shape (1, H, W) of an image as a network takes it."""
        _, height, width = self.images.shape
        return (1, height, width)

    def take(self, indices: NDArray[np.int64]) -> "Split":
        """Return the examples at ``indices``."""
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True)
class Dataset:
    """A data set in memory, divided into train, valid and test.

    ``name`` is the source as it was given, ``classes`` the character of each
    label, ``synthetic`` whether the images were drawn by a program, and ``digest``
    the SHA-256 of all pixels and labels, which identifies what a run saw.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    valid: Split
    test: Split
    synthetic: bool
    digest: str
    split_seed: int = 0

    @property
    def input_shape(self) -> Shape:
        """The shape (1, H, W) of an image as a network takes it."""
        return self.train.input_shape

    @cached_property
    def sample(self) -> Split:
        """The training examples that epochs are measured on: as many as ``valid`` has, stratified by class.

        They depend on ``split_seed`` and the labels alone, so all arms and seeds have the same. If validation
        has at least as many examples as training, they are all of ``train``.
        """
        if len(self.valid) >= len(self.train):
            return self.train
        return self.train.take(stratified(self.train.labels, len(self.valid), self.split_seed, "measure")[0])


@dataclass(frozen=True)
class Source:
    """Examples as they are stored; train and valid are drawn from ``pool``."""

    classes: tuple[str, ...]
    pool: Split
    test: Split
    synthetic: bool = False
