"""The sizes of a data set, told without loading it where that can be."""

from dataclasses import dataclass
from math import prod

from assay.data import Dataset, DataSpec, load, sources
from assay.data.dataset import FULL_VALID, GLYPHS_TEST, GLYPHS_TRAIN, VALID_SHARE
from assay.errors import DataError
from assay.records.machine import memory
from assay.shapes import Shape

BALANCED = 112_800, 18_800, 47  # EMNIST Balanced: images to train and to test, classes


@dataclass(frozen=True)
class Outline:
    """The sizes of a data set: all that a plan needs; ``assumed`` if the set is not on this machine."""

    train: int
    valid: int
    test: int
    input_shape: Shape = (1, 28, 28)
    classes: int = 47
    assumed: bool = False

    @classmethod
    def of(cls, data: Dataset) -> "Outline":
        """Return the sizes of a data set in memory."""
        sizes = (len(data.train), len(data.valid), len(data.test))
        return cls(*sizes, (1, *data.train.images.shape[1:]), len(data.classes))

    @property
    def bytes(self) -> int:
        """The memory that the images and labels take."""
        return (self.train + self.valid + self.test) * (prod(self.input_shape) + 8)


def outline(spec: DataSpec) -> Outline:
    """Return the sizes of a data set; those of EMNIST Balanced where a published set is not fetched.

    Raises `DataError` for a set that is damaged, too small or unknown.
    """
    if spec.source == "glyphs":
        train = spec.train or GLYPHS_TRAIN
        drawn = Outline(train, spec.valid or round(VALID_SHARE * train) or 1, spec.test or GLYPHS_TEST)
        _expect_room(spec.source, drawn.bytes)
        return drawn
    if any(source.name == spec.source and not source.available for source in sources()):
        pool, test, classes = BALANCED
        valid = spec.valid or (round(VALID_SHARE * spec.train) if spec.train else FULL_VALID)
        return Outline(spec.train or pool - valid, valid, spec.test or test, classes=classes, assumed=True)
    return Outline.of(load(spec))


def _expect_room(source: str, needed: int) -> None:
    if needed > (there := memory()):
        raise DataError(
            f"{source}: the images take {needed // 2**20:,} MiB, this machine has {there // 2**20:,} "
            "(use fewer with data.train, data.valid and data.test)"
        )
