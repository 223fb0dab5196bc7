"""What an arm did epoch by epoch: means over its seeds, with a band from the lowest seed to the highest."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assay.records.runs import EpochRecord, RunRecord, Status
from assay.store.readout import Readout

Metric = Literal["train_accuracy", "valid_accuracy", "train_loss", "valid_loss"]
METRICS: tuple[Metric, ...] = ("valid_accuracy", "train_accuracy", "valid_loss", "train_loss")


@dataclass(frozen=True)
class Band:
    """One metric of one arm: the mean, lowest and highest over ``seeds`` runs at the end of each epoch.

    Accuracies are shares, losses in nats.
    """

    seeds: int
    epochs: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Trace:
    """One metric of one diverged run, up to the epoch in which it broke off."""

    seed: int
    epochs: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Curves:
    """All curves of an arm."""

    arm: str
    bands: dict[Metric, Band]
    diverged: dict[Metric, tuple[Trace, ...]]


def curves(results: Readout, arm: str) -> Curves:
    """Return the curves of an arm.

    The bands hold the runs that learnt, or else all that finished, or, while there is none, those begun as
    far as all of them have come. Diverged runs would distort a mean and are kept as they are, one by one.
    """
    runs = results.of(arm)
    history = {run.seed: results.epochs(run.id) for run in runs if run.status is not Status.PENDING}
    chosen = [history[run.seed] for run in _chosen(runs) if history[run.seed]]
    broken = [run for run in runs if run.status is Status.DIVERGED]
    return Curves(
        arm,
        {metric: _band(chosen, metric) for metric in METRICS},
        {metric: tuple(_trace(run.seed, history[run.seed], metric) for run in broken) for metric in METRICS},
    )


def _chosen(runs: list[RunRecord]) -> list[RunRecord]:
    done = [run for run in runs if run.status is Status.DONE]
    return (
        [run for run in done if not run.stuck]
        or done
        or [run for run in runs if run.status in (Status.RUNNING, Status.STOPPED)]
    )


def _band(history: list[list[EpochRecord]], metric: Metric) -> Band:
    length = min((len(records) for records in history), default=0)
    if not length:
        return Band(0, (), (), (), ())
    values = np.array([_values(records[:length], metric) for records in history])
    epochs = tuple(record.epoch for record in history[0][:length])
    rows = (values.mean(axis=0), values.min(axis=0), values.max(axis=0))
    return Band(len(history), epochs, *(tuple(row.tolist()) for row in rows))


def _trace(seed: int, records: list[EpochRecord], metric: Metric) -> Trace:
    return Trace(seed, tuple(record.epoch for record in records), tuple(_values(records, metric)))


def _values(records: list[EpochRecord], metric: Metric) -> list[float]:
    return [float(getattr(record, metric)) for record in records]
