"""When there may be intervals, p-values and verdicts, and what is said until then."""

from dataclasses import replace

from numpy.typing import ArrayLike

from assay.findings.numbers import seeds
from assay.stats import Summary, summary
from assay.store.readout import Readout
from assay.study.study import Study


def first_verdict(study: Study) -> str:
    """Say before what there is no verdict: "every run has ended", or the first of the declared looks."""
    looks = study.looks
    return f"the first declared look, at {seeds(looks[0])}" if looks else "every run has ended"


def summarised(results: Readout, values: ArrayLike) -> Summary:
    """Summarise one value a seed at the level of the results, without an interval until there may be one."""
    found = summary(values, confidence=results.confidence)
    return found if results.complete else replace(found, interval=None)
