"""The contract of a store.

- One process writes; any number read at the same time.
- What a method has accepted survives the death of the process, whole or not at all.
- Writing a record again replaces it, so a continued run may repeat its last records.
- A run is ``done`` only together with its test result, in one step.
- Reading never changes anything.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.records.runs import EpochRecord, LayerRecord, RunId, RunRecord

PARTS = 10**12
"""The size of a test set that is not known: accuracies of imported runs are kept in parts of this many."""


@dataclass(frozen=True)
class Header:
    """What all runs in a store have in common."""

    study: Mapping[str, Any]
    """The study as the tables of its file."""
    digest: str
    """The study's digest."""
    data_digest: str
    classes: tuple[str, ...]
    synthetic: bool
    sizes: Mapping[str, int]
    """Number of examples of each split."""
    versions: Mapping[str, str]
    """Versions of assay, Python, NumPy and so on, and the machine."""
    guessing: float | None = None
    """Training accuracy of always answering the most common class; None in a store that lacks it."""


class Store(ABC):
    """Holds a study's header, epochs, runs and answers."""

    @property
    @abstractmethod
    def header(self) -> Header:
        """What the runs have in common."""

    def together(self) -> AbstractContextManager[None]:
        """Return a context in which a store may keep what is recorded at its end, in one step."""
        return nullcontext()

    @abstractmethod
    def add_run(self, run: RunRecord) -> None:
        """Record a run or its current status."""

    def add_runs(self, runs: Iterable[RunRecord]) -> None:
        """Record many runs, where a store can in one step."""
        for run in runs:
            self.add_run(run)

    @abstractmethod
    def add_epoch(self, run: RunId, record: EpochRecord, layers: Sequence[LayerRecord] = ()) -> None:
        """Record an epoch together with its layer records, atomically."""

    @abstractmethod
    def drop_epochs(self, run: RunId, after: int) -> None:
        """Remove a run's epochs beyond ``after``, with their layer records, atomically; 0 stands for all."""

    @abstractmethod
    def finish(self, run: RunRecord, predicted: NDArray[np.int64], correct: NDArray[np.bool_]) -> None:
        """Record a finished run with its answer to every test example, and that the test set was opened."""

    @abstractmethod
    def runs(self) -> list[RunRecord]:
        """Return every run, in the order they were added."""

    @abstractmethod
    def epochs(self, run: RunId) -> list[EpochRecord]:
        """Return a run's epochs in order."""

    @abstractmethod
    def layers(self, run: RunId) -> list[LayerRecord]:
        """Return a run's layer records, epoch by epoch, in the network's order."""

    @abstractmethod
    def correct(self, run: RunId) -> NDArray[np.bool_]:
        """Return which test examples a finished run got right."""

    @abstractmethod
    def predicted(self, run: RunId) -> NDArray[np.int64]:
        """Return the label that a finished run gave each test example."""

    @abstractmethod
    def test_openings(self) -> int:
        """Return how often the test set was used."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""
