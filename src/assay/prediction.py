"""Recognise characters in pictures with a study's trained runs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.data import prepare
from assay.engines.base import Images, Session, State
from assay.engines.reference import ReferenceEngine
from assay.errors import DataError, StoreError, UsageError
from assay.network import Network
from assay.records import RunRecord, Status
from assay.results import Results
from assay.shapes import Array, Shape
from assay.store.checkpoints import load_weights, path_of
from assay.training import Job

INPUT_SHAPE: Shape = (1, 28, 28)
RUNNERS_UP = 3


@dataclass(frozen=True)
class Prediction:
    """What a network takes the character of one picture to be.

    ``confidence`` is its softmax share, 0 to 1; networks are often surer than
    they are right. ``runners_up`` are the next likely characters with theirs.
    """

    path: Path
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
    `StudyError` for an unknown arm and `DataError` for a picture that cannot be
    read; where ``on_error`` takes that error and returns, the picture is left out.
    """
    results = Results.open(folder)
    try:
        run = best_run(results, arm, seed)
        session = _session(results, run)
        classes = results.header.classes
    finally:
        results.close()
    prepared = _prepared(images, on_error)
    if not prepared:
        return []
    stacked: Images = np.stack([image for _, image in prepared])
    return [
        _prediction(path, scores, classes)
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


def best_run(results: Results, arm: str | None = None, seed: int | None = None) -> RunRecord:
    """Return the finished run with the best validation accuracy; the first of equally good ones."""
    if arm is not None:
        results.study.arm(arm)
    if seed is not None and seed not in results.study.seeds:
        raise UsageError(f"{results.folder}: no run has seed {seed} (seeds: {_some(results.study.seeds)})")
    runs = [
        run
        for run in results.runs
        if run.status is Status.DONE and arm in (None, run.arm) and seed in (None, run.seed)
    ]
    if not runs:
        raise StoreError(f"{results.folder}: no such run is finished (see `assay status {results.folder}`)")
    return max(runs, key=lambda run: run.valid_best or 0.0)


def _session(results: Results, run: RunRecord) -> Session:
    """Rebuild a run's network with its weights, in the engine that has every layer."""
    settings = results.study.arm(run.arm).settings
    network = settings.architecture.build(INPUT_SHAPE, len(results.header.classes))
    _expect_size(results, run, network)
    state = _state(path_of(results.folder, run.id), network)
    return Job(ReferenceEngine(), network, settings.recipe, (run.seed,)).session([state])


def _state(path: Path, network: Network) -> State:
    """Read a run's weights; `StoreError` if they are not this network's."""
    weights = load_weights(path)
    buffers = network.initial_buffers()
    expected = {name: parameter.shape for name, parameter in network.parameters.items()}
    expected |= {name: value.shape for name, value in buffers.items()}
    if {name: value.shape for name, value in weights.items()} != expected:
        raise StoreError(f"{path}: holds the weights of another network (run the study in another folder)")
    parameters = {name: weights[name] for name in network.parameters}
    return State(parameters, {}, buffers={name: weights[name] for name in buffers})


def _expect_size(results: Results, run: RunRecord, network: Network) -> None:
    """Refuse a run on images of another size: convolutions would take pictures, and mistake them."""
    if (network.flops, network.parameter_count) != (run.flops, run.parameters):
        raise StoreError(
            f"{results.folder}: was not trained on images of 28 x 28 pixels, as pictures are prepared to be"
        )


def _prediction(path: Path, scores: Array, classes: tuple[str, ...]) -> Prediction:
    shares = np.exp(scores.astype(np.float64) - scores.max())
    shares /= shares.sum()
    order = np.argsort(-shares, kind="stable")[: RUNNERS_UP + 1]
    first, *others = ((classes[index], float(shares[index])) for index in order)
    return Prediction(path, *first, tuple(others))


def _some(seeds: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, seeds[:10]))
    return f"{shown}, ..." if len(seeds) > 10 else shown
