"""How a published number and ours are written: in the unit that it is printed in."""

from assay.findings.numbers import NOTHING, fixed, fixed_interval, speed
from assay.findings.published import DECIMALS, PublishedRow
from assay.records.metrics import METRICS
from assay.stats import Interval


def quantity(row: PublishedRow) -> str:
    """Return what was measured, and in which unit."""
    metric = METRICS[row.metric]
    return ", ".join(filter(None, (metric.title, metric.unit)))


def value(row: PublishedRow, number: float | None) -> str:
    """Write one of the numbers of a row."""
    metric = METRICS[row.metric]
    if number is None:
        return NOTHING
    shown = metric.shown(number)
    return fixed(shown, DECIMALS[metric.unit]) if metric.unit in DECIMALS else speed(shown)


def interval(row: PublishedRow, bounds: Interval | None) -> str:
    """Write one of the intervals of a row; none of costs, which another machine had."""
    metric = METRICS[row.metric]
    if bounds is None or metric.unit not in DECIMALS:
        return NOTHING
    low, high = map(metric.shown, bounds)
    return fixed_interval((low, high), DECIMALS[metric.unit])


def falls(row: PublishedRow) -> str:
    """Write where one run of theirs would fall."""
    return interval(row, row.prediction) + (" (cut)" if row.cut else "")


def agrees(row: PublishedRow) -> str:
    """Say in a word whether the printed number lies there."""
    return NOTHING if row.consistent is None else "yes" if row.consistent else "no"
