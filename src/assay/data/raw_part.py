"""What a reader has read of one part of a source, before classes are numbered and images turned."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from assay.data.examples import Images
from assay.errors import DataError


@dataclass(frozen=True)
class RawPart:
    """One part of a source as it was read; ``labels`` and ``groups`` (N,) are numbers or text.

    Text may also be objects, which examples share. ``place`` names its labels in errors.
    """

    images: Images
    labels: NDArray[Any]
    place: str
    groups: NDArray[Any] | None = None


def miscounted(place: str, images: int, labels: int) -> DataError:
    """Return the error for images and labels, called ``place``, that are not as many."""
    return DataError(f"{place}: {images:,} images but {labels:,} labels (files of two sets?)")
