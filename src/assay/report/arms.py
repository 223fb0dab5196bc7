"""The rows of a report's main table: what each arm reached and what it cost."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from statistics import fmean

from assay.records import RunRecord, Status
from assay.report.numbers import fixed, interval
from assay.report.waiting import summarised
from assay.results import Results
from assay.stats import Summary
from assay.study import Arm


@dataclass(frozen=True)
class ArmRow:
    """One arm over its seeds.

    Accuracies are in percent, losses in nats, memory in bytes. ``test`` is over
    finished runs, without an interval until there may be a verdict. ``valid_best``
    is the mean of each run's best validation accuracy over epochs: picked because
    it is high, hence optimistic. Costs are means over finished runs, ``peak_memory``
    the largest of them. Finished runs that never left chance level are
    ``stuck``; they stay in all of these.
    """

    name: str
    levels: Mapping[str, str]
    values: tuple[float, ...]
    """Test accuracies by seed; NaN where a run has none."""
    test: Summary
    valid_best: float | None
    test_loss: float | None
    steps_per_second: float | None
    seconds_per_epoch: float | None
    peak_memory: int | None
    memory_source: str
    parameters: int | None
    flops: int | None
    engine: str
    statuses: Mapping[Status, int]
    planned: int
    stuck: int

    @property
    def done(self) -> int:
        """How many runs finished with a test result."""
        return self.statuses[Status.DONE]

    @property
    def diverged(self) -> int:
        """How many runs broke off because their loss was no longer a number."""
        return self.statuses[Status.DIVERGED]

    @property
    def spread(self) -> str:
        """The interval, or both values of two runs, for which there is none."""
        if self.test.n == 2:
            return "; ".join(fixed(value) for value in self.values if isfinite(value))
        return interval(self.test.interval)

    @property
    def failed(self) -> int:
        """How many runs an error stopped."""
        return self.statuses[Status.FAILED]


def arm_row(results: Results, arm: Arm) -> ArmRow:
    """Return the row of an arm."""
    runs = results.of(arm.name)
    done = [run for run in runs if run.status is Status.DONE]
    values = 100 * results.accuracies(arm.name)
    best = _mean(run.valid_best for run in done)
    return ArmRow(
        name=arm.name,
        levels=arm.levels,
        values=tuple(values.tolist()),
        test=summarised(results, values),
        valid_best=None if best is None else 100 * best,
        test_loss=_mean(run.test_loss for run in done),
        steps_per_second=_mean(run.steps_per_second for run in done),
        seconds_per_epoch=_mean(run.seconds_per_epoch for run in done),
        peak_memory=max((run.peak_memory for run in done), default=None),
        memory_source=_all(runs, lambda run: run.memory_source),
        parameters=max((run.parameters for run in runs), default=None),
        flops=max((run.flops for run in runs), default=None),
        engine=_all(runs, lambda run: run.engine),
        statuses={status: sum(run.status is status for run in runs) for status in Status},
        planned=len(results.study.seeds),
        stuck=sum(run.stuck for run in runs),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _all(runs: list[RunRecord], key: Callable[[RunRecord], str]) -> str:
    """Return the different words that the runs have under ``key``."""
    return ", ".join(sorted({key(run) for run in runs}))
