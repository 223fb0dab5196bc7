"""The curves of an arm as numbers to be sent: no more points than a screen has room for."""

from collections.abc import Callable, Sequence
from math import ceil, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.findings.curves import Metric, curves
from assay.records.runs import Status
from assay.store.readout import Readout

MOST_POINTS = 500
"""Points of a curve; where an arm has more epochs, as many as needed are brought together in one."""

Together = Callable[[NDArray[np.float64]], float]


def points(results: Readout, arm: str, metric: Metric, each: bool) -> dict[str, Any]:
    """Return an arm's band and, where ``each``, its runs.

    ``every`` is how many epochs a point stands for, which the arm's planned epochs decide: of the mean it is
    their mean, of the band their extremes, of a run the last of them. Values follow each other from the first
    epoch; beside them stands the last one's epoch. Accuracies are in percent.
    """
    scale = 100.0 if metric.endswith("accuracy") else 1.0
    every = ceil(results.study.arm(arm).settings.recipe.epochs / MOST_POINTS)
    found = curves(results, arm)
    band = found.bands[metric]
    alone = [run for run in results.of(arm) if run.status is not Status.DIVERGED] if each else []
    singles = [(run.seed, [getattr(record, metric) for record in results.epochs(run.id)]) for run in alone]
    broken = [(trace.seed, trace.values) for trace in found.diverged[metric]]

    def of(runs: Sequence[tuple[int, Sequence[float]]]) -> list[Any]:
        return [[seed, _thin(values, every, _last, scale), len(values)] for seed, values in runs if values]

    return {
        "seeds": band.seeds,
        "every": every,
        "last": len(band.epochs),
        "mean": _thin(band.mean, every, np.mean, scale),
        "low": _thin(band.low, every, np.min, scale),
        "high": _thin(band.high, every, np.max, scale),
        "runs": of(singles),
        "diverged": of(broken),
    }


def _thin(values: Sequence[float], every: int, together: Together, scale: float) -> list[float | None]:
    """Return ``values`` with each ``every`` of them brought together; the last point may be of fewer."""
    if every > 1:
        array = np.array(values)
        values = [float(together(array[start : start + every])) for start in range(0, len(array), every)]
    return numbers(values, scale)


def _last(values: NDArray[np.float64]) -> float:
    return float(values[-1])


def numbers(values: Sequence[float], scale: float = 1.0) -> list[float | None]:
    """Return ``values`` with five digits; None for what is not finite, which JSON cannot say."""
    return [float(f"{scale * value:.5g}") if isfinite(value) else None for value in values]
