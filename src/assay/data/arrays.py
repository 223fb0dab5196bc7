"""Arrays in memory as a part of a data set."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.data.examples import AT_ONCE
from assay.data.pixels import as_bytes, laid_out
from assay.data.raw_part import RawPart
from assay.errors import DataError

LONGEST_LABEL = 1000
"""Characters of a label or of a group's name; an array takes as many for each as its longest."""
BYTES_AT_ONCE = 1 << 20  # of rows that are converted at a time, which are then there several times


def part_of(
    where: str,
    images: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    shape: tuple[int, ...] | None = None,
) -> RawPart:
    """Return arrays as a part, copied; ``where`` names it in errors. See `Dataset.from_arrays`."""
    array = np.asarray(images)
    if array.ndim < 2 or not array.size:
        raise DataError(f"{where}: images of shape {array.shape}, expected (N, H, W) or (N, H, W, 3)")

    read = as_bytes(where, array.shape, array.dtype, lambda: blocks(array))
    place = f"{where} labels"
    return RawPart(
        laid_out(where, read, shape),
        as_labels(place, np.asarray(labels)),
        place,
        None if groups is None else as_labels(f"{where} groups", np.asarray(groups)),
    )


def blocks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the rows of an array, some at a time."""
    many = max(1, min(AT_ONCE, BYTES_AT_ONCE // max(1, array[:1].nbytes)))
    return (array[start : start + many] for start in range(0, len(array), many))


def expect_labels(where: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse what can be no labels (N,) before it is read."""
    if len(shape) != 1 and (len(shape) != 2 or shape[1] != 1):
        raise DataError(f"{where}: an array of shape {shape}, expected (N,): one label an image")
    letters = dtype.itemsize // (4 if dtype.kind == "U" else 1)
    if dtype.kind in "US" and letters > LONGEST_LABEL:
        raise DataError(f"{where}: holds text of {letters:,} characters, expected at most {LONGEST_LABEL:,}")


def as_labels(where: str, labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels as whole numbers or text (N,), also as objects; `DataError` where they are neither."""
    expect_labels(where, labels.shape, labels.dtype)
    labels = labels.reshape(-1)
    if labels.dtype.kind == "f":
        whole = np.isfinite(labels) & (labels == np.rint(np.nan_to_num(labels)))
        if not whole.all():
            index = int(np.argmin(whole))
            raise DataError(f"{where}: {labels[index]:g} at index {index:,} is no whole number")
        labels = labels.astype(np.int64)
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels):
        return labels  # as text they would each take as much as the longest
    if labels.dtype.kind not in "buiU":
        raise DataError(f"{where}: holds {labels.dtype} values, expected whole numbers or text")
    if labels.dtype.kind == "i" and len(labels) and labels.min() < 0:
        index = int(np.argmin(labels))
        raise DataError(f"{where}: label {labels[index]} at index {index:,} is below 0")
    return labels


class Values:
    """Labels or groups, gathered as they are read; text that examples share is kept once.

    ``where`` names them in errors; there may be ``different`` texts at most.
    """

    def __init__(self, where: str, different: int) -> None:
        self.where, self.different = where, different
        self._known: dict[str, str] = {}
        self._parts: list[NDArray[Any]] = []

    def add(self, values: list[Any]) -> None:
        """Add the next values: text, or anything that is an array; `DataError` for too many texts."""
        if not all(isinstance(value, str | bytes) for value in values):
            self._parts.append(np.array(values))
            return
        texts = (value if isinstance(value, str) else value.decode("utf-8", "replace") for value in values)
        self._parts.append(np.array([self._known.setdefault(text, text) for text in texts], object))
        if len(self._known) > self.different:
            raise DataError(f"{self.where}: more than {self.different:,} different names (no classes?)")

    def joined(self) -> NDArray[Any]:
        """Return all values (N,): numbers, or objects of which each is a text if any of them is."""
        if len({part.dtype.kind == "O" for part in self._parts}) == 2:
            self._parts = [np.array([*map(str, part)], object) for part in self._parts]
        return np.concatenate(self._parts)
