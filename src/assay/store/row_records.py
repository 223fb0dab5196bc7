"""Rows of the store as the records that they hold."""

import sqlite3
from collections.abc import Sequence
from dataclasses import fields
from math import nan
from operator import attrgetter
from typing import Any

from assay.errors import one_line
from assay.records.runs import EpochRecord, LayerRecord, RunRecord, Status, TestResult
from assay.store.checks import MOST

EPOCH_FIELDS = tuple(field.name for field in fields(EpochRecord))
LOSSES = ("train_loss", "valid_loss")
_LAYER_FIELDS = tuple(field.name for field in fields(LayerRecord))
_of_layer = attrgetter(*_LAYER_FIELDS)


def epoch_values(record: EpochRecord) -> dict[str, Any]:
    """Return an epoch's columns; None for a loss that is not finite, or too large to be believed."""
    values = {name: getattr(record, name) for name in EPOCH_FIELDS}  # much faster than asdict
    for loss in LOSSES:
        values[loss] = values[loss] if abs(values[loss]) <= MOST else None
    return values


def layer_values(record: LayerRecord) -> dict[str, Any]:
    """Return the columns of a layer's record."""
    return dict(zip(_LAYER_FIELDS, _of_layer(record), strict=True))


def run_values(run: RunRecord) -> dict[str, Any]:
    """Return a run's columns."""
    values = {field.name: getattr(run, field.name) for field in fields(run) if field.name != "test"}
    test = run.test
    values["test_loss"] = test.loss if test else None
    values["test_correct"] = test.correct if test else None
    values["test_total"] = test.total if test else None
    return values


def epoch_of(row: Sequence[Any]) -> EpochRecord:
    """Return an epoch, from `EPOCH_FIELDS`; quickly, as there may be a million of them."""
    epoch, train_loss, train_accuracy, valid_loss, *rest = row
    train_loss = nan if train_loss is None else train_loss
    return EpochRecord(epoch, train_loss, train_accuracy, nan if valid_loss is None else valid_loss, *rest)


def layer_of(row: sqlite3.Row) -> LayerRecord:
    """Return a layer's record."""
    return LayerRecord(*(row[name] for name in _LAYER_FIELDS))


def run_of(row: sqlite3.Row) -> RunRecord:
    """Return a run."""
    values = {field.name: row[field.name] for field in fields(RunRecord) if field.name != "test"}
    values["status"], values["stuck"] = Status(values["status"]), bool(values["stuck"])
    if values["message"] is not None:
        values["message"] = one_line(values["message"])  # it may quote anything, and reaches terminals
    if row["test_total"] is not None:
        values["test"] = TestResult(row["test_loss"], row["test_correct"], row["test_total"])
    return RunRecord(**values)
