"""What passes between the driver and its workers: tasks one way, messages the other.

All of it is plain data that can be pickled, except `Context`, which an
executor is given once.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assay.data import Dataset
from assay.records.runs import RunId, RunRecord
from assay.running.events import Compiling, StepsTaken
from assay.running.plan import Plan
from assay.shapes import Array
from assay.training.train import Progress


@dataclass(frozen=True)
class Context:
    """What all tasks of a study have in common."""

    plan: Plan
    data: Dataset


@dataclass(frozen=True)
class Task:
    """Runs of one arm that a worker trains side by side: at most as many as the engine's sessions take.

    ``engine`` is the name of the arm's engine and ``data`` the digest of the data set: a worker refuses a
    task that was not meant for its context.
    """

    arm: str
    seeds: tuple[int, ...]
    engine: str
    data: str
    progress: tuple[Progress | None, ...] = field(repr=False)
    """Where each run stands, in plain arrays; None before its first epoch has ended."""

    @property
    def runs(self) -> tuple[RunId, ...]:
        """The runs, in the order of ``seeds``."""
        return tuple(RunId(self.arm, seed) for seed in self.seeds)


@dataclass(frozen=True)
class Begun:
    """A worker has begun, or continues, these runs."""

    rows: tuple[RunRecord, ...]


@dataclass(frozen=True)
class EpochTrained:
    """A worker has trained and measured runs for an epoch, side by side; nobody has stored it yet.

    Of each run ``rows`` has what sums it up so far, ``progress`` all that it takes to go on from here; the
    epoch is the last one of its history.
    """

    rows: tuple[RunRecord, ...]
    progress: tuple[Progress, ...] = field(repr=False)


@dataclass(frozen=True)
class Finished:
    """A run has come to its end: it is done, or has diverged.

    ``predicted`` and ``correct`` are the answers to the test set, where it was opened, ``weights`` those of
    the best epoch of a run that is done.
    """

    row: RunRecord
    predicted: NDArray[np.int64] | None = field(default=None, repr=False)
    correct: NDArray[np.bool_] | None = field(default=None, repr=False)
    weights: dict[str, Array] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Failed:
    """A run was ended by an error; ``message`` is one line, ``traceback`` the whole of it."""

    run: RunId
    message: str
    traceback: str = field(repr=False)


Message = Begun | Compiling | StepsTaken | EpochTrained | Finished | Failed
"""What workers tell the driver."""
