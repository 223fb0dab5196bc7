"""Loading a data set: opening or drawing it, splitting it, and computing its digest."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.data import folder, glyphs, remote
from assay.data.examples import AT_ONCE, Dataset, Source, Split
from assay.data.hosted import NAMES
from assay.data.spec import GLYPHS, DataSpec
from assay.data.splits import stratified
from assay.errors import DataError, shown, suggestion

GLYPHS_SEED = 0


def load(spec: DataSpec | str) -> Dataset:
    """Load the data set that ``spec`` names, from disk or by drawing it; nothing is downloaded.

    Raises `DataError` if a set is missing, damaged or smaller than requested.
    """
    if isinstance(spec, str):
        spec = DataSpec(source=spec)
    if spec.source == GLYPHS:
        spec = replace(spec, **spec.drawn_sizes()._asdict())
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
    if spec.source == GLYPHS:
        return _glyphs(spec)
    if spec.source.startswith("idx:"):
        return folder.open_folder(spec.source.removeprefix("idx:"))
    if spec.source in NAMES:
        return remote.open_fetched(spec.source)
    raise DataError(f"data set {shown(spec.source)} is unknown ({_hint(spec.source)})")


def _hint(source: str) -> str:
    """Suggest what an unknown ``source`` may have been meant to be."""
    if _is_folder(source):
        return f"did you mean {f'idx:{source}'!r}?"
    part_of = [name for name in NAMES if name.startswith(f"{source}/")]
    if part_of:
        return f"did you mean {part_of[0]!r}? others: {', '.join(part_of[1:])}"
    return f"{suggestion(source, [GLYPHS, *NAMES])} a folder of IDX files is idx:DIR"


def _is_folder(path: str) -> bool:
    """Whether ``path`` is a folder; False for text that cannot be a path at all."""
    try:
        return Path(path).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


def _glyphs(spec: DataSpec) -> Source:
    pool = Split(*glyphs.draw((spec.train or 0) + (spec.valid or 0), GLYPHS_SEED, "train"))
    test = Split(*glyphs.draw(spec.test or 0, GLYPHS_SEED, "test"))
    return Source(tuple(glyphs.CLASSES), pool, test, synthetic=True)


def _divided(pool: Split, spec: DataSpec) -> tuple[Split, Split]:
    """Draw valid from the pool, then train from the remainder."""
    count = spec.sizes(len(pool), 0).valid
    if count >= len(pool):
        raise DataError(
            f"{spec.source}: valid = {count:,} leaves nothing of {len(pool):,} images to train on"
        )
    valid, rest = stratified(pool.labels, count, spec.split_seed, "valid")
    if spec.train in (None, len(rest)):
        return _rearranged(pool, rest, valid)
    return _subset(pool.take(rest), spec.train, "train", spec), pool.take(valid)


def _rearranged(pool: Split, first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[Split, Split]:
    """Return ``pool.take(first)`` and ``pool.take(second)``, together all of ``pool``, in its memory.

    Both index arrays ascend. A large set would not fit in memory twice.
    """
    images, kept, count = pool.images, pool.images[second], len(first)
    for start in range(0, count, AT_ONCE):  # writing never overtakes reading
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
