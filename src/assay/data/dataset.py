"""A data set in memory: training, validation and test images, and their digest."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from assay.data.arrays import part_of
from assay.data.assembly import assembled
from assay.data.division import Division, divide, per_seed
from assay.data.examples import Source, Split
from assay.data.spec import ARRAY, DataSpec
from assay.data.splits import stratified
from assay.shapes import Shape

Pair = tuple[ArrayLike, ArrayLike]
IN_USE = 4
"""Divisions kept at once: the arms of a seed, which are trained one after the other, share its division."""


@dataclass(frozen=True)
class Dataset:
    """A data set in memory, divided into train, valid and test.

    ``name`` is the source as it was given, ``classes`` the name of each label, ``synthetic`` whether the
    images were drawn by a program, and ``digest`` the SHA-256 of all pixels and labels, which identifies
    what a run saw. ``notes`` say how the images were read, and what is odd about them. ``division`` draws
    training and validation images anew for every seed, where the study wants that; ``spec`` is what the set
    was divided by.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    valid: Split
    test: Split
    synthetic: bool
    digest: str
    split_seed: int = 0
    notes: tuple[str, ...] = ()
    division: Division | None = field(default=None, repr=False)
    spec: DataSpec = field(default=DataSpec(ARRAY), repr=False)

    @classmethod
    def of(cls, source: Source, spec: DataSpec) -> "Dataset":
        """Return ``source``, divided as ``spec`` says."""
        (train, valid, test), pool = divide(source, spec)
        division = per_seed(pool, source, spec)
        digest = _digest((train, valid, test)) if division is None else _digest((pool, test), division)
        return cls(
            spec.source, source.classes, train, valid, test, source.synthetic, digest, spec.split_seed,
            source.notes, division, spec,
        )  # fmt: skip

    @classmethod
    def from_arrays(
        cls,
        images: ArrayLike,
        labels: ArrayLike,
        classes: tuple[str, ...] | list[str] | None = None,
        *,
        valid: Pair | None = None,
        test: Pair | None = None,
        groups: ArrayLike | None = None,
        spec: DataSpec | None = None,
    ) -> "Dataset":
        """Return a data set of arrays: ``images`` (N, H, W) or (N, H, W, 3), ``labels`` (N,).

        Pixels are whole numbers from 0 (background) to 255, or shares from 0 to 1; rows (N, D) of square
        images and (N, 3, H, W) are taken too. Labels are whole numbers from 0, which ``classes`` names, or
        names themselves. ``valid`` and ``test`` are pairs of images and labels; without them 15% of the
        images are drawn for each. Images with the same of ``groups`` (N,) stay together. ``spec`` chooses
        the numbers of images, and the split, as in a study file. The arrays are copied. Give the data set
        to `assay.run` as ``data``. Raises `DataError` for arrays that do not fit this.
        """
        spec = replace(spec or DataSpec(ARRAY), source=ARRAY)
        if groups is not None and spec.groups is None:
            spec = replace(spec, groups="groups")
        given = {"train": part_of("train", images, labels, groups)}
        given |= {
            name: part_of(name, *pair)
            for name, pair in (("valid", valid), ("test", test))
            if pair is not None
        }
        return cls.of(
            assembled(given, ARRAY, names=None if classes is None else tuple(map(str, classes))), spec
        )

    @property
    def input_shape(self) -> Shape:
        """The shape (C, H, W) of an image as a network takes it, such as (1, 28, 28)."""
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

    def for_seed(self, seed: int) -> "Dataset":
        """Return the data of a run: that of its seed where every seed has its own division."""
        if self.division is None:
            return self
        if seed not in self._kept:
            train, valid = self.division.at(seed)
            for oldest in list(self._kept)[: len(self._kept) - IN_USE + 1]:
                self._kept.pop(oldest, None)
            self._kept[seed] = replace(self, train=train, valid=valid, division=None)
        return self._kept[seed]

    def training_images(self, seed: int) -> int:
        """Return how many images a run is trained on: whole groups, drawn for every seed, differ in size."""
        if self.division is None or self.division.pool.groups is None:
            return len(self.train)
        return self.division.training_images(seed)

    @cached_property
    def _kept(self) -> "dict[int, Dataset]":
        return {}


@dataclass(frozen=True)
class AtHand:
    """The test images of a data set that has just been used, kept without the rest of it.

    ``digest`` is that of the whole set. The images are the set's own, or a copy where they lie in the memory
    of the others.
    """

    digest: str
    test: Split = field(repr=False)
    _seen: str = field(repr=False)

    @classmethod
    def of(cls, data: Dataset) -> "AtHand":
        """Return what is kept of a data set."""
        test = (
            data.test if data.test.images.base is None else replace(data.test, images=data.test.images.copy())
        )
        return cls(data.digest, test, _digest((test,)))

    def is_of(self, digest: str) -> bool:
        """Whether the images are those of the data set with that digest, and as they were."""
        return self.digest == digest and _digest((self.test,)) == self._seen


def _digest(splits: tuple[Split, ...], division: Division | None = None) -> str:
    digest = sha256()
    for split in splits:
        digest.update(repr(split.images.shape).encode())
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(np.ascontiguousarray(split.labels, dtype="<i8").data)
    if division is not None:
        spec = division.spec
        digest.update(repr((spec.split, spec.train, spec.valid, spec.split_seed)).encode())
        groups: Any = () if division.pool.groups is None else division.pool.groups
        digest.update(np.ascontiguousarray(groups, dtype="<i8").data)
    return digest.hexdigest()
