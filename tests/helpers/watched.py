"""What a study tells while it is trained, without training."""

from dataclasses import replace

from tiny import TRAIN, sizes, tiny_study

from assay.records.runs import EpochRecord, RunId, RunRecord, Status, TestResult
from assay.running.events import RunEnded, Started
from assay.running.plan import make_plan


def started(seeds: int = 2, workers: int = 1, done: int = 0) -> Started:
    """Return the beginning of a tiny study, whose first ``done`` runs are there already."""
    plan = make_plan(
        tiny_study("idx:nowhere", seeds=seeds, training={"batch_size": 32}), sizes((1, 14, 14), 6)
    )
    runs = plan.runs
    return Started(plan, tuple(runs[done:]), dict.fromkeys(runs[:done], 3), TRAIN, workers)


def epoch(number: int, seconds: float = 1.0) -> EpochRecord:
    """Return an epoch that took so long."""
    return EpochRecord(number, 1.0, 0.5, 1.0, 0.25, seconds, 77.0)


def ended(run: RunId, status: Status = Status.DONE, stuck: bool = False) -> RunEnded:
    """Return the end of a run."""
    done = status is Status.DONE
    end = RunRecord(run.arm, run.seed, status, "reference", 1, 1, 1, "computed")
    test, message = TestResult(0.4, 3, 4) if done else None, "why" if stuck or not done else None
    return RunEnded(replace(end, test=test, stuck=stuck, message=message))
