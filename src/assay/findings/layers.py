"""How the layers of an arm fared epoch by epoch: means over its seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from statistics import fmean
from typing import Literal

from assay.records.metrics import PERCENT
from assay.records.runs import LayerRecord, RunRecord, Status
from assay.store.readout import Readout

Quantity = Literal["gradient_norm", "update_ratio", "dead_share"]
QUANTITIES: tuple[Quantity, ...] = ("gradient_norm", "update_ratio", "dead_share")


@dataclass(frozen=True)
class LayerCurves:
    """The layers of one arm: means over ``seeds`` runs at the end of each epoch, 0 before the first step.

    ``series`` holds, by quantity and by layer in the network's order, a value
    an epoch; nan where no run has a finite one. ``names`` are the layers that
    have any. Dead shares are in percent.
    """

    arm: str
    seeds: int
    epochs: tuple[int, ...]
    names: tuple[str, ...]
    series: Mapping[Quantity, Mapping[str, tuple[float, ...]]]


def layers(results: Readout, arm: str) -> LayerCurves:
    """Return how an arm's layers fared: in its finished runs or, while there are none, in those begun."""
    records = [results.layers(run.id) for run in _chosen(results.of(arm))]
    places: dict[tuple[int, str], list[LayerRecord]] = {}
    for record in (record for run in records for record in run):
        places.setdefault((record.epoch, record.layer), []).append(record)
    epochs = tuple(sorted({epoch for epoch, _ in places}))
    names = tuple(dict.fromkeys(name for _, name in places))
    every = {quantity: _series(places, epochs, names, quantity) for quantity in QUANTITIES}
    shown = tuple(name for name in names if any(name in series for series in every.values()))
    return LayerCurves(arm, sum(map(bool, records)), epochs, shown, every)


def _chosen(runs: list[RunRecord]) -> list[RunRecord]:
    done = [run for run in runs if run.status is Status.DONE]
    return done or [run for run in runs if run.status is not Status.PENDING]


def _series(
    places: Mapping[tuple[int, str], Sequence[LayerRecord]],
    epochs: Sequence[int],
    names: Sequence[str],
    quantity: Quantity,
) -> dict[str, tuple[float, ...]]:
    """Return the layers that have the quantity, with its mean in each epoch."""
    found = {
        name: tuple(_mean(places.get((epoch, name), ()), quantity) for epoch in epochs) for name in names
    }
    return {name: values for name, values in found.items() if any(map(isfinite, values))}


def _mean(records: Sequence[LayerRecord], quantity: Quantity) -> float:
    scale = PERCENT if quantity == "dead_share" else 1.0
    values = [getattr(record, quantity) for record in records]
    finite = [scale * value for value in values if value is not None and isfinite(value)]
    if not finite:
        return nan
    try:
        return fmean(finite)
    except OverflowError:  # of the sum: the mean is a number
        return fmean(value / len(finite) for value in finite)
