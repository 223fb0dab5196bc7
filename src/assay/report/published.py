"""Published numbers beside ours: our mean, its interval, and where a single run of ours would fall."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assay.metrics import METRICS, Metric
from assay.report.claims import metric_values
from assay.report.costs import is_computed
from assay.report.waiting import summarised
from assay.results import Results
from assay.source import doubt, unlike_source
from assay.stats import Summary, against_published
from assay.stats.ttest import FEWEST, Interval

DECIMALS = {"%": 2, "nats": 3}
"""How numbers are shown in units that mean the same on every machine; seconds and memory do not."""


@dataclass(frozen=True)
class PublishedRow:
    """One printed number beside ours, in the metric's unit.

    ``ours`` has no interval until there may be a verdict, nor where memory was
    computed. ``prediction`` is
    where one run of ours falls with the confidence of that interval and
    ``consistent`` whether the printed number lies there; both are None below
    three seeds, before there may be a verdict, on synthetic data, and for costs,
    which another machine gave, and ``consistent`` for runs unlike those of the
    source. ``doubt`` says why the printed number may be an error.
    """

    arm: str
    metric: str
    title: str
    unit: str
    printed: float
    ours: Summary
    prediction: Interval | None
    consistent: bool | None
    doubt: str

    @property
    def comparable(self) -> bool:
        """Whether the number is of the kind that two machines share."""
        return self.unit in DECIMALS

    @property
    def decimals(self) -> int:
        """With how many decimals the row's numbers are shown."""
        return DECIMALS.get(self.unit, 3)


def published(results: Results) -> tuple[PublishedRow, ...]:
    """Return every number that the study's source printed, arm by arm as the study lists them."""
    results = results.at_look()
    printed = results.study.published
    judged = not unlike_source(results.study)
    return tuple(
        _row(results, arm.name, METRICS[key], float(value), judged)
        for arm in results.study.arms
        for key, value in printed.get(arm.name, {}).items()
        if key != "doubt"
    )


def _row(results: Results, arm: str, metric: Metric, value: float, judged: bool) -> PublishedRow:
    values = metric_values(results, arm, metric)
    values = values[np.isfinite(values)]
    printed = (
        round(100 * value, 10) if metric.unit == "%" else value
    )  # as printed: 84.13, not 84.13000000000001
    placed = (
        against_published(values, printed, confidence=results.confidence)
        if _can_be_placed(results, metric, len(values))
        else None
    )
    return PublishedRow(
        arm=arm,
        metric=metric.name,
        title=metric.title,
        unit=metric.unit,
        printed=printed,
        ours=_ours(results, arm, metric, values),
        prediction=placed.prediction if placed else None,
        consistent=_lies_within(printed, placed.prediction, metric) if placed and judged else None,
        doubt=doubt(results.study, arm, metric),
    )


def _ours(results: Results, arm: str, metric: Metric, values: NDArray[np.float64]) -> Summary:
    found = summarised(results, values)
    exact = metric is METRICS["peak_memory"] and is_computed(results, arm)
    return replace(found, interval=None) if exact else found


def _can_be_placed(results: Results, metric: Metric, runs: int) -> bool:
    """Whether a printed number has a place among so many runs: the last ones, on images of its kind."""
    whole = results.complete and runs >= FEWEST
    return whole and metric.unit in DECIMALS and not results.header.synthetic


def _lies_within(printed: float, prediction: Interval, metric: Metric) -> bool:
    """Whether a number lies in an interval as both are shown, which of stuck runs is a single number."""
    low, high = (round(number, DECIMALS[metric.unit]) for number in prediction)
    return low <= round(printed, DECIMALS[metric.unit]) <= high
