"""The calibration of each arm: whether its networks are as sure as they are right."""

from dataclasses import dataclass
from statistics import fmean, geometric_mean

from assay.stats import Interval
from assay.store.readout import Readout


@dataclass(frozen=True)
class Calibration:
    """How far an arm's probabilities are from the share that is right, over the runs that represent it.

    ``runs`` of them were measured. ``error`` is their mean expected calibration error on the test set, a
    share, ``lowest`` and ``highest`` are those of single runs. ``temperature`` is the geometric mean of what
    scores are divided by, as fitted on the validation set: above 1 networks were surer than they were right.
    All four are None where no run was measured.
    """

    arm: str
    runs: int
    error: float | None = None
    lowest: float | None = None
    highest: float | None = None
    temperature: float | None = None

    def extremes(self) -> Interval | None:
        """Return the lowest and the highest error of a run; None where no run was measured."""
        return None if self.lowest is None or self.highest is None else (self.lowest, self.highest)


def calibration_of(results: Readout) -> tuple[Calibration, ...]:
    """Return a row per arm; none where no run was measured, as in an older store or of imported runs."""
    rows = tuple(_calibration(results, arm.name) for arm in results.study.arms)
    return rows if any(row.runs for row in rows) else ()


def _calibration(results: Readout, arm: str) -> Calibration:
    known = [
        (run.calibration_error, run.temperature)
        for run in results.counting(arm)
        if run.calibration_error is not None and run.temperature is not None
    ]
    if not known:
        return Calibration(arm, 0)
    errors, temperatures = zip(*known, strict=True)
    return Calibration(arm, len(known), fmean(errors), min(errors), max(errors), geometric_mean(temperatures))
