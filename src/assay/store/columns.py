"""The columns of results as tables: a row for each run, and for each epoch of a run."""

from dataclasses import fields
from typing import Any

from assay.records.runs import EpochRecord, RunId, RunRecord

COLUMNS = (
    "arm", "seed", "status", "epochs", "best_epoch", "train_best", "train_final", "valid_best", "valid_final",
    "test_accuracy", "test_loss", "steps_per_second", "seconds_per_epoch", "peak_memory", "memory_source",
    "parameters", "flops", "engine", "stuck", "message", "evaluation_seconds_per_epoch", "processor",
    "temperature", "calibration_error", "host",
)  # fmt: skip
"""The columns of a results table, one row per run; accuracies are shares, memory is in bytes.

Every metric that claims and published numbers name is computed from them (`assay.records.metrics`).
"""

KNOWN_ELSEWHERE = ("arm", "seed", "status", "test_accuracy", "message")
"""The columns that are filled for runs which were imported."""

EPOCH_COLUMNS = ("arm", "seed", *(field.name for field in fields(EpochRecord)))
"""The columns of a table with one row per run and epoch; accuracies are shares, losses in nats."""


def run_row(run: RunRecord) -> dict[str, Any]:
    """Return a run's row, with the columns of `COLUMNS`; None for what an imported run lacks."""
    known = KNOWN_ELSEWHERE if run.imported else COLUMNS
    return {column: getattr(run, column) if column in known else None for column in COLUMNS}


def epoch_row(run: RunId, epoch: EpochRecord) -> dict[str, Any]:
    """Return the row of an epoch, with the columns of `EPOCH_COLUMNS`."""
    return {"arm": run.arm, "seed": run.seed, **vars(epoch)}
