"""The rows of the results table: a run before, during and after training."""

from dataclasses import replace
from statistics import fmean, median
from typing import Any

import numpy as np

from assay.engines.base import Evaluation
from assay.records import machine
from assay.records.runs import RunRecord, Status, TestResult
from assay.running.plan import Cohort
from assay.training.train import Ended, Progress


def row(cohort: Cohort, seed: int, status: Status, **more: Any) -> RunRecord:
    """Return a run's row, with columns from its arm's network and engine, and the columns ``more``."""
    return RunRecord(
        arm=cohort.arm.name,
        seed=seed,
        status=status,
        engine=cohort.engine.name,
        parameters=cohort.network.parameter_count,
        flops=cohort.network.flops,
        peak_memory=more.pop("peak_memory", 0),
        memory_source="computed",
        **more,
    )


def under_way(cohort: Cohort, seed: int, progress: Progress | None) -> RunRecord:
    """Return the row of a run that is being trained on this machine, with its progress so far."""
    so_far = _summary(progress) if progress else {}
    here = {"processor": cohort.engine.processor, "host": machine.host()}
    return row(cohort, seed, Status.RUNNING, **here, **so_far)


def at_the_end(
    run: RunRecord,
    status: Status,
    ended: Ended,
    *,
    memory: int,
    message: str | None = None,
    evaluation: Evaluation | None = None,
) -> RunRecord:
    """Return how the row of a ``run`` under way ends; one that is done and has a ``message`` is stuck."""
    spent = run.evaluation_seconds_per_epoch
    return replace(
        run,
        status=status,
        peak_memory=memory,
        message=message,
        stuck=status is Status.DONE and message is not None,
        test=_test_result(evaluation) if evaluation else None,
        train_best=ended.best,
        train_final=ended.final,
        evaluation_seconds_per_epoch=None if spent is None else spent + ended.seconds / run.epochs,
    )


def _summary(progress: Progress) -> dict[str, Any]:
    """Return the columns derived from a run's epochs; there is no best epoch until a loss is finite."""
    history, best = progress.history, progress.best_epoch
    known = [record.evaluation_seconds for record in history if record.evaluation_seconds is not None]
    return {
        "epochs": len(history),
        "best_epoch": best or None,
        "valid_best": history[best - 1].valid_accuracy if best else None,
        "valid_final": history[-1].valid_accuracy,
        "steps_per_second": median(record.steps_per_second for record in history),
        "seconds_per_epoch": fmean(record.seconds for record in history),
        "evaluation_seconds_per_epoch": fmean(known) if known else None,
    }


def _test_result(evaluation: Evaluation) -> TestResult:
    return TestResult(evaluation.loss, int(np.count_nonzero(evaluation.correct)), len(evaluation.correct))
