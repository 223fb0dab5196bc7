"""What is measured of a run, and in which unit it is compared.

Accuracies are compared as differences in percentage points, costs by ratio.
"""

from collections.abc import Callable
from dataclasses import dataclass

from assay.records import RunRecord

Value = Callable[[RunRecord], float | None]
"""A finished run to a number, by its columns in a results table; None where it has none."""


@dataclass(frozen=True)
class Metric:
    """One quantity of a finished run; shares are multiplied by ``scale`` = 100 to be percentages.

    ``ratio`` says that arms are compared by ratio rather than by difference.
    """

    name: str
    title: str
    value: Value
    scale: float = 1.0
    ratio: bool = False
    unit: str = ""

    def of(self, run: RunRecord) -> float | None:
        """Return the quantity in the unit that reports print, or None where the run has none."""
        found = self.value(run)
        return None if found is None else self.scale * found


def _overfit(run: RunRecord) -> float | None:
    if run.train_final is None or run.valid_final is None:
        return None
    return run.train_final - run.valid_final


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("test_accuracy", "test accuracy", lambda run: run.test_accuracy, 100, unit="%"),
        Metric("valid_best", "best validation accuracy", lambda run: run.valid_best, 100, unit="%"),
        Metric("valid_final", "last validation accuracy", lambda run: run.valid_final, 100, unit="%"),
        Metric("train_final", "last training accuracy", lambda run: run.train_final, 100, unit="%"),
        Metric("overfit", "training less validation accuracy", _overfit, 100, unit="%"),
        Metric("test_loss", "test loss", lambda run: run.test_loss, ratio=True, unit="nats"),
        Metric(
            "seconds_per_epoch", "time per epoch", lambda run: run.seconds_per_epoch, ratio=True, unit="s"
        ),
        Metric("steps_per_second", "speed", lambda run: run.steps_per_second, ratio=True, unit="steps/s"),
        Metric("peak_memory", "peak memory", lambda run: run.peak_memory, 2**-20, ratio=True, unit="MiB"),
    )
}
"""Every metric by the name that study files use."""
