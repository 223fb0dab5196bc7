"""How many examples Hypothesis draws for a test."""

from hypothesis import settings

USUAL = 40


def drawn(count: int) -> int:
    """Return ``count``, or as many times more as the chosen profile draws more than usual."""
    return max(1, round(count * settings.default.max_examples / USUAL))
