"""The unit of accuracies: shares from 0 to 1. Points and percent are wording, for reports."""

from math import inf

import numpy as np

from assay.errors import UsageError

MARGIN = 0.003
"""The difference of accuracies, 0.3 points, below which arms count as equivalent unless a study says
otherwise."""


def check_margin(margin: float, where: str, *, shares: bool = True) -> None:
    """Raise a `UsageError` unless ``margin`` is above 0, and below 1 where values are ``shares``."""
    if not shares and not 0 < margin < inf:
        raise UsageError(f"{where}: margin is {margin:g}, expected a number above 0, in the values' unit")
    if shares and not 0 < margin < 1:
        raise UsageError(
            f"{where}: margin is {margin:g}, expected a share above 0 and below 1 (0.003 is 0.3 points)"
        )


def check_shares(values: np.ndarray, where: str) -> None:
    """Raise a `UsageError` naming the first of ``values`` that is not a share; NaN (a failed run) passes."""
    known = values[np.isfinite(values)]
    outside = known[(known < 0) | (known > 1)]
    if len(outside):
        raise UsageError(
            f"{where}: found {outside[0]:g}, expected accuracies as shares from 0 to 1 (0.884, not 88.4)"
        )
