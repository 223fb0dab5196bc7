"""The rows of a report's main table: what each arm reached and what it cost."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from assay.findings.interim import summarised
from assay.findings.numbers import interval, share
from assay.records.runs import RunRecord, Status
from assay.stats import Summary, outlying_low
from assay.store.readout import Readout
from assay.study.design import Arm


@dataclass(frozen=True)
class ArmRow:
    """One arm over its seeds.

    Accuracies are shares, losses in nats, memory in bytes. ``test`` is over the runs that learnt, or the
    finished ones of an arm that never did, without an interval until there may be a verdict; so are
    ``valid_best``, the mean of each run's best validation accuracy over epochs (picked because it is high,
    hence optimistic), and ``test_loss``. Costs are means over finished runs, ``peak_memory`` the largest of
    them. ``stuck`` finished runs never left chance level. ``outlying`` are test accuracies by seed that lie
    lower than the others explain.
    """

    name: str
    levels: Mapping[str, str]
    values: tuple[float, ...]
    """Test accuracies by seed; NaN where a run has none that counts."""
    test: Summary
    valid_best: float | None
    test_loss: float | None
    steps_per_second: float | None
    seconds_per_epoch: float | None
    """Seconds of training, without evaluation."""
    evaluation_seconds_per_epoch: float | None
    peak_memory: int | None
    memory_source: str
    parameters: int | None
    flops: int | None
    engine: str
    statuses: Mapping[Status, int]
    planned: int
    stuck: int
    outlying: Mapping[int, float]

    @property
    def done(self) -> int:
        """How many runs finished with a test result."""
        return self.statuses[Status.DONE]

    @property
    def diverged(self) -> int:
        """How many runs broke off because their loss was no longer a number."""
        return self.statuses[Status.DIVERGED]

    @property
    def failures(self) -> int:
        """How many runs diverged or learnt nothing."""
        return self.diverged + self.stuck

    @property
    def ended(self) -> int:
        """How many runs ended."""
        return self.done + self.diverged

    @property
    def never_learnt(self) -> bool:
        """Whether runs ended and none of them learnt anything."""
        return 0 < self.ended == self.failures

    @property
    def spread(self) -> str:
        """The interval, or for two runs, which have none, both values."""
        if self.test.n == 2:
            return "; ".join(share(value) for value in self.values if isfinite(value))
        return interval(self.test.interval)

    @property
    def failed(self) -> int:
        """How many runs an error stopped."""
        return self.statuses[Status.FAILED]


def arm_row(results: Readout, arm: Arm) -> ArmRow:
    """Return the row of an arm."""
    runs = results.of(arm.name)
    done = [run for run in runs if run.status is Status.DONE]
    values = results.counted(arm.name)
    counted = results.counting(arm.name)
    return ArmRow(
        name=arm.name,
        levels=arm.levels,
        values=tuple(values.tolist()),
        test=summarised(results, values),
        valid_best=_mean(run.valid_best for run in counted),
        test_loss=_mean(run.test_loss for run in counted),
        steps_per_second=_mean(run.steps_per_second for run in done),
        seconds_per_epoch=_mean(run.seconds_per_epoch for run in done),
        evaluation_seconds_per_epoch=_mean(run.evaluation_seconds_per_epoch for run in done),
        peak_memory=max((run.peak_memory for run in done if not run.imported), default=None),
        memory_source=_all([run for run in runs if not run.imported], lambda run: run.memory_source),
        parameters=max((run.parameters for run in runs if not run.imported), default=None),
        flops=max((run.flops for run in runs if not run.imported), default=None),
        engine=_all(runs, lambda run: run.engine),
        statuses={status: sum(run.status is status for run in runs) for status in Status},
        planned=len(results.study.seeds),
        stuck=sum(run.stuck for run in runs),
        outlying=_outlying(results, values) if results.complete else {},
    )


def _outlying(results: Readout, values: NDArray[np.float64]) -> dict[int, float]:
    """Return the seeds whose accuracy lies lower than the arm's others explain."""
    return {results.study.seeds[place]: float(values[place]) for place in outlying_low(values)}


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _all(runs: list[RunRecord], key: Callable[[RunRecord], str]) -> str:
    """Return the distinct words that the runs have under ``key``."""
    return ", ".join(sorted({key(run) for run in runs}))
