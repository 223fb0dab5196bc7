"""Logs of a study that other tools show: written after it, or while it runs."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Queue
from threading import Thread
from types import TracebackType
from typing import Any

from assay.errors import one_line
from assay.records.runs import ELSEWHERE, EpochRecord, RunId, RunRecord
from assay.results import Results
from assay.running.events import EpochEnded, Event, OnEvent, RunEnded, Started
from assay.study import tables
from assay.study.design import Arm
from assay.study.study import Study

PATIENCE = 30.0
"""Seconds that a study waits, at its end, for a log that is behind."""

CURVES: Mapping[str, str] = {
    "loss/train": "train_loss",
    "loss/valid": "valid_loss",
    "accuracy/train": "train_accuracy",
    "accuracy/valid": "valid_accuracy",
    "cost/seconds": "seconds",
    "cost/steps_per_second": "steps_per_second",
}
"""What is logged of an epoch: the name in the other tool, and the field of its record."""

ENDS: Mapping[str, str] = {
    "accuracy/test": "test_accuracy",
    "loss/test": "test_loss",
    "accuracy/valid_best": "valid_best",
    "cost/peak_memory": "peak_memory",
}
"""What is logged when a run has ended, by the same names."""


class Log(ABC):
    """A log of a study in another tool's format.

    ``address`` says where it is, and ``errors`` which exceptions mean that it cannot be written there.
    """

    address: str
    errors: tuple[type[Exception], ...] = (OSError,)

    @abstractmethod
    def begin(self, study: Study) -> None:
        """Begin or continue the log of ``study``; called again if seeds are added to it."""

    @abstractmethod
    def epoch(self, run: RunId, record: EpochRecord) -> None:
        """Log an epoch of a run."""

    @abstractmethod
    def ended(self, run: RunRecord) -> None:
        """Log the end of a run."""

    @abstractmethod
    def conclude(self, results: Results) -> None:
        """Log what follows from the results so far: the answer and the verdicts."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""


def replay(results: Results, log: Log) -> None:
    """Write finished results into a log, and close it."""
    try:
        log.begin(results.study)
        for run in results.runs:
            for record in results.epochs(run.id):
                log.epoch(run.id, record)
            if run.status.ended:
                log.ended(run)
        log.conclude(results)
    finally:
        log.close()


def hyperparameters(arm: Arm) -> dict[str, Any]:
    """Return an arm's levels, and its settings under dotted names, such as ``recipe.optimizer.lr``.

    Of an arm that was trained elsewhere the settings are not known.
    """
    settings = arm.settings
    levels = {f"factor.{name}": level for name, level in arm.levels.items()}
    if settings.engine == ELSEWHERE:
        return levels
    named = {"network": settings.architecture, "recipe": settings.recipe, "engine": settings.engine}
    found = tables.flat({key: tables.table(value) for key, value in named.items()})
    network, rule = type(settings.architecture).__name__, settings.recipe.optimizer.title
    return {**levels, "network": network, "rule": rule, **found}


def ends_of(run: RunRecord) -> dict[str, float]:
    """Return what a run reached, by the names under which it is logged; no costs if it was imported."""
    known = {name: field for name, field in ENDS.items() if not (run.imported and name.startswith("cost/"))}
    return values_of(run, known)


def values_of(record: object, names: Mapping[str, str]) -> dict[str, float]:
    """Return the values of a record that are known, by the names under which they are logged."""
    found = {name: getattr(record, field) for name, field in names.items()}
    return {name: float(value) for name, value in found.items() if value is not None}


class Live:
    """A log that is written while a study runs, in a thread of its own; a context manager.

    Called with every event. Whatever the log raises, and however long it takes, the study goes on: after the
    first error, which is said in one line on stderr, nothing more is logged.
    """

    def __init__(
        self, open_log: Callable[[], Log], folder: Path, name: str, patience: float = PATIENCE
    ) -> None:
        self._open, self._folder, self._name, self._patience = open_log, folder, name, patience
        self._begun = False
        self._left: Queue[Callable[[Log], None] | None] = Queue()
        self._thread = Thread(target=self._write, name=f"log {name}", daemon=True)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        match event:
            case Started():
                self._begun = True
                self._left.put(lambda log: log.begin(event.plan.study))
            case EpochEnded():
                self._left.put(lambda log: log.epoch(event.run, event.record))
            case RunEnded():
                self._left.put(lambda log: log.ended(event.record))

    def with_others(self, watch: OnEvent) -> OnEvent:
        """Return what takes every event and passes it on to ``watch``, which may stop the study."""

        def both(event: Event) -> None:
            self(event)
            watch(event)

        return both

    def __enter__(self) -> "Live":
        """Begin to write."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is left to be written, and what follows from the results, but not for ever."""
        if self._begun:
            self._left.put(self._conclude)
        elif kind is None:
            later = f"`assay export {self._folder} --to {self._name}` writes what was trained before"
            self._print(f"nothing was left to train or to log ({later})")
        self._left.put(None)
        self._thread.join(self._patience)
        if self._thread.is_alive():
            self._say(f"is not finished after {self._patience:g} s")

    def _write(self) -> None:
        log: Log | None = None
        try:
            while (write := self._left.get()) is not None:
                log = log or self._open()
                write(log)
        except Exception as error:
            self._say(f"{type(error).__name__}: {error}")
        finally:
            if log is not None:
                self._close(log)

    def _conclude(self, log: Log) -> None:
        with Results.open(self._folder) as results:  # anew: this is another thread
            log.conclude(results)

    def _close(self, log: Log) -> None:
        try:
            log.close()
        except Exception as error:
            self._say(f"{type(error).__name__}: {error}")

    def _say(self, what: str) -> None:
        again = f"`assay export DIR --to {self._name}` writes it later"
        self._print(f"{what} (the study goes on; {again})")

    def _print(self, what: str) -> None:
        print(one_line(f"assay: log {self._name}: {what}"), file=sys.stderr)
