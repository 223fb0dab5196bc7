"""The input of every method of the training benchmark, and what the method has to compute."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from assay import data, streams
from assay.bench.networks import NETWORKS
from assay.engines.base import Images, Labels, State, epoch_order, initial_state
from assay.errors import DataError
from assay.nn.loss import cross_entropy
from assay.nn.network import Network
from assay.optim import Adam
from assay.optim.recipe import Dtype, Recipe
from assay.shapes import Array, text

BATCH, CLASSES, SIZE = 100, 47, 28
ENSEMBLE = 8
"""Default number of models for a method that trains several side by side."""

Device = Literal["cpu", "cuda"]
NOISE = "noise"


@dataclass(frozen=True)
class Problem:
    """A network to be trained with Adam in minibatches of 100 images of 47 classes, noise or a data set's.

    ``source`` names the data set, of grey images of 28x28 in at most 47 classes; its training images are
    repeated if they are fewer than ``images_count``. `DataError` for one that is not such a set.
    ``threads`` is how many processors a method may keep busy, ``models`` how many
    models are trained by methods that train several: by default 8 side by side
    where that is the point of the method, and one per thread with assay.
    """

    network_name: str
    images_count: int = 20_000
    threads: int = 1
    models: int | None = None
    device: Device = "cpu"
    source: str = NOISE

    @cached_property
    def network(self) -> Network:
        """The network, for 28x28 images."""
        return NETWORKS[self.network_name].build((1, SIZE, SIZE), CLASSES)

    @cached_property
    def images(self) -> Images:
        """Pixels (N, 28, 28)."""
        if self.source != NOISE:
            return self._split.images[self._places]
        shape = (self.images_count, SIZE, SIZE)
        return streams.stream(0, "bench", 0).integers(0, 256, shape, dtype=np.uint8)

    @cached_property
    def labels(self) -> Labels:
        """Classes (N,)."""
        if self.source != NOISE:
            return self._split.labels[self._places]
        return streams.stream(0, "bench", 1).integers(0, CLASSES, self.images_count)

    def expect_images(self) -> None:
        """Raise `DataError` if there are no such images."""
        if self.source != NOISE:
            self._split  # noqa: B018

    @cached_property
    def _split(self) -> data.Split:
        """The data set's training images."""
        found = data.load(self.source)
        if found.input_shape != (1, SIZE, SIZE) or len(found.classes) > CLASSES:
            what = f"{text(found.input_shape)} in {len(found.classes)} classes"
            raise DataError(
                f"{self.source}: images are {what}, expected 1 x {SIZE} x {SIZE} in at most {CLASSES}"
            )
        return found.train

    @cached_property
    def _places(self) -> Labels:
        return np.arange(self.images_count) % len(self._split)

    @cached_property
    def floats(self) -> Array:
        """The pixels as a PyTorch loop preloads them: float32 (N, 1, 28, 28), from 0 to 1."""
        found: Array = self.images[:, None].astype(np.float32)
        found /= 255
        return found

    @property
    def words(self) -> str:
        """Describe the problem: ``A2, 1 thread, 8 models, 20,000 images of glyphs``."""
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        models = [f"{self.models} model{'s' * (self.models > 1)}"] if self.models else []
        kind = "" if self.source == NOISE else f" of {self.source}"
        return ", ".join([self.network_name, threads, *models, f"{self.images_count:,} images{kind}"])

    def recipe(self, dtype: Dtype = "float32") -> Recipe:
        """Return the recipe with which assay trains the network."""
        return Recipe(Adam(), BATCH, dtype=dtype)

    def state(self, seed: int) -> State:
        """Return the initial state of the model with ``seed``."""
        return initial_state(self.network, self.recipe(), seed)


class Trainer(ABC):
    """A method at work on a problem: its models, ready for the first step.

    With every method, model i starts from the weights of seed i and sees the
    minibatches of seed i, so all methods compute the same thing; the tests check this.
    """

    models = 1

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.epochs = 0

    @abstractmethod
    def epoch(self, steps: int) -> None:
        """Make one pass over the first ``steps`` minibatches' worth of images, and wait for it to end.

        A step gathers the minibatch, then computes forward pass, loss, backward pass and update.
        """

    @abstractmethod
    def scores(self) -> Array:
        """Return the first model's class scores (100, K) of the first 100 images."""

    def loss(self) -> float:
        """Return the first model's mean cross-entropy on the first 100 images."""
        return float(cross_entropy(self.scores(), self.problem.labels[:BATCH]).mean())

    def train(self, steps: int) -> None:
        """Take ``steps`` steps with each model, in as many epochs as that needs."""
        while steps:
            count = min(steps, self.problem.images_count // BATCH)
            self.epochs += 1
            self.epoch(count)
            steps -= count

    def batches(self, steps: int, seed: int = 0) -> Labels:
        """Return the indices (steps, 100) of the images that each step of the current epoch takes."""
        return epoch_order(seed, steps * BATCH, self.epochs).reshape(steps, BATCH)
