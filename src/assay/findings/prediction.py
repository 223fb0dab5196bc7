"""Recognise characters in pictures with a study's trained runs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from assay.data import prepare
from assay.data.picture_files import as_trained
from assay.errors import DataError, StoreError
from assay.findings.trained import best_run, image_shape, shares, trained
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
Prepared: TypeAlias = tuple[Path | None, NDArray[np.uint8]]
OnError = Callable[[DataError], None]


@dataclass(frozen=True)
class Prediction:
    """The character that a network recognises in one picture.

    ``path`` is the picture's file, None for a Pillow image or an array. ``run`` is the one whose network
    answered. ``confidence`` is its softmax share, 0 to 1; networks are often surer than they are
    right. ``runners_up`` are the next likely characters with theirs.
    """

    path: Path | None
    run: RunId
    character: str
    confidence: float
    runners_up: tuple[tuple[str, float], ...]


def _fail(error: DataError) -> None:
    raise error


def predict(
    folder: Path | str,
    images: Pictures,
    *,
    arm: str | None = None,
    seed: int | None = None,
    trust: Iterable[Path | str] = (),
    on_error: OnError = _fail,
) -> list[Prediction]:
    """Recognise the character in each of ``images`` with a finished run of ``folder``.

    The run is the one with the best validation accuracy (never test accuracy, which must stay a measurement),
    among those of ``arm`` and ``seed`` where they are given. An image is the path of a PNG or JPEG file or a
    Pillow image, of any size, or an array; one may come alone, several in a list. Pictures are prepared as
    NIST prepared EMNIST's, see `assay.data.prepare`, or, for a run on pictures (``images:DIR``), in colour or
    of another size than 28 x 28, as its images were. An array is used as is, so it must look like the images
    that the run was trained on: whole numbers from 0 (paper) to 255 (ink), of shape (H, W), or (N, H, W) for
    N images, with a last axis of 3 in colour. Returns one prediction an image, in their order. Raises
    `StoreError` for a folder without such a run or one trained on images of another size, `StudyError` for
    an unknown arm, `UsageError` for an unknown seed and `DataError` for an image that cannot be read; where
    ``on_error`` takes that error and returns, the image is left out. A network with layers of the study's
    own Python files needs these in ``trust``, or raises `UsageError`.
    """
    with Readout.open(folder, trust=trust) as results:
        return recognise(results, images, arm=arm, seed=seed, on_error=on_error)


def recognise(
    results: Readout,
    images: Pictures,
    *,
    arm: str | None = None,
    seed: int | None = None,
    on_error: OnError = _fail,
) -> list[Prediction]:
    """Do what `predict` does, with results that are already open."""
    run = best_run(results, arm, seed)
    shape = _input_shape(results, run)
    prepared = [*_prepared(images, on_error, None if _characters(results, shape) else shape)]
    shapes = {image.shape for _, image in prepared} or {of_images(shape)}
    if len(shapes) > 1:
        sizes = " and ".join(" x ".join(map(str, shape)) for shape in sorted(shapes))
        raise DataError(f"images: found some of {sizes} pixels, expected all of one size")
    found = trained(results, run, of_input(shapes.pop()))
    if not prepared:
        return []
    scores = found.scores(np.stack([image for _, image in prepared]))
    classes = results.header.classes
    return [_prediction(path, run.id, row, classes) for (path, _), row in zip(prepared, scores, strict=True)]


def _input_shape(results: Readout, run: RunRecord) -> Shape:
    """Return the input shape of a run's network; the data is loaded where it is none of the usual ones."""
    for shape in USUAL:
        with suppress(StoreError):
            return trained(results, run, shape).network.input_shape
    return image_shape(results)


def _characters(results: Readout, shape: Shape) -> bool:
    """Whether the images are characters as NIST prepared them, and not pictures as they are."""
    return shape == (1, *PREPARED) and not results.data.source.startswith(("images:", "parquet:"))


def _prepared(images: Pictures, on_error: OnError, shape: Shape | None) -> Iterator[Prepared]:
    """Yield each image that can be read as the network takes it, with the path of its file.

    Pictures are prepared as characters, or fitted into ``shape``.
    """
    for image in _each(images, colour=shape is not None and shape[0] == 3):
        try:
            yield _one(image, shape)
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


def _one(image: Any, shape: Shape | None) -> Prepared:
    from PIL import Image

    if isinstance(image, np.ndarray):
        return None, _as_is(image, colour=shape is not None and shape[0] == 3)
    if isinstance(image, Image.Image):
        return None, prepare(image) if shape is None else as_trained(image, shape)
    if isinstance(image, str | PathLike):
        path = Path(image)
        return path, prepare(path) if shape is None else as_trained(path, shape)
    kind = type(image).__name__
    raise DataError(f"images: found {kind}, expected paths of picture files, Pillow images or arrays")


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


def _prediction(path: Path | None, run: RunId, scores: Array, classes: tuple[str, ...]) -> Prediction:
    found = shares(scores)
    order = np.argsort(-found, kind="stable")[: RUNNERS_UP + 1]
    first, *others = ((classes[index], float(found[index])) for index in order)
    return Prediction(path, run, *first, tuple(others))
