"""Recognise characters in pictures with a study's trained runs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from assay.data.picture_files import as_trained
from assay.errors import DataError, ShapeError, StoreError, StudyError
from assay.findings.trained import best_run, image_shape, trained
from assay.reading import find
from assay.reading.reader import Box
from assay.records.runs import RunId, RunRecord
from assay.shapes import Array, Shape, of_images, of_input
from assay.store.readout import Readout

if TYPE_CHECKING:
    from PIL import Image

PREPARED = (28, 28)
USUAL: tuple[Shape, ...] = ((1, *PREPARED), (1, 32, 32), (3, 32, 32))
RUNNERS_UP = 3

Picture: TypeAlias = "Path | str | Image.Image | NDArray[np.integer[Any]]"
"""A picture file or a Pillow image, of any size; or an array (H, W) as the data set has its images."""
Pictures: TypeAlias = "Picture | Iterable[Picture]"
"""One picture, several, or an array (N, H, W)."""
OnError = Callable[[DataError], None]


@dataclass(frozen=True)
class Prepared:
    """An image as a network takes it, (H, W) or (H, W, 3), and where it came from; an array has no box."""

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
    trust: Iterable[Path | str] = (),
    on_error: OnError = _fail,
) -> list[Prediction]:
    """Recognise the characters in each of ``images`` with a finished run of ``folder``.

    The run is the one with the best validation accuracy (never test accuracy, which must stay a measurement),
    among those of ``arm`` and ``seed`` where they are given. An image is the path of a PNG or JPEG file or a
    Pillow image, of any size, or an array; one may come alone, several in a list. In pictures the characters
    are found as `assay.read` finds them and prepared as NIST prepared EMNIST's; with ``one``, a picture must
    show one character. For a run on pictures (``images:DIR``), in colour or of another size than 28 x 28, a
    picture is prepared whole, as its images were. An array is used as is, so it must look like the images
    that the run was trained on: whole numbers from 0 (paper) to 255 (ink), of shape (H, W), or (N, H, W) for
    N images, with a last axis of 3 in colour. Returns one prediction a character: picture by picture, in each
    in reading order. Raises `StoreError` for a folder without such a run or one trained on images of another
    size, `StudyError` for an unknown arm, `UsageError` for an unknown seed and `DataError` for an image that
    cannot be read or shows no character; where ``on_error`` takes that error and returns, the image is left
    out. A network with layers of the study's own Python files needs these in ``trust``, or raises
    `UsageError`.
    """
    with Readout.open(folder, trust=trust) as results:
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
    shape = _input_shape(results, run)
    whole = None if _characters(results, shape) else shape
    prepared = [*_prepared(images, one, whole, on_error)]
    shapes = {item.pixels.shape for item in prepared} or {of_images(shape)}
    if len(shapes) > 1:
        sizes = " and ".join(" x ".join(map(str, shape)) for shape in sorted(shapes))
        raise DataError(f"images: found some of {sizes} pixels, expected all of one size")
    found = trained(results, run, of_input(shapes.pop()))
    if not prepared:
        return []
    shares = found.shares(found.scores(np.stack([item.pixels for item in prepared])))
    classes = results.header.classes
    return [_prediction(item, run, row, classes) for item, row in zip(prepared, shares, strict=True)]


def _input_shape(results: Readout, run: RunRecord) -> Shape:
    """Return the input shape of a run's network; the data is loaded where it is none of the usual ones."""
    for shape in USUAL:
        with suppress(StoreError, StudyError, ShapeError):
            return trained(results, run, shape).network.input_shape
    return image_shape(results)


def _characters(results: Readout, shape: Shape) -> bool:
    """Whether the images are characters as NIST prepared them, and not pictures as they are."""
    return shape == (1, *PREPARED) and not results.data.source.startswith(("images:", "parquet:"))


def _prepared(images: Pictures, one: bool, whole: Shape | None, on_error: OnError) -> Iterator[Prepared]:
    """Yield each image that can be read as the network takes it.

    Of pictures that is each of their characters, or the ``whole`` picture, fitted into that shape.
    """
    for image in _each(images, colour=whole is not None and whole[0] == 3):
        try:
            yield from _found(image, one, whole)
        except DataError as error:
            on_error(error)


def _each(images: Any, *, colour: bool) -> Iterator[Any]:
    """Yield the pictures one by one, those of arrays (N, H, W) or (N, H, W, 3) too."""
    if isinstance(images, np.ndarray) and images.ndim != 3 + colour:
        yield images
    elif isinstance(images, Iterable) and not isinstance(images, str | PathLike):
        for image in images:
            yield from _each(image, colour=colour)
    else:
        yield images


def _found(image: Any, one: bool, whole: Shape | None) -> list[Prepared]:
    from PIL import Image

    if isinstance(image, np.ndarray):
        return [Prepared(_as_is(image, colour=whole is not None and whole[0] == 3))]
    if not isinstance(image, Image.Image | str | PathLike):
        kind = type(image).__name__
        raise DataError(f"images: found {kind}, expected paths of picture files, Pillow images or arrays")
    picture = image if isinstance(image, Image.Image) else Path(image)
    path = picture if isinstance(picture, Path) else None
    if whole is not None:
        return [Prepared(as_trained(picture, whole), path)]
    found = find(picture, one=one)
    return [Prepared(item.pixels, path, item.box, item.line, item.word) for item in found]


def _as_is(image: NDArray[Any], *, colour: bool) -> NDArray[np.uint8]:
    """Return an array as an image of the data set; `DataError` where it cannot be one."""
    if image.ndim != 2 + colour or not image.size:
        expected = "(H, W, 3) or (N, H, W, 3)" if colour else "(H, W) or (N, H, W)"
        raise DataError(f"images: found an array of shape {image.shape}, expected {expected}")
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
