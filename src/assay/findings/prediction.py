"""Recognise characters in pictures with a study's trained runs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.data import prepare
from assay.engines.base import Images, Session
from assay.engines.reference import ReferenceEngine
from assay.errors import DataError
from assay.findings import trained as inspection
from assay.records.runs import RunId
from assay.results import Results
from assay.shapes import Array, Shape
from assay.training.train import Job

INPUT_SHAPE: Shape = (1, 28, 28)
RUNNERS_UP = 3


@dataclass(frozen=True)
class Prediction:
    """What a network takes the character of one picture to be.

    ``run`` is the one whose network answered. ``confidence`` is its softmax
    share, 0 to 1; networks are often surer than they are right. ``runners_up``
    are the next likely characters with theirs.
    """

    path: Path
    run: RunId
    character: str
    confidence: float
    runners_up: tuple[tuple[str, float], ...]


OnError = Callable[[DataError], None]


def _fail(error: DataError) -> None:
    raise error


def predict(
    folder: Path | str,
    images: Iterable[Path | str],
    *,
    arm: str | None = None,
    seed: int | None = None,
    on_error: OnError = _fail,
) -> list[Prediction]:
    """Recognise the character in each of ``images``, PNG or JPEG files, with a finished run of ``folder``.

    The run is the one with the best validation accuracy (never test accuracy,
    which must stay a measurement), among those of ``arm`` and ``seed`` where
    they are given. Pictures are prepared as NIST prepared EMNIST's, see
    `assay.data.prepare`. Raises `StoreError` for a folder without such a run,
    `StudyError` for an unknown arm, `UsageError` for an unknown seed and `DataError` for a picture that
    cannot be read; where ``on_error`` takes that error and returns, the picture is left out.
    """
    results = Results.open(folder)
    try:
        run = inspection.best_run(results, arm, seed)
        session = _session(inspection.trained(results, run, INPUT_SHAPE), results)
        classes = results.header.classes
    finally:
        results.close()
    prepared = _prepared(images, on_error)
    if not prepared:
        return []
    stacked: Images = np.stack([image for _, image in prepared])
    return [
        _prediction(path, run.id, scores, classes)
        for (path, _), scores in zip(prepared, session.scores(stacked)[0], strict=True)
    ]


def _prepared(images: Iterable[Path | str], on_error: OnError) -> list[tuple[Path, NDArray[np.uint8]]]:
    found = []
    for path in map(Path, images):
        try:
            found.append((path, prepare(path)))
        except DataError as error:
            on_error(error)
    return found


def _session(found: inspection.Trained, results: Results) -> Session:
    """Open a session in the engine that has every layer."""
    recipe = results.study.arm(found.run.arm).settings.recipe
    return Job(ReferenceEngine(), found.network, recipe, (found.run.seed,)).session([found.state])


def _prediction(path: Path, run: RunId, scores: Array, classes: tuple[str, ...]) -> Prediction:
    shares = inspection.shares(scores)
    order = np.argsort(-shares, kind="stable")[: RUNNERS_UP + 1]
    first, *others = ((classes[index], float(shares[index])) for index in order)
    return Prediction(path, run, *first, tuple(others))
