"""What a running study tells whoever watches it."""

from collections.abc import Callable
from dataclasses import dataclass

from assay.plan import Plan
from assay.records import EpochRecord, RunId, RunRecord


@dataclass(frozen=True)
class Started:
    """The study begins, or continues: ``done`` epochs of each run were there already."""

    plan: Plan
    done: dict[RunId, int]
    steps_per_epoch: int
    workers: int


@dataclass(frozen=True)
class StepsTaken:
    """A run has come to ``step`` of its epoch."""

    run: RunId
    epoch: int
    step: int


@dataclass(frozen=True)
class EpochEnded:
    """A run has ended an epoch, and it is stored."""

    run: RunId
    record: EpochRecord


@dataclass(frozen=True)
class RunEnded:
    """A run is done, has diverged or has failed, and that is stored."""

    record: RunRecord


Event = Started | StepsTaken | EpochEnded | RunEnded
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Watch nothing."""
    del event
