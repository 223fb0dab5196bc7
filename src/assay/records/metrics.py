"""The metrics of a run: their units, which direction is better, and how large a difference matters.

Accuracies are shares from 0 to 1, compared by difference; losses (nats) and costs (seconds, bytes) are
compared by ratio. ``scale`` turns a value into the unit that reports print.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import log
from typing import Any

from assay.errors import StudyError, suggestion
from assay.records.runs import RunRecord

PERCENT = 100.0
"""Converts a share to percent, and a difference of shares to points."""

Value = Callable[[RunRecord], float | None]
"""Maps a finished run, given by its columns in a results table, to a number, or None if it has none."""


class Failing(StrEnum):
    """How a metric treats a run that diverged or never left chance level."""

    WORST = "worst"
    """Worse than every run that learnt: for accuracy and loss."""
    UNDEFINED = "undefined"
    """Nothing to compare: a run that learnt nothing cannot overfit."""
    AS_MEASURED = "as measured"
    """A cost like any other: an epoch takes its time whatever is learnt in it."""


@dataclass(frozen=True)
class Margin:
    """How large a difference matters unless a study says otherwise: in points, or as a factor above 1."""

    default: float
    factor: bool

    @property
    def expected(self) -> str:
        """The values that a study may declare, as text."""
        if self.factor:
            return f"a factor above 1, at most {MOST_FACTOR}"
        return f"points, a number above 0 and below {MOST_POINTS}"

    def allows(self, value: object) -> bool:
        """Whether a study may declare ``value``."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return 1 < value <= MOST_FACTOR if self.factor else 0 < value < MOST_POINTS

    def threshold(self, value: float) -> float:
        """Return the margin in the unit of paired differences: a share, or the logarithm of a factor."""
        return log(value) if self.factor else value / PERCENT


MOST_POINTS = 100
MOST_FACTOR = 10
MARGINS: dict[str, Margin] = {
    "accuracy": Margin(0.3, factor=False),
    "overfit": Margin(0.3, factor=False),
    "loss": Margin(1.05, factor=True),
    "time": Margin(1.05, factor=True),
    "memory": Margin(1.05, factor=True),
}
"""Margins by the names that a study's ``margins`` table uses.

Differences of 0.3 points are what people publish; repeated timings on one machine differ by a few percent.
"""


@dataclass(frozen=True)
class Metric:
    """One quantity of a run; ``margin`` names the margin it is judged by.

    ``ratio`` says that arms are compared by ratio rather than by difference.
    """

    name: str
    title: str
    value: Value
    margin: str
    higher_is_better: bool
    failing: Failing = Failing.WORST
    scale: float = 1.0
    ratio: bool = False
    unit: str = ""

    def printed(self, value: float) -> float:
        """Convert a number from a study file (a share, or in the unit of reports) to the unit of runs."""
        return value if self.scale == PERCENT else value / self.scale

    def shown(self, value: float) -> float:
        """Convert a value to the unit that reports print: 84.13, not 84.13000000000001."""
        return round(self.scale * value, 10) if self.scale == PERCENT else self.scale * value


def check_margins(margins: Mapping[str, Any], where: str) -> None:
    """Refuse margins of unknown metrics, and numbers that are not valid margins."""
    for name, value in margins.items():
        if name not in MARGINS:
            raise StudyError(f"{where}: margins: unknown key {name!r} ({suggestion(name, MARGINS)})")
        if not MARGINS[name].allows(value):
            raise StudyError(f"{where}: margins.{name}: expected {MARGINS[name].expected}; got {value!r}")


def _overfit(run: RunRecord) -> float | None:
    if run.train_final is None or run.valid_final is None:
        return None
    return run.train_final - run.valid_final


def _peak_memory(run: RunRecord) -> float | None:
    return None if run.imported else run.peak_memory


def _accuracy(name: str, title: str, value: Value) -> Metric:
    return Metric(name, title, value, "accuracy", higher_is_better=True, scale=PERCENT, unit="%")


def _cost(name: str, title: str, value: Value, margin: str, unit: str, scale: float = 1.0) -> Metric:
    """Return a metric of a run's cost, of which less is better."""
    return Metric(name, title, value, margin, False, Failing.AS_MEASURED, scale=scale, ratio=True, unit=unit)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _accuracy("test_accuracy", "test accuracy", lambda run: run.test_accuracy),
        _accuracy("valid_best", "best validation accuracy", lambda run: run.valid_best),
        _accuracy("valid_final", "last validation accuracy", lambda run: run.valid_final),
        _accuracy("train_final", "last training accuracy", lambda run: run.train_final),
        Metric(
            "overfit", "training less validation accuracy", _overfit, "overfit",
            higher_is_better=False, failing=Failing.UNDEFINED, scale=PERCENT, unit="%",
        ),
        Metric(
            "test_loss", "test loss", lambda run: run.test_loss, "loss",
            higher_is_better=False, ratio=True, unit="nats",
        ),
        _cost("seconds_per_epoch", "time per epoch", lambda run: run.seconds_per_epoch, "time", "s"),
        replace(
            _cost("steps_per_second", "speed", lambda run: run.steps_per_second, "time", "steps/s"),
            higher_is_better=True,
        ),
        _cost("epochs", "epochs trained", lambda run: run.epochs or None, "time", "epochs"),
        _cost("peak_memory", "peak memory", _peak_memory, "memory", "MiB", 2**-20),
    )
}  # fmt: skip
"""All metrics by the names that study files use."""
