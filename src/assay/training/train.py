"""Training: epochs, evaluation, the best epoch, divergence.

`train` is a generator that yields after every epoch, so that its caller can
store the progress, and stop or continue between any two epochs.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from assay.data import Dataset, Split
from assay.engines.base import (
    Engine,
    Evaluation,
    OnSteps,
    Recipe,
    Session,
    State,
    initial_state,
)
from assay.nn.network import Network
from assay.records.machine import processors
from assay.records.runs import EpochRecord, LayerRecord, layers_of_epoch
from assay.shapes import Array
from assay.stats.calibration import calibration_error, fit_temperature
from assay.training.examination import examine


@dataclass
class Progress:
    """A run between two epochs: its state, its best weights so far, its history, and that of its layers."""

    state: State
    best: dict[str, Array] = field(default_factory=dict)
    best_epoch: int = 0
    history: list[EpochRecord] = field(default_factory=list)
    layers: list[LayerRecord] = field(default_factory=list)
    fault: str = ""
    """What was not finite in the last epoch, and since when; empty as long as all is."""

    @property
    def diverged(self) -> bool:
        """Whether a loss, or a number of the state, is no longer finite."""
        return bool(self.fault) or bool(self.history and not _finite(self.history[-1]))

    def ended(self, recipe: Recipe) -> bool:
        """Whether the run takes in no more epochs: it has diverged, or its patience is over."""
        waited = len(self.history) - self.best_epoch
        return self.diverged or (recipe.patience is not None and waited >= recipe.patience)

    @property
    def best_accuracy(self) -> float:
        """The best validation accuracy; below zero before the first epoch."""
        return self.history[self.best_epoch - 1].valid_accuracy if self.best_epoch else -1.0

    def add(self, record: EpochRecord, state: State, layers: Sequence[LayerRecord], broken: int = 0) -> None:
        """Add an epoch; of equally good epochs, the first stays the best.

        ``broken`` is the first step whose loss was not finite, 0 if there was none.
        """
        self.fault = _fault(record, state, broken)
        if not self.fault and _finite(record) and record.valid_accuracy > self.best_accuracy:
            self.best, self.best_epoch = state.weights, record.epoch
        self.history.append(record)
        self.layers += layers
        self.state = state

    def examined(self, epoch: int) -> tuple[LayerRecord, ...]:
        """Return the layer records of ``epoch``; for the first, also those from before training."""
        return layers_of_epoch(self.layers, epoch)


@dataclass(frozen=True)
class Job:
    """Runs to be trained in one session: a network, a recipe, an engine, and seeds."""

    engine: Engine
    network: Network
    recipe: Recipe
    seeds: tuple[int, ...]

    def start(self) -> list[Progress]:
        """Return every run's progress before its first step."""
        return [Progress(initial_state(self.network, self.recipe, seed)) for seed in self.seeds]

    def session(self, states: Sequence[State]) -> Session:
        """Open a session from ``states``."""
        return self.engine.session(self.network, self.recipe, self.seeds, states)


def train(
    session: Session, data: Dataset, runs: list[Progress], on_steps: OnSteps
) -> Iterator[list[Progress]]:
    """Train the runs of ``session`` from where ``runs`` stand to the last epoch.

    Yields ``runs``, brought up to date, after every epoch; their layers are
    examined before the first step too. A run whose loss or state is no longer finite
    has diverged, and one whose validation accuracy has not risen for the
    recipe's ``patience`` stops early: neither takes in any more epochs, the
    others go on, and when none of the session's runs is left, training ends.
    """
    network, recipe = session.network, session.recipe
    for run in runs:
        if not (run.layers or run.history):
            run.layers += examine(network, recipe, run.state, data.train, 0)
    first = max(len(run.history) for run in runs) + 1
    for epoch in range(first, recipe.epochs + 1):
        if all(run.ended(recipe) for run in runs):
            return
        records, states = _epoch(session, data, epoch, on_steps), session.states()
        layers = _examined(session, states, data.train, epoch)
        for run, record, state, found, broken in zip(
            runs, records, states, layers, session.broken(), strict=True
        ):
            if not run.ended(recipe):
                run.add(record, state, found, broken)
        yield runs


def _examined(
    session: Session, states: Sequence[State], split: Split, epoch: int
) -> Iterator[tuple[LayerRecord, ...]]:
    """Examine every run, several at once where a session has several: a GPU trains them faster than that."""
    if len(states) == 1:
        yield examine(session.network, session.recipe, states[0], split, epoch)
        return
    with ThreadPoolExecutor(min(len(states), processors())) as pool:
        yield from pool.map(
            lambda state: examine(session.network, session.recipe, state, split, epoch), states
        )


@np.errstate(over="ignore", invalid="ignore")
def test(session: Session, data: Dataset) -> list[Evaluation]:
    """Open the test set: evaluate each run of a session once, which `at_best` has opened; keep its scores."""
    return session.evaluate(data.test.images, data.test.labels, keep_scores=True)


def at_best(job: Job, runs: Sequence[Progress]) -> Session:
    """Open a session with the weights of each run's best epoch."""
    return job.session([_at_best(run) for run in runs])


@np.errstate(over="ignore", invalid="ignore")
def calibrated(session: Session, data: Dataset, tested: Evaluation) -> tuple[float | None, float | None]:
    """Return the temperature of a run's best weights, and its expected calibration error on the test set.

    The temperature is fitted on the validation set; the error is of the scores that `test` kept.
    """
    [valid] = session.evaluate(data.valid.images, data.valid.labels, keep_scores=True)
    if valid.scores is None or tested.scores is None:
        return None, None
    temperature = fit_temperature(valid.scores, data.valid.labels)
    if temperature is None:
        return None, None
    return temperature, calibration_error(tested.scores, data.test.labels, temperature)


@dataclass(frozen=True)
class Ended:
    """A run's accuracies on all training images at its best and last epochs, and the seconds they took."""

    best: float | None
    final: float
    seconds: float = 0.0


@np.errstate(over="ignore", invalid="ignore")
def at_end(job: Job, data: Dataset, run: Progress) -> Ended:
    """Measure an ended run on all training images, or take it from the history if every epoch did so."""
    last, best = run.history[-1], run.best_epoch
    if measured(job.recipe, data) is data.train:
        return Ended(run.history[best - 1].train_accuracy if best else None, last.train_accuracy)
    final, seconds = _on_all(job, data, run.state)
    if best in (0, last.epoch):
        return Ended(final if best else None, final, seconds)
    chosen, more = _on_all(job, data, _at_best(run))
    return Ended(chosen, final, seconds + more)


def _on_all(job: Job, data: Dataset, state: State) -> tuple[float, float]:
    session = job.session([state])
    begin = session.clock()
    [found] = _measure(session, data.train)
    return found.accuracy, session.clock() - begin


def measured(recipe: Recipe, data: Dataset) -> Split:
    """Return the training examples that a run's epochs are measured on."""
    return data.train if recipe.measure == "all" else data.sample


def _at_best(run: Progress) -> State:
    parameters = {name: run.best[name] for name in run.state.parameters}
    buffers = {name: run.best[name] for name in run.state.buffers}
    return State(parameters, run.state.slots, run.state.step, buffers)


@np.errstate(over="ignore", invalid="ignore")  # a loss that is no longer finite says it all
def _epoch(session: Session, data: Dataset, epoch: int, on_steps: OnSteps) -> list[EpochRecord]:
    begin = session.clock()
    session.train_epoch(data.train.images, data.train.labels, epoch, on_steps)
    trained = session.clock() - begin
    train, valid = _measure(session, measured(session.recipe, data)), _measure(session, data.valid)
    evaluated = session.clock() - begin - trained
    steps = session.recipe.steps(len(data.train))
    return [
        EpochRecord(epoch, t.loss, t.accuracy, v.loss, v.accuracy, trained, steps / trained, evaluated)
        for t, v in zip(train, valid, strict=True)
    ]


def _measure(session: Session, split: Split) -> list[Evaluation]:
    return session.evaluate(split.images, split.labels)


def _fault(record: EpochRecord, state: State, broken: int) -> str:
    """Say what is not finite at the end of an epoch, and since when; empty if all is."""
    if broken:
        return f"the loss was no longer finite at step {broken:,}, in epoch {record.epoch}"
    if name := state.broken():
        return f"{name} was no longer finite after epoch {record.epoch}"
    if not isfinite(record.train_loss):
        return f"the loss was no longer finite after epoch {record.epoch}"
    return (
        ""
        if isfinite(record.valid_loss)
        else f"the validation loss was not finite after epoch {record.epoch}"
    )


def best_epoch_of(history: Sequence[EpochRecord], fault: str = "") -> int:
    """Return the first of the epochs with the highest validation accuracy, of those that are finite; else 0.

    The last one does not count if a ``fault`` was found at its end.
    """
    sound = [record for record in (history[:-1] if fault else history) if _finite(record)]
    best = max(sound, key=lambda record: record.valid_accuracy, default=None)
    return best.epoch if best else 0


def _finite(record: EpochRecord) -> bool:
    return isfinite(record.train_loss) and isfinite(record.valid_loss)
