"""Interim results: when there may be intervals, p-values and verdicts."""

from dataclasses import replace

from numpy.typing import ArrayLike

from assay.stats import Summary, summary
from assay.store.readout import Readout
from assay.study.study import Study


def first_look(study: Study) -> int | None:
    """Return the number of seeds of the first verdict; None if it comes only when every run has ended."""
    return study.looks[0] if study.looks else None


def summarised(results: Readout, values: ArrayLike) -> Summary:
    """Summarise one value per seed at the results' level, without an interval until there may be one."""
    found = summary(values, confidence=results.confidence)
    return found if results.complete else replace(found, interval=None)
