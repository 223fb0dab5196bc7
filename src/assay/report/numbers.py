"""How numbers are written, the same in every drawing."""

from math import isfinite, isnan

from assay.stats import CostRatio, Interval

NOTHING = "–"
"""Stands where there is no number."""

MANY = 1_000
"""More seeds than this are as good as none: seeds do not decide it."""

_POWERS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def fixed(value: float | None, decimals: int = 2) -> str:
    """Write a number with so many decimals."""
    if value is None or isnan(value):
        return NOTHING
    return f"{value:.{decimals}f}" if isfinite(value) else "inf"


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


def points(value: float | None) -> str:
    """Write a difference in percentage points with its sign: +0.42."""
    return NOTHING if value is None or isnan(value) else f"{value:+.2f}"


def interval(value: Interval | None, decimals: int = 2) -> str:
    """Write an interval of percentages: 88.20 to 88.61."""
    return NOTHING if value is None else f"{fixed(value[0], decimals)} to {fixed(value[1], decimals)}"


def interval_name(confidence: float, n: int = 1) -> str:
    """Write what an interval is called, or several: 95% interval, 98.3% intervals."""
    return f"{100 * confidence:.3g}% interval{'' if n == 1 else 's'}"


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


def p_equals(value: float | None) -> str:
    """Write a p-value as a sentence does: p = 0.062, p < 0.0001."""
    text = p_value(value)
    return text if text == NOTHING else f"p {text}" if text.startswith("<") else f"p = {text}"


def p_value(value: float | None) -> str:
    """Write a p-value to two digits, never as 0."""
    if value is None:
        return NOTHING
    if value < 0.0001:
        return "< 0.0001"
    return f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def count(value: float | None) -> str:
    """Write a large number short: 93.4k, 1.21M."""
    if value is None:
        return NOTHING
    for power, letter in _POWERS:
        if value >= power:
            return f"{value / power:.3g}{letter}"
    return f"{value:.0f}"


def mebibytes(value: float | None) -> str:
    """Write bytes in MiB without the unit."""
    return NOTHING if value is None else f"{value / 2**20:.3g}" if value < 2**30 else f"{value / 2**20:.0f}"


def speed(value: float | None) -> str:
    """Write a positive number to about three digits: 0.012, 4.56, 42.0, 1234."""
    if value is None or not isfinite(value):
        return NOTHING
    if value < 0.1:
        return f"{value:.2g}"
    return fixed(value, 2 if value < 10 else 1 if value < 100 else 0)


def seeds(n: int, more: str = "") -> str:
    """Write "1 seed", "8 seeds" or "8 more seeds"."""
    return plural(n, f"{more}seed")


def further(n: int) -> str:
    """Write how many more seeds would decide, which few seeds tell roughly: "about 8 more seeds"."""
    return f"over {plural(MANY, 'more seed')}" if n > MANY else f"about {seeds(n, 'more ')}"


def plural(n: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def names(words: list[str]) -> str:
    """Write a list as a sentence does: a, b and c."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def capital(text: str) -> str:
    """Return ``text`` with its first letter large, save where it is a symbol: t and p stay small."""
    return text if text[1:2] == " " else text[:1].upper() + text[1:]
