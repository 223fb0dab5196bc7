"""A source divided into training, validation and test images."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from assay.data.examples import Numbers, Source, Split
from assay.data.spec import DataSpec, share
from assay.data.splits import grouped, stratified
from assay.errors import DataError


class Parts(NamedTuple):
    """Training, validation and test images."""

    train: Split
    valid: Split
    test: Split


@dataclass(frozen=True)
class Division:
    """How training and validation images are drawn from ``pool``, anew for every seed."""

    pool: Split
    spec: DataSpec

    def at(self, seed: int) -> tuple[Split, Split]:
        """Return a seed's training and validation images, which are copies."""
        valid, rest = self._positions(seed)
        left = self.pool.take(rest)
        return subset(left, self.spec.train, "train", self.spec, seed), self.pool.take(valid)

    def training_images(self, seed: int) -> int:
        """Return how many images a seed is trained on, without copying any."""
        return self.spec.train or len(self._positions(seed)[1])

    def _positions(self, seed: int) -> tuple[Numbers, Numbers]:
        return _two(self.pool, _valid_size(self.pool, self.spec), self.spec, "valid", seed)


def divide(source: Source, spec: DataSpec) -> tuple[Parts, Split]:
    """Divide ``source`` as ``spec`` says; return the parts, and what train and valid were drawn from.

    A whole source is divided in its own memory. Raises `DataError` where it has fewer images than asked for.
    """
    if spec.groups is not None and source.pool.groups is None:
        raise DataError(f"{spec.source}: names no {spec.groups}, so it cannot be divided by groups")
    pool, test = source.pool, source.test
    if test is None:
        count = spec.test or share(len(pool))
        _expect_left(pool, count, "test", spec)
        taken, rest = _two(pool, count, spec, "test")
        pool, test = pool.rearranged(rest, taken)
    else:
        test = subset(test, spec.test, "test", spec)
    if source.valid is not None:
        valid = subset(source.valid, spec.valid, "valid", spec)
        _expect_apart({"train": pool, "valid": valid, "test": test}, spec)
        return Parts(subset(pool, spec.train, "train", spec), valid, test), pool
    _expect_apart({"train": pool, "test": test}, spec)
    train, valid, pool = _divided(pool, spec)
    return Parts(train, valid, test), pool


def subset(split: Split, count: int | None, part: str, spec: DataSpec, *index: int) -> Split:
    """Return ``count`` examples, stratified by class; None stands for all."""
    if count is None or count == len(split):
        return split
    if count > len(split):
        left = " after validation is cut" if part == "train" else ""
        raise DataError(
            f"{spec.source}: {part} = {count:,} images asked for, but there are {len(split):,}{left}"
        )
    return split.take(stratified(split.labels, count, spec.split_seed, part, *index)[0])


def _divided(pool: Split, spec: DataSpec) -> tuple[Split, Split, Split]:
    """Draw valid from the pool, then train from the remainder; return train, valid and the whole pool."""
    valid, rest = _two(pool, _valid_size(pool, spec), spec, "valid")
    if spec.train is None:
        images, (train, cut) = pool.images, pool.rearranged(rest, valid)
        return train, cut, _joined(images, train, cut)
    return subset(pool.take(rest), spec.train, "train", spec), pool.take(valid), pool


def _joined(images: np.ndarray, first: Split, second: Split) -> Split:
    """Return two splits that follow each other in ``images`` as one."""
    groups = None
    if first.groups is not None and second.groups is not None:
        groups = np.concatenate([first.groups, second.groups])
    return Split(images, np.concatenate([first.labels, second.labels]), groups)


def _valid_size(pool: Split, spec: DataSpec) -> int:
    count = spec.sizes(len(pool), 0).valid
    _expect_left(pool, count, "valid", spec)
    return count


def _two(pool: Split, count: int, spec: DataSpec, purpose: str, *index: int) -> tuple[Numbers, Numbers]:
    """Return the positions of ``count`` examples, or of whole groups of about as many, and of the rest."""
    if spec.groups is None or pool.groups is None:
        return stratified(pool.labels, count, spec.split_seed, purpose, *index)
    if len(np.unique(pool.groups)) < 2:
        raise DataError(f"{spec.source}: all images have one {spec.groups}, so they cannot be divided by it")
    return grouped(pool.groups, count, spec.split_seed, purpose, *index)


def _expect_left(pool: Split, count: int, part: str, spec: DataSpec) -> None:
    if count >= len(pool):
        raise DataError(
            f"{spec.source}: {part} = {count:,} leaves nothing of {len(pool):,} images to train on "
            "(give more images, or set it lower)"
        )


def _expect_apart(parts: dict[str, Split], spec: DataSpec) -> None:
    """Refuse groups that are on both sides of a division that the source itself has made."""
    if spec.groups is None:
        return
    names = list(parts)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            a, b = (np.unique(parts[name].groups) for name in (one, other))  # type: ignore[arg-type]
            if both := len(np.intersect1d(a, b)):
                raise DataError(
                    f"{spec.source}: {both:,} of {len(b):,} in {spec.groups} are in both {one} and {other} "
                    f"(?{other}=drawn divides all images anew, or leave data.groups out)"
                )


def per_seed(pool: Split, source: Source, spec: DataSpec) -> Division | None:
    """Return how seeds divide ``pool``, where ``spec`` wants each to have its own division."""
    if not spec.per_seed:
        return None
    if source.valid is not None:
        raise DataError(
            f"{spec.source}: has validation images of its own, so a split per seed has nothing to draw "
            "(?valid=drawn draws them, or leave data.split out)"
        )
    return Division(pool, spec)
