"""How numbers are written, the same in every drawing; with what `assay.stats.words` has for sentences."""

from math import isfinite

from assay.stats import CostRatio, Interval
from assay.stats.words import MANY as MANY
from assay.stats.words import NOTHING as NOTHING
from assay.stats.words import confidence as confidence
from assay.stats.words import ended as ended
from assay.stats.words import fixed as fixed
from assay.stats.words import further as further
from assay.stats.words import interval_name as interval_name
from assay.stats.words import p_equals as p_equals
from assay.stats.words import p_value as p_value
from assay.stats.words import plural as plural
from assay.stats.words import points as points
from assay.stats.words import seeds as seeds
from assay.stats.words import speed as speed

_POWERS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def loss(value: float | None) -> str:
    """Write a loss with three decimals, a huge one short: 0.412, 7.8e+05."""
    return f"{value:.1e}" if value is not None and isfinite(value) and value >= 1000 else fixed(value, 3)


def percent(value: float | None) -> str:
    """Write a number of percent: 88.41%."""
    text = fixed(value)
    return text if text == NOTHING else f"{text}%"


def share(value: float | None) -> str:
    """Write a share from 0 to 1 as percent without the sign: 88.41."""
    return fixed(None if value is None else 100 * value)


def interval(value: Interval | None, decimals: int = 2) -> str:
    """Write an interval of percentages: 88.20 to 88.61."""
    return NOTHING if value is None else f"{fixed(value[0], decimals)} to {fixed(value[1], decimals)}"


def points_interval(value: Interval | None) -> str:
    """Write an interval of differences: -0.01 to +0.34."""
    return NOTHING if value is None else f"{points(value[0])} to {points(value[1])}"


def ratio(value: CostRatio | None) -> str:
    """Write how many times as much: 1.06, 12.3."""
    return NOTHING if value is None else speed(value.ratio)


def ratio_interval(value: CostRatio | None) -> str:
    """Write the interval of a ratio, nothing where all seeds agree: 0.88 to 1.29."""
    if value is None or value.interval is None or value.interval[0] == value.interval[1]:
        return NOTHING
    return f"{speed(value.interval[0])} to {speed(value.interval[1])}"


def count(value: float | None) -> str:
    """Write a large number short: 93.4k, 1.21M."""
    if value is None:
        return NOTHING
    for power, letter in _POWERS:
        if value >= 0.9995 * power:  # which is written as 1.00 of it
            return f"{_short(value / power)}{letter}"
    return fixed(value, 0)


def mebibytes(value: float | None) -> str:
    """Write bytes in MiB without the unit."""
    return NOTHING if value is None else _short(value / 2**20)


def _short(value: float) -> str:
    """Write a positive number to three digits, without zeros at its end: 1.25, 93.4, 1,024."""
    return f"{value:.3g}" if value < 999.5 else fixed(value, 0)


def names(words: list[str]) -> str:
    """Write a list as a sentence does: a, b and c."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def capital(text: str) -> str:
    """Return ``text`` with its first letter large, save where it is a symbol: t and p stay small."""
    return text if text[1:2] == " " else text[:1].upper() + text[1:]
