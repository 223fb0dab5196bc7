"""Recognise characters in pictures with a study's trained runs."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from assay.errors import DataError
from assay.findings.trained import best_run, trained
from assay.reading import find
from assay.reading.reader import Box
from assay.reading.recogniser import softmax
from assay.records.runs import RunId, RunRecord
from assay.shapes import Array
from assay.store.readout import Readout

if TYPE_CHECKING:
    from PIL import Image

PREPARED = (28, 28)
RUNNERS_UP = 3

Picture: TypeAlias = "Path | str | Image.Image | NDArray[np.integer[Any]]"
"""A picture file or a Pillow image, of any size; or an array (H, W) as the data set has its images."""
Pictures: TypeAlias = "Picture | Iterable[Picture]"
"""One picture, several, or an array (N, H, W)."""
OnError = Callable[[DataError], None]


@dataclass(frozen=True)
class Prepared:
    """A character as a network takes it, (H, W), and where it came from; an array has no box."""

    pixels: NDArray[np.uint8]
    path: Path | None = None
    box: Box | None = None
    line: int = 0
    word: int = 0


@dataclass(frozen=True)
class Prediction:
    """A character that a network recognises in a picture.

    ``path`` is the picture's file, None for a Pillow image or an array. ``run`` is the one whose network
    answered. ``confidence`` is the probability that it is right, 0 to 1, by the temperature that was fitted
    on the validation set when the run ended. A run of an older store has none: ``temperature`` is None, and
    its confidence the plain softmax share, and networks are often surer than they are right. ``runners_up``
    are the next likely characters with theirs. ``box`` (left, top, right, bottom) is where the character is
    in the picture, None for an array; ``line`` and ``word`` count from 0.
    """

    path: Path | None
    run: RunId
    character: str
    confidence: float
    runners_up: tuple[tuple[str, float], ...]
    temperature: float | None = None
    box: Box | None = None
    line: int = 0
    word: int = 0


def _fail(error: DataError) -> None:
    raise error


def predict(
    folder: Path | str,
    images: Pictures,
    *,
    arm: str | None = None,
    seed: int | None = None,
    one: bool = False,
    on_error: OnError = _fail,
) -> list[Prediction]:
    """Recognise the characters in each of ``images`` with a finished run of ``folder``.

    The run is the one with the best validation accuracy (never test accuracy,
    which must stay a measurement), among those of ``arm`` and ``seed`` where
    they are given. An image is the path of a PNG or JPEG file or a Pillow image, of any size, or an array;
    one may come alone, several in a list. In pictures the characters are found as `assay.read` finds them and
    prepared as NIST prepared EMNIST's; with ``one``, a picture must show one character. An array is used as
    is, so it must look like the images that the run was trained
    on: whole numbers from 0 (paper) to 255 (ink), of shape (H, W), or (N, H, W) for N images. Returns one
    prediction a character: picture by picture, in each in reading order. Raises `StoreError` for a folder
    without such a run or one trained on images of another size, `StudyError` for an unknown arm, `UsageError`
    for an unknown seed and `DataError` for an image that cannot be read or shows no character; where
    ``on_error`` takes that error and returns, the image is left out.
    """
    with Readout.open(folder) as results:
        return recognise(results, images, arm=arm, seed=seed, one=one, on_error=on_error)


def recognise(
    results: Readout,
    images: Pictures,
    *,
    arm: str | None = None,
    seed: int | None = None,
    one: bool = False,
    on_error: OnError = _fail,
) -> list[Prediction]:
    """Do what `predict` does, with results that are already open."""
    run = best_run(results, arm, seed)
    prepared = [*_prepared(images, one, on_error)]
    shapes = {item.pixels.shape for item in prepared} or {PREPARED}
    if len(shapes) > 1:
        sizes = " and ".join(" x ".join(map(str, shape)) for shape in sorted(shapes))
        raise DataError(f"images: found some of {sizes} pixels, expected all of one size")
    found = trained(results, run, (1, *shapes.pop()))
    if not prepared:
        return []
    scores = found.scores(np.stack([item.pixels for item in prepared]))
    shares = softmax(scores, run.temperature or 1.0)
    classes = results.header.classes
    return [_prediction(item, run, row, classes) for item, row in zip(prepared, shares, strict=True)]


def _prepared(images: Pictures, one: bool, on_error: OnError) -> Iterator[Prepared]:
    """Yield each character of each image that can be read."""
    for image in _each(images):
        try:
            yield from _found(image, one)
        except DataError as error:
            on_error(error)


def _each(images: Any) -> Iterator[Any]:
    """Yield the pictures one by one, those of arrays (N, H, W) too."""
    if isinstance(images, np.ndarray) and images.ndim != 3:
        yield images
    elif isinstance(images, Iterable) and not isinstance(images, str | PathLike):
        for image in images:
            yield from _each(image)
    else:
        yield images


def _found(image: Any, one: bool) -> list[Prepared]:
    from PIL import Image

    if isinstance(image, np.ndarray):
        return [Prepared(_as_is(image))]
    if not isinstance(image, Image.Image | str | PathLike):
        kind = type(image).__name__
        raise DataError(f"images: found {kind}, expected paths of picture files, Pillow images or arrays")
    path = None if isinstance(image, Image.Image) else Path(image)
    found = find(image if path is None else path, one=one)
    return [Prepared(item.pixels, path, item.box, item.line, item.word) for item in found]


def _as_is(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return an array as an image of the data set; `DataError` where it cannot be one."""
    if image.ndim != 2 or not image.size:
        raise DataError(f"images: found an array of shape {image.shape}, expected (H, W) or (N, H, W)")
    if not np.issubdtype(image.dtype, np.integer) or image.min() < 0 or image.max() > 255:
        raise DataError(
            f"images: found an array of {image.dtype} from {image.min():g} to {image.max():g}, expected "
            "whole numbers from 0 (paper) to 255 (ink), as in the data set (scale it, or give a Pillow image)"
        )
    return image.astype(np.uint8)


def _prediction(found: Prepared, run: RunRecord, shares: Array, classes: tuple[str, ...]) -> Prediction:
    order = np.argsort(-shares, kind="stable")[: RUNNERS_UP + 1]
    first, *others = ((classes[index], float(shares[index])) for index in order)
    return Prediction(
        found.path, run.id, *first, tuple(others), run.temperature, found.box, found.line, found.word
    )
