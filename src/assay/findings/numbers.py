"""How numbers are written, the same in every report: rounded first, then given a sign, and never as "-0.00".

Accuracies and their differences are shares; percent and points are how they are written. The sign of a
negative number is a hyphen in sentences, tables, figures and pages alike, as people type it and programs
read it; only LaTeX sets a minus, in its tables.
"""

from math import floor, isfinite, isnan, log10

from assay.records.metrics import PERCENT
from assay.stats import CostRatio, Interval, MoreSeeds

NOTHING = "–"
"""Placeholder for a missing number."""

MANY = 1_000
"""With more seeds than this needed, seeds will not decide it in practice."""

ROUNDING = 1e-9
"""A share below this is 0 but for the last bits of floating-point numbers."""

_POWERS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def fixed(value: float | None, decimals: int = 2) -> str:
    """Write a number with the given number of decimals: 88.41, 1,234.50."""
    if value is None or isnan(value):
        return NOTHING
    return f"{value:z,.{decimals}f}" if isfinite(value) else "inf"


def loss(value: float | None) -> str:
    """Write a loss with three decimals, a huge one short: 0.412, 7.8e+05."""
    return f"{value:.1e}" if value is not None and isfinite(value) and value >= 1000 else fixed(value, 3)


def in_percent(value: float) -> float:
    """Return a share, or a difference of shares, as a number of percent or points."""
    return PERCENT * value


def share(value: float | None) -> str:
    """Write a share from 0 to 1 as percent without the sign: 88.41."""
    return fixed(None if value is None else in_percent(value))


def percent(value: float | None) -> str:
    """Write a share from 0 to 1 as percent: 88.41%."""
    text = share(value)
    return text if text == NOTHING else f"{text}%"


def whole_percent(value: float) -> str:
    """Write a share in whole percent, but never a small or large one as 0% or 100%: <1%, 63%."""
    text = f"{in_percent(value):.0f}%"
    if text == "0%" and value > 0:
        return "<1%"
    return ">99%" if text == "100%" and value < 1 else text


def points(value: float | None) -> str:
    """Write a difference of shares in percentage points, with its sign where any is left: +0.42, 0.00."""
    return _signed(value, share(value))


def apart(value: float) -> str:
    """Write how far apart two shares are: "0.42 points", "less than 0.01 points"; 0 alone is "0.00"."""
    text = share(abs(value))
    return "less than 0.01 points" if value and text == share(0) else f"{text} points"


def margin(value: float) -> str:
    """Write a margin of accuracies, a share, in points: 0.3 points."""
    text = f"{in_percent(value):.6g}"
    return f"{text} point" if text == "1" else f"{text} points"


def end(value: float) -> str:
    """Write an end of an interval of shares as percent, on its side of zero: 88.20, -0.004."""
    text = share(value)
    if text != share(0) or not ROUNDING < abs(value) < 1:
        return text
    shown = in_percent(value)
    return f"{shown:.{-floor(log10(abs(shown)))}f}"


def interval(value: Interval | None) -> str:
    """Write an interval of shares as percent: 88.20 to 88.61."""
    return NOTHING if value is None else f"{end(value[0])} to {end(value[1])}"


def fixed_interval(value: Interval | None, decimals: int) -> str:
    """Write an interval of numbers with the given number of decimals: 0.412 to 0.433."""
    return NOTHING if value is None else f"{fixed(value[0], decimals)} to {fixed(value[1], decimals)}"


def points_interval(value: Interval | None) -> str:
    """Write an interval of differences of shares: -0.01 to +0.34."""
    if value is None:
        return NOTHING
    low, high = (_signed(bound, end(bound)) for bound in value)
    return f"{low} to {high}"


def ratio(value: CostRatio | None) -> str:
    """Write how many times as much: 1.06, 12.3."""
    return NOTHING if value is None else speed(value.ratio)


def ratio_interval(value: CostRatio | None) -> str:
    """Write the interval of a ratio, nothing where all seeds agree: 0.88 to 1.29."""
    if value is None or value.interval is None or value.interval[0] == value.interval[1]:
        return NOTHING
    return f"{speed(value.interval[0])} to {speed(value.interval[1])}"


def p_value(value: float | None) -> str:
    """Write a p-value to two digits, never as 0."""
    if value is None or isnan(value):
        return NOTHING
    if value < 0.0001:
        return "< 0.0001"
    return f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def p_equals(value: float | None) -> str:
    """Write a p-value as a sentence does: p = 0.062, p < 0.0001."""
    text = p_value(value)
    return text if text == NOTHING else f"p {text}" if text.startswith("<") else f"p = {text}"


def confidence(value: float) -> str:
    """Write a level of confidence: 95%, 98.3%."""
    return f"{in_percent(value):.3g}%"


def interval_name(level: float, n: int = 1) -> str:
    """Write what an interval of this confidence is called, or several: 95% interval, 98.3% intervals."""
    return f"{confidence(level)} interval{'' if n == 1 else 's'}"


def simultaneous(name: str, m: int) -> str:
    """Name the intervals of ``m`` comparisons: several are simultaneous, with the confidence in all."""
    return name if m < 2 else f"simultaneous {name}"


def speed(value: float | None) -> str:
    """Write a number to about three digits, never with an exponent from 0.0001 on: 0.020, 4.56, 1,234."""
    if value is None or not isfinite(value):
        return NOTHING
    size = abs(value)
    if size < 0.0995:
        return f"{value:#.2g}" if value else "0"
    return fixed(value, 2 if size < 9.995 else 1 if size < 99.95 else 0)


def plural(n: int, noun: str) -> str:
    """Write a number with its noun: 1 run, 1,200 runs."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def seeds(n: int, more: str = "") -> str:
    """Write "1 seed", "8 seeds" or "8 more seeds"."""
    return plural(n, f"{more}seed")


def further(more: MoreSeeds) -> str:
    """Write how many more seeds may decide: "perhaps 10 to 200 more seeds"."""
    high = more.high
    if more.low > MANY:
        return f"over {plural(MANY, 'more seed')}"
    if high is None or high > MANY:
        return f"perhaps {more.low:,} to over {plural(MANY, 'more seed')}"
    if more.low == high:
        return seeds(high, "more ")
    return f"perhaps {more.low:,} to {seeds(high, 'more ')}"


def ended(done: int, total: int) -> str:
    """Write how many runs have ended: "6 of 8 runs have come to their end"."""
    return (
        f"{done:,} of {plural(total, 'run')} {'has come to its' if total == 1 else 'have come to their'} end"
    )


def count(value: float | None) -> str:
    """Write a large number in short form: 93.4k, 1.21M."""
    if value is None:
        return NOTHING
    for power, letter in _POWERS:
        if value >= 0.9995 * power:  # which is written as 1.00 of it
            return f"{_short(value / power)}{letter}"
    return fixed(value, 0)


def mebibytes(value: float | None) -> str:
    """Write bytes in MiB without the unit."""
    return NOTHING if value is None else _short(value / 2**20)


def _signed(value: float | None, text: str) -> str:
    """Put a plus before the ``text`` of a positive value, unless it rounds to zero."""
    return text if value is None or not value > 0 or text == share(0) else f"+{text}"


def _short(value: float) -> str:
    """Write a positive number to three digits, without trailing zeros: 1.25, 93.4, 1,024."""
    return f"{value:.3g}" if value < 999.5 else fixed(value, 0)


def names(words: list[str]) -> str:
    """Write a list as a sentence does: a, b and c."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def capital(text: str) -> str:
    """Return ``text`` with its first letter capitalised, except for symbols: t and p stay lower case."""
    return text if text[1:2] == " " else text[:1].upper() + text[1:]
