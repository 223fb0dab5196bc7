"""What passes between the driver and its workers: tasks one way, messages the other.

All of it is plain data that can be pickled, except `Context`, which an
executor is given once.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from assay.data import Dataset
from assay.records.runs import RunId, RunRecord
from assay.running.events import Compiling, StepsTaken
from assay.running.plan import Plan, same_plan
from assay.shapes import Array
from assay.study.sent_code import SentCode, packed, receive
from assay.study.study import Study
from assay.training.train import Progress


@dataclass(frozen=True)
class Context:
    """What all tasks of a study have in common."""

    plan: Plan
    data: Dataset


@dataclass(frozen=True)
class SentStudy:
    """A study as it travels to workers elsewhere: its tables, each arm's engine and the user's own ``code``.

    The data goes by itself. ``key`` tells one run of an executor from others.
    """

    tables: dict[str, Any]
    engines: dict[str, str]
    code: SentCode = field(repr=False, default_factory=dict)
    key: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def of(cls, plan: Plan) -> "SentStudy":
        """Return what makes the same plan elsewhere."""
        engines = {cohort.arm.name: cohort.engine.name for cohort in plan.cohorts}
        return cls(plan.study.to_tables(), engines, packed(plan.study.code, plan.study.name))

    def received(self, data: Dataset) -> "ReceivedStudy":
        """Return the study where it has arrived.

        Raises `StudyError` where the user's code is not what the study names.
        """
        where = "the study sent by the driver"
        receive(self.code, self.tables.get("code", {}), where)
        return ReceivedStudy(Study.from_tables(self.tables, where), data, self.engines)


@dataclass(frozen=True)
class ReceivedStudy:
    """A study where a driver has sent it. An arm is planned when a task of it comes: others may need more."""

    study: Study
    data: Dataset
    engines: dict[str, str]
    planned: dict[str, Context] = field(default_factory=dict, repr=False)

    def context(self, arm: str) -> Context:
        """Return the driver's context, as far as an arm's tasks need it."""
        if arm not in self.planned:
            plan = same_plan(self.study, self.data, self.study.arm(arm), self.engines[arm])
            self.planned[arm] = Context(plan, self.data)
        return self.planned[arm]


@dataclass(frozen=True)
class Task:
    """Runs of one arm that a worker trains side by side, at most as many as the engine's sessions take.

    ``engine`` is the name of the arm's engine and ``data`` the digest of the data set: a worker refuses a
    task that was not meant for its context.
    """

    arm: str
    seeds: tuple[int, ...]
    engine: str
    data: str
    progress: tuple[Progress | None, ...] = field(repr=False)
    """The progress of each run, in plain arrays; None before its first epoch has ended."""

    @property
    def runs(self) -> tuple[RunId, ...]:
        """The runs, in the order of ``seeds``."""
        return tuple(RunId(self.arm, seed) for seed in self.seeds)


@dataclass(frozen=True)
class Begun:
    """A worker has begun or continued these runs."""

    rows: tuple[RunRecord, ...]


@dataclass(frozen=True)
class EpochTrained:
    """A worker has trained and measured runs for an epoch, side by side; the epoch is not stored yet.

    For each run, ``rows`` has its summary so far and ``progress`` all that is needed to continue it; the
    epoch is the last one in its history.
    """

    rows: tuple[RunRecord, ...]
    progress: tuple[Progress, ...] = field(repr=False)


@dataclass(frozen=True)
class Finished:
    """A run has ended: it is done, or has diverged.

    ``predicted`` and ``correct`` are the answers to the test set, if it was opened; ``weights`` are those of
    the best epoch, if the run is done.
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
"""What workers send to the driver."""
