"""What a data set is, how it is named, and how it is loaded."""

from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.data.splits import stratified
from assay.errors import DataError, shown, suggestion

FULL_SIZE, FULL_VALID = 60_000, 15_800  # sets this large give as many to validation as both reports did
VALID_SHARE = 0.15
GLYPHS_TRAIN, GLYPHS_TEST, GLYPHS_SEED = 20_000, 4_000, 0
LARGEST = 10_000_000
AT_ONCE = 1000  # images moved at a time
KNOWN = "glyphs, idx:DIR, emnist/balanced, mnist, ...: see `assay data list`"


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
class DataSpec:
    """Which data a study uses, and how much of it.

    ``train``, ``valid`` and ``test`` are numbers of images, each class keeping
    its share; None stands for all there is. Validation is cut from the
    training images before ``train`` is taken, by ``split_seed`` alone: by
    default 15,800 images of a whole set with 60,000 or more, else 15% (of
    ``train`` where that is given). Of ``glyphs``, which has no end, None draws
    20,000 images for training, 15% of that number for validation and 4,000
    for testing. Raises `DataError` for a value that cannot be.
    """

    source: str = "glyphs"
    train: int | None = None
    valid: int | None = None
    test: int | None = None
    split_seed: int = 0

    def __post_init__(self) -> None:
        _expect_name(self.source)
        for key in ("train", "valid", "test"):
            _expect_integer(key, getattr(self, key), 1, LARGEST, optional=True)
        _expect_integer("split_seed", self.split_seed, 0, 2**63 - 1)


@dataclass(frozen=True)
class Source:
    """Examples as they are stored: ``pool`` is what train and valid are cut from."""

    classes: tuple[str, ...]
    pool: Split
    test: Split
    synthetic: bool = False


def load(spec: DataSpec | str) -> Dataset:
    """Load what ``spec`` names, from disk or by drawing it; nothing is downloaded.

    Raises `DataError` where a set is missing, damaged or smaller than asked.
    """
    if isinstance(spec, str):
        spec = DataSpec(source=spec)
    if spec.source == "glyphs":
        spec = _with_sizes(spec)
    source = _open(spec)
    train, valid = _divided(source.pool, spec)
    test = _subset(source.test, spec.test, "test", spec)
    digest = _digest(train, valid, test)
    return Dataset(spec.source, source.classes, train, valid, test, source.synthetic, digest, spec.split_seed)


def overlap(dataset: Dataset) -> int:
    """Count the test images that also occur, pixel for pixel, in train or valid."""
    seen = {image.tobytes() for split in (dataset.train, dataset.valid) for image in split.images}
    return sum(image.tobytes() in seen for image in dataset.test.images)


def _open(spec: DataSpec) -> Source:
    from assay.data import folder, remote

    if spec.source == "glyphs":
        return _glyphs(spec)
    if spec.source.startswith("idx:"):
        return folder.open_folder(spec.source.removeprefix("idx:"))
    if spec.source in remote.NAMES:
        return remote.open_fetched(spec.source)
    raise DataError(f"data set {shown(spec.source)} is unknown ({_hint(spec.source)})")


def _hint(source: str) -> str:
    """Say what an unknown ``source`` may have been meant to be."""
    from assay.data import remote

    if _is_folder(source):
        return f"did you mean {f'idx:{source}'!r}?"
    part_of = [name for name in remote.NAMES if name.startswith(f"{source}/")]
    if part_of:
        return f"did you mean {part_of[0]!r}? others: {', '.join(part_of[1:])}"
    return f"{suggestion(source, ['glyphs', *remote.NAMES])} a folder of IDX files is idx:DIR"


def _is_folder(path: str) -> bool:
    """Whether there is a folder; False for what can be no path at all."""
    try:
        return Path(path).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


def _with_sizes(spec: DataSpec) -> DataSpec:
    """Say how much of a set without an end to draw."""
    train = spec.train or GLYPHS_TRAIN
    valid = spec.valid or round(VALID_SHARE * train) or 1
    return replace(spec, train=train, valid=valid, test=spec.test or GLYPHS_TEST)


def _glyphs(spec: DataSpec) -> Source:
    from assay.data import glyphs

    pool = Split(*glyphs.draw((spec.train or 0) + (spec.valid or 0), GLYPHS_SEED, "train"))
    test = Split(*glyphs.draw(spec.test or 0, GLYPHS_SEED, "test"))
    return Source(tuple(glyphs.CLASSES), pool, test, synthetic=True)


def _valid_size(spec: DataSpec, available: int) -> int:
    if spec.valid is not None:
        return spec.valid
    if spec.train is None and available >= FULL_SIZE:
        return FULL_VALID
    return max(1, round(VALID_SHARE * (spec.train or available)))


def _divided(pool: Split, spec: DataSpec) -> tuple[Split, Split]:
    """Cut valid from the pool, then train from what is left."""
    count = _valid_size(spec, len(pool))
    if count >= len(pool):
        raise DataError(
            f"{spec.source}: valid = {count:,} leaves nothing of {len(pool):,} images to train on"
        )
    valid, rest = stratified(pool.labels, count, spec.split_seed, "valid")
    if spec.train is None:
        return _rearranged(pool, rest, valid)
    return _subset(pool.take(rest), spec.train, "train", spec), pool.take(valid)


def _rearranged(pool: Split, first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[Split, Split]:
    """Return ``pool.take(first)`` and ``pool.take(second)``, all there is, in the memory of ``pool``.

    Both ascend. A large set would not fit twice.
    """
    images, kept, count = pool.images, pool.images[second], len(first)
    for start in range(0, count, AT_ONCE):  # which never overtakes what it reads
        part = first[start : start + AT_ONCE]
        images[start : start + len(part)] = images[part]
    images[count:] = kept
    labels = pool.labels[first], pool.labels[second]
    return Split(images[:count], labels[0]), Split(images[count:], labels[1])


def _subset(split: Split, count: int | None, part: str, spec: DataSpec) -> Split:
    if count is None or count == len(split):
        return split
    if count > len(split):
        left = " after validation is cut" if part == "train" else ""
        raise DataError(
            f"{spec.source}: {part} = {count:,} images asked for, but there are {len(split):,}{left}"
        )
    return split.take(stratified(split.labels, count, spec.split_seed, part)[0])


def _digest(*splits: Split) -> str:
    digest = sha256()
    for split in splits:
        digest.update(repr(split.images.shape).encode())
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(np.ascontiguousarray(split.labels, dtype="<i8").data)
    return digest.hexdigest()


def _expect_integer(key: str, value: object, least: int, most: int, *, optional: bool = False) -> None:
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise DataError(f"data.{key}: must be a whole number from {least} to {most:,}; got {shown(value)}")


def _expect_name(value: object) -> None:
    if not isinstance(value, str) or not value:
        raise DataError(f"data.source: got {shown(value)}, expected a data set's name ({KNOWN})")
