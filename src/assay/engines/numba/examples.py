"""What the steps of a call read: images, labels and their order, masks, the schedule's factors."""

from collections.abc import Iterator
from math import prod
from time import thread_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay import shapes
from assay.engines.base import Images, Labels, Recipe, epoch_order
from assay.engines.numba.dropout import Masks
from assay.engines.numba.kernels.invocation import Data
from assay.engines.numba.kernels.shuffles import PIXELS
from assay.engines.numba.rules import Rule
from assay.errors import ShapeError
from assay.nn.network import Network
from assay.optim.augment import augment
from assay.shapes import Array, of_images

STEPS_PER_CALL = 50
"""Maximum steps between two reports; Python's lock is released meanwhile."""

BYTES_PER_CALL = 2**22
"""Bytes of masks and augmented images made before a call, unless one step needs more."""


class Examples:
    """Makes the data of calls for one run."""

    def __init__(self, network: Network, recipe: Recipe, rule: Rule, seed: int) -> None:
        self._network, self._recipe, self._seed = network, recipe, seed
        self._masks = Masks(network, recipe.batch_size, seed)
        self._rates = np.array(rule.rates)
        made = self._masks.width + (prod(network.input_shape) if recipe.augment else 0)
        steps = min(BYTES_PER_CALL // max(recipe.batch_size * made, 1), STEPS_PER_CALL)
        self._per_call = max(steps, 1) * recipe.batch_size
        self.bytes = self._per_call * made
        """What the masks and augmented images of a call take."""

    def training(self, images: Images, labels: Labels, epoch: int, step: int) -> Iterator[Data]:
        """Yield the data of each call of an epoch, which begins after ``step`` steps."""
        order, rows = epoch_order(self._seed, len(labels), epoch), self._rows(images)
        labels = self._classes(labels)
        schedule = self._recipe.schedule.in_steps(self._recipe.steps(len(order)))
        for start in range(0, len(order), self._per_call):
            part, done = order[start : start + self._per_call], self._recipe.steps(start)
            times = range(step + done + 1, step + done + self._recipe.steps(len(part)) + 1)
            seen = (rows, labels, part)
            if self._recipe.augment:
                seen = (self._augmented(images[part], part, epoch), labels[part], np.arange(len(part)))
            yield Data(
                *seen,
                rates=self._rates,
                factors=np.array([schedule(t) for t in times]),
                masks=self._masks.draw(len(part), epoch, done + 1),
                rows=np.arange(len(part)),
                scores=np.empty((0, 0), self._recipe.parameter_dtype),
            )

    def making(self) -> float:
        """Return the seconds in which a step's masks and images are made: the fewer of two tries."""
        images = np.zeros((self._recipe.batch_size, *of_images(self._network.input_shape)), np.uint8)
        times = []
        for _ in range(2):
            begun = thread_time()
            list(self.training(images, np.zeros(len(images), np.int64), 1, 0))
            times.append(thread_time() - begun)
        return min(times)

    def scoring(self, images: Images, scores: Array) -> Data:
        """Return the data of a call that writes the class scores of ``images``."""
        everything = np.arange(len(images))
        return Data(
            images=self._rows(images),
            labels=everything,
            order=everything,
            rates=self._rates,
            factors=np.ones(self._recipe.steps(len(images))),
            masks=np.empty((0, 0), np.uint8),
            rows=everything,
            scores=scores,
        )

    def _augmented(self, images: Images, examples: Labels, epoch: int) -> Images:
        return self._rows(augment(images, examples, self._seed, epoch, self._recipe.augment))

    def _rows(self, images: Images) -> Images:
        """Return one row of pixels per image, at least as many as are gathered at once."""
        if images.size != len(images) * prod(self._network.input_shape):
            found, expected = (shapes.text(shape) for shape in (images.shape[1:], self._network.input_shape))
            raise ShapeError(f"images are {found}, the network takes {expected}")
        rows = _plain(images, np.uint8).reshape(len(images), -1)
        missing = PIXELS - rows.shape[1]
        return np.pad(rows, ((0, 0), (0, missing))) if missing > 0 else rows

    def _classes(self, labels: Labels) -> Labels:
        """Return the labels, which index memory, and so must be classes."""
        classes = self._network.output_shape[0]
        if labels.min() < 0 or labels.max() >= classes:
            raise ShapeError(
                f"labels reach from {labels.min()} to {labels.max()}, the network has {classes} classes"
            )
        return _plain(labels, np.int64)


def _plain(array: NDArray[Any], dtype: type) -> NDArray[Any]:
    """Return an array that Numba sees as the one type for which it has compiled."""
    return np.require(array, dtype, ["C", "A", "W"])
