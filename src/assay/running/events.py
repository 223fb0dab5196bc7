"""What a running study tells whoever watches it."""

from collections.abc import Callable
from dataclasses import dataclass

from assay.records.runs import EpochRecord, LayerRecord, RunId, RunRecord
from assay.running.plan import Plan
from assay.stats import Family, Look


@dataclass(frozen=True)
class Loading:
    """There is something to train, and its data is being read or drawn."""

    source: str


@dataclass(frozen=True)
class Started:
    """The study begins, or continues: ``done`` epochs of each run were there already.

    ``pending`` are the runs to train, ``examples`` is the size of the training
    set, ``workers`` how many tasks are trained at once. ``failed`` are the
    rows of runs that failed before: those among the pending ones are trained
    again, the others left alone.
    """

    plan: Plan
    pending: tuple[RunId, ...]
    done: dict[RunId, int]
    examples: int
    workers: int
    failed: tuple[RunRecord, ...] = ()

    def steps(self, arm: str) -> int:
        """Return how many steps an epoch of ``arm`` has, the short last one included."""
        return self.plan.cohort(arm).recipe.steps(self.examples)


@dataclass(frozen=True)
class Compiling:
    """``done`` of ``total`` kernels that an arm needs are compiled; they are kept for the next time."""

    arm: str
    done: int
    total: int


@dataclass(frozen=True)
class StepsTaken:
    """A run has come to ``step`` of its epoch."""

    run: RunId
    epoch: int
    step: int


@dataclass(frozen=True)
class EpochEnded:
    """A run has ended an epoch, and it is stored, with how its layers fared."""

    run: RunId
    record: EpochRecord
    layers: tuple[LayerRecord, ...] = ()


@dataclass(frozen=True)
class RunEnded:
    """A run is done, has diverged or has failed, and that is stored."""

    record: RunRecord


@dataclass(frozen=True)
class Looked:
    """A study that is run until it is resolved has come to a look, and this is what it shows."""

    look: Look
    family: Family


Event = Loading | Started | Compiling | StepsTaken | EpochEnded | RunEnded | Looked
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Watch nothing."""
    del event
