"""The events that a running study reports to its watchers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from assay.records.runs import EpochRecord, LayerRecord, RunId, RunRecord
from assay.running.deaths import Death
from assay.running.plan import Plan
from assay.stats import Family, Look


@dataclass(frozen=True)
class Loading:
    """There is something to train, and the data is being read or drawn."""

    source: str


@dataclass(frozen=True)
class Started:
    """The study begins or continues; ``done`` is how many epochs of each run were already complete.

    ``pending`` are the runs to train, ``examples`` is the size of the training
    set, ``workers`` how many tasks are trained at once. ``failed`` are the
    rows of runs that failed before: those that are also pending are trained
    again, the others are left alone. ``slow`` says of arms for whose own layers there is only the
    reference engine how many seconds a run trains. ``deaths`` are the runs
    that the study's process died in. ``ending`` says of each arm how many times as long as after an
    epoch is evaluated when a run ends. ``last`` is the last epoch of each run that had one.
    """

    plan: Plan
    pending: tuple[RunId, ...]
    done: dict[RunId, int]
    examples: int
    workers: int
    failed: tuple[RunRecord, ...] = ()
    slow: Mapping[str, float] = field(default_factory=dict)
    deaths: tuple[Death, ...] = ()
    ending: Mapping[str, float] = field(default_factory=dict)
    last: Mapping[RunId, EpochRecord] = field(default_factory=dict)

    def steps(self, arm: str) -> int:
        """Return how many steps an epoch of ``arm`` has, including a last step on a smaller minibatch."""
        return self.plan.cohort(arm).recipe.steps(self.examples)


@dataclass(frozen=True)
class Compiling:
    """``done`` of the ``total`` kernels that an arm needs are compiled; they are cached for later."""

    arm: str
    done: int
    total: int


@dataclass(frozen=True)
class StepsTaken:
    """A run has reached ``step`` of its epoch."""

    run: RunId
    epoch: int
    step: int


@dataclass(frozen=True)
class EpochEnded:
    """A run has finished an epoch, which is stored together with the records of its layers."""

    run: RunId
    record: EpochRecord
    layers: tuple[LayerRecord, ...] = ()


@dataclass(frozen=True)
class RunEnded:
    """A run is done, has diverged or has failed, and that is stored."""

    record: RunRecord


@dataclass(frozen=True)
class Looked:
    """A study that is run until it is resolved has reached a look, and this is what it shows."""

    look: Look
    family: Family


Event = Loading | Started | Compiling | StepsTaken | EpochEnded | RunEnded | Looked
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Ignore the event."""
    del event
