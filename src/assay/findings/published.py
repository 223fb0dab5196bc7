"""Published numbers beside ours: our mean, its interval, and where a single run of theirs would fall."""

from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from assay.findings.claimed_relations import metric_values
from assay.findings.costs import is_computed
from assay.findings.interim import summarised
from assay.records.metrics import METRICS, Metric
from assay.stats import Summary, against_published
from assay.stats.ttest import FEWEST, Interval
from assay.store import PARTS
from assay.store.readout import Readout
from assay.study.as_published import doubt, unlike_source

DECIMALS = {"%": 2, "nats": 3}
"""How numbers are shown in units that mean the same on every machine; seconds and memory do not."""

POSSIBLE: dict[str, Interval] = {"accuracy": (0.0, 1.0), "overfit": (-1.0, 1.0), "loss": (0.0, inf)}
"""The possible range of a number, by the margin of its metric; shares, not percentages."""

SPLITS = {"test_accuracy": "test", "valid_best": "valid", "valid_final": "valid"}
"""The images on which an accuracy is measured that others measured on different images."""


@dataclass(frozen=True)
class PublishedRow:
    """One printed number beside ours, accuracies as shares, memory in bytes.

    ``ours`` has no interval until there may be a verdict, nor where memory was computed. ``prediction`` is
    where one run of theirs falls with the confidence of that interval, had it our mean and spread, assuming
    both test sets are draws of the same kind; ``cut`` says that it would go beyond what is possible.
    ``consistent`` says whether the printed number lies there. Both are None below three seeds, before there
    may be a verdict, on synthetic data, and for costs, which another machine gave, and ``consistent`` for
    runs unlike those of the source. ``doubt`` says why the printed number may be an error.
    """

    arm: str
    metric: str
    printed: float
    ours: Summary
    prediction: Interval | None
    cut: bool
    consistent: bool | None
    doubt: str
    images: tuple[int, int] | None = None
    """The numbers of images, ours and theirs, for accuracies measured on different images."""


def published(results: Readout) -> tuple[PublishedRow, ...]:
    """Return every number that the study's source printed, arm by arm as the study lists them."""
    results = results.at_look()
    printed = results.study.published
    judged = not unlike_source(results.study)
    return tuple(
        _row(results, arm.name, METRICS[key], METRICS[key].printed(float(value)), judged)
        for arm in results.study.arms
        for key, value in printed.get(arm.name, {}).items()
        if key != "doubt"
    )


def _row(results: Readout, arm: str, metric: Metric, printed: float, judged: bool) -> PublishedRow:
    values = metric_values(results, arm, metric)
    values = values[np.isfinite(values)]
    prediction, cut = _prediction(results, metric, values, printed)
    return PublishedRow(
        arm=arm,
        metric=metric.name,
        printed=printed,
        ours=_ours(results, arm, metric, values),
        prediction=prediction,
        cut=cut,
        consistent=_lies_within(printed, prediction, metric) if prediction and judged else None,
        doubt=doubt(results.study, arm, metric),
        images=_images(results, metric),
    )


def _ours(results: Readout, arm: str, metric: Metric, values: NDArray[np.float64]) -> Summary:
    found = summarised(results, values)
    exact = metric is METRICS["peak_memory"] and is_computed(results, arm)
    return replace(found, interval=None) if exact else found


def _prediction(
    results: Readout, metric: Metric, values: NDArray[np.float64], printed: float
) -> tuple[Interval | None, bool]:
    """Return where one run of theirs falls, and whether that was cut to what is possible."""
    whole = results.complete and len(values) >= FEWEST
    if not whole or metric.unit not in DECIMALS or results.header.synthetic:
        return None, False
    images = _images(results, metric)
    low, high = against_published(values, printed, images=images, confidence=results.confidence).prediction
    least, most = POSSIBLE[metric.margin]
    return (max(low, least), min(high, most)), low < least or high > most


def _images(results: Readout, metric: Metric) -> tuple[int, int] | None:
    """Return on how many images ours and theirs were measured; theirs are as many where none are said."""
    if metric.name not in SPLITS:
        return None
    ours = results.header.sizes[SPLITS[metric.name]]
    if ours == PARTS:
        return None
    return ours, results.study.published_images or ours


def _lies_within(printed: float, prediction: Interval, metric: Metric) -> bool:
    """Whether a number lies in an interval as both are shown, which of stuck runs is a single number."""
    low, high, value = (round(metric.shown(x), DECIMALS[metric.unit]) for x in (*prediction, printed))
    return low <= value <= high
