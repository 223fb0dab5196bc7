"""Arrays in memory as a part of a data set."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.data.assembly import RawPart
from assay.data.examples import AT_ONCE
from assay.data.pixels import as_bytes, laid_out
from assay.errors import DataError


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

    def blocks() -> Iterator[NDArray[Any]]:
        return (array[start : start + AT_ONCE] for start in range(0, len(array), AT_ONCE))

    read = as_bytes(where, array.shape, array.dtype, blocks)
    place = f"{where} labels"
    return RawPart(
        laid_out(where, read, shape),
        as_labels(place, np.asarray(labels)),
        place,
        None if groups is None else as_labels(f"{where} groups", np.asarray(groups)),
    )


def as_labels(where: str, labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels as whole numbers or text (N,); `DataError` where they are neither."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"{where}: an array of shape {labels.shape}, expected (N,): one label an image")
    if labels.dtype.kind == "f":
        whole = np.isfinite(labels) & (labels == np.rint(np.nan_to_num(labels)))
        if not whole.all():
            index = int(np.argmin(whole))
            raise DataError(f"{where}: {labels[index]:g} at index {index:,} is no whole number")
        labels = labels.astype(np.int64)
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels):
        labels = labels.astype(str)
    if labels.dtype.kind not in "buiU":
        raise DataError(f"{where}: holds {labels.dtype} values, expected whole numbers or text")
    if labels.dtype.kind == "i" and len(labels) and labels.min() < 0:
        index = int(np.argmin(labels))
        raise DataError(f"{where}: label {labels[index]} at index {index:,} is below 0")
    return labels
