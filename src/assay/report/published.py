"""Published numbers beside ours: our mean, its interval, and where a single run of ours would fall."""

from dataclasses import dataclass

import numpy as np

from assay.metrics import METRICS, Metric
from assay.report.claims import metric_values
from assay.results import Results
from assay.stats import Summary, against_published, summary
from assay.stats.ttest import FEWEST, Interval

COMPARABLE = ("%", "nats")
"""Units that mean the same on every machine; seconds and memory do not."""


@dataclass(frozen=True)
class PublishedRow:
    """One printed number beside ours, in the metric's unit.

    ``prediction`` is where one run of ours falls with 95% confidence and
    ``consistent`` whether the printed number lies there; both are None below
    three seeds, before the study is complete, on synthetic data, and for costs,
    which another machine gave. ``doubt`` says why the printed number may be an error.
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
        return self.unit in COMPARABLE


def published(results: Results) -> tuple[PublishedRow, ...]:
    """Return every number that the study's source printed, arm by arm as the study lists them."""
    results = results.at_look()
    printed = results.study.published
    return tuple(
        _row(results, arm.name, METRICS[key], float(value), str(printed[arm.name].get("doubt", "")))
        for arm in results.study.arms
        for key, value in printed.get(arm.name, {}).items()
        if key != "doubt"
    )


def _row(results: Results, arm: str, metric: Metric, value: float, doubt: str) -> PublishedRow:
    values = metric_values(results, arm, metric)
    values = values[np.isfinite(values)]
    printed = (
        round(100 * value, 10) if metric.unit == "%" else value
    )  # as printed: 84.13, not 84.13000000000001
    judged = (
        results.complete
        and len(values) >= FEWEST
        and metric.unit in COMPARABLE
        and not results.header.synthetic
    )
    placed = against_published(values, printed) if judged else None
    return PublishedRow(
        arm=arm,
        metric=metric.name,
        title=metric.title,
        unit=metric.unit,
        printed=printed,
        ours=summary(values),
        prediction=placed.prediction if placed else None,
        consistent=placed.consistent if placed else None,
        doubt=doubt,
    )
