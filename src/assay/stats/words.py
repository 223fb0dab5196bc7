"""How numbers are written in sentences and tables: rounded first, then given a sign, and never as "-0.00"."""

from math import isfinite, isnan

NOTHING = "–"
"""Stands where there is no number."""

MANY = 1_000
"""More seeds than this are as good as none: seeds do not decide it."""


def fixed(value: float | None, decimals: int = 2) -> str:
    """Write a number with so many decimals: 88.41, 1,234.50."""
    if value is None or isnan(value):
        return NOTHING
    return f"{value:z,.{decimals}f}"


def points(value: float | None) -> str:
    """Write a difference in percentage points with its sign, where any is left: +0.42, 0.00."""
    text = fixed(value)
    return text if value is None or not value > 0 or text == fixed(0) else f"+{text}"


def apart(value: float) -> str:
    """Write how far two means are apart: "0.42 points", "less than 0.01 points"."""
    text = fixed(abs(value))
    return "less than 0.01 points" if value and text == fixed(0) else f"{text} points"


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
    return f"{100 * value:.3g}%"


def interval_name(level: float, n: int = 1) -> str:
    """Write what an interval of this confidence is called, or several: 95% interval, 98.3% intervals."""
    return f"{confidence(level)} interval{'' if n == 1 else 's'}"


def speed(value: float | None) -> str:
    """Write a positive number to about three digits: 0.012, 4.56, 42.0, 1,234."""
    if value is None or not isfinite(value):
        return NOTHING
    if value < 0.0995:
        return f"{value:.2g}" if value else "0"
    return fixed(value, 2 if value < 9.995 else 1 if value < 99.95 else 0)


def plural(n: int, noun: str) -> str:
    """Write a number with its noun: 1 run, 1,200 runs."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def seeds(n: int, more: str = "") -> str:
    """Write "1 seed", "8 seeds" or "8 more seeds"."""
    return plural(n, f"{more}seed")


def further(n: int) -> str:
    """Write how many more seeds would decide, which few seeds tell roughly: "about 8 more seeds"."""
    return f"over {plural(MANY, 'more seed')}" if n > MANY else f"about {seeds(n, 'more ')}"


def ended(done: int, total: int) -> str:
    """Write how many runs are over: "6 of 8 runs have come to their end"."""
    over = "has come to its end" if total == 1 else "have come to their end"
    return f"{done:,} of {plural(total, 'run')} {over}"
