"""Which data a study uses, and the one rule for how many images each split has."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from assay.errors import DataError, shown

FULL_SIZE, FULL_VALID = 60_000, 15_800  # sets this large give as many images to validation as in both reports
VALID_SHARE = 0.15
GLYPHS = "glyphs"
ARRAY = "array"
GLYPHS_TRAIN, GLYPHS_TEST = 20_000, 4_000
LARGEST = 10_000_000
KNOWN = "glyphs, images:DIR, idx:DIR, csv:FILE, emnist/balanced, ...: see `assay data list`"
SPLITS = ("fixed", "per-seed")


class Sizes(NamedTuple):
    """The number of images in each split of a data set."""

    train: int
    valid: int
    test: int


@dataclass(frozen=True)
class DataSpec:
    """Which data a study uses, and how much of it.

    ``train``, ``valid`` and ``test`` are numbers of images, stratified by
    class; None stands for all images. Validation is drawn from the training
    images before ``train`` is, and depends on ``split_seed`` alone: by default
    15,800 images of a whole set with 60,000 or more, else 15% (of ``train`` if
    that is given). For ``glyphs``, which is unlimited, None draws 20,000 images
    for training, 15% of that number for validation and 4,000 for testing.

    Validation or test images of the source's own are taken as they are; ``valid`` and ``test`` then choose
    among them. A source without test images gives up 15% for the test, also by ``split_seed``.
    ``groups`` names a column or file of the source, such as "writer": images that agree in it stay on one
    side of every division. With ``split`` "per-seed" training and validation images are drawn anew for
    every seed of a study, from the same pool; the test images stay. Raises `DataError` for an invalid value.
    """

    source: str = "glyphs"
    train: int | None = None
    valid: int | None = None
    test: int | None = None
    split_seed: int = 0
    groups: str | None = None
    split: Literal["fixed", "per-seed"] = "fixed"

    def __post_init__(self) -> None:
        _expect_name(self.source)
        for key in ("train", "valid", "test"):
            _expect_integer(key, getattr(self, key), 1, LARGEST, optional=True)
        _expect_integer("split_seed", self.split_seed, 0, 2**63 - 1)
        if self.groups is not None and (type(self.groups) is not str or not self.groups):
            raise DataError(f"data.groups: got {shown(self.groups)}, expected the name of a column or file")
        if self.split not in SPLITS:
            raise DataError(f"data.split: got {shown(self.split)}, expected {' or '.join(SPLITS)}")

    @property
    def per_seed(self) -> bool:
        """Whether every seed of a study has a division of its own."""
        return self.split == "per-seed"

    @property
    def alike(self) -> bool:
        """Whether every seed has as many training images: whole groups, drawn for each, differ in size."""
        return not self.per_seed or self.groups is None or self.train is not None

    def sizes(self, pool: int, test: int) -> Sizes:
        """Return the sizes of a set with ``pool`` images to train and validate on, and ``test`` to test on.

        ``train`` may come out below 1, and any size above what there is; splitting the set refuses that.
        """
        valid = self._valid(pool)
        return Sizes(self.train or pool - valid, valid, self.test or test)

    def drawn_sizes(self) -> Sizes:
        """Return the sizes of an unlimited set, such as ``glyphs``."""
        train = self.train or GLYPHS_TRAIN
        return Sizes(train, self.valid or share(train), self.test or GLYPHS_TEST)

    def _valid(self, pool: int) -> int:
        if self.valid is not None:
            return self.valid
        if self.train is None and pool >= FULL_SIZE:
            return FULL_VALID
        return share(self.train or pool)


def share(count: int) -> int:
    """Return how many validation or test images go with ``count`` images, at least one."""
    return max(1, round(VALID_SHARE * count))


def _expect_integer(key: str, value: object, least: int, most: int, *, optional: bool = False) -> None:
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise DataError(f"data.{key}: must be a whole number from {least} to {most:,}; got {shown(value)}")


def _expect_name(value: object) -> None:
    if not isinstance(value, str) or not value:
        raise DataError(f"data.source: got {shown(value)}, expected a data set's name ({KNOWN})")
