"""Costs - seconds, memory - compared by ratio: "1.5 times as long", whatever the machine."""

from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import ArrayLike

from assay.errors import UsageError
from assay.stats.ttest import FEWEST, Interval, check_confidence, finite_row, one_sample


@dataclass(frozen=True)
class CostRatio:
    """The cost of arm a over that of arm b: geometric mean over n seeds, t interval of the logarithms.

    ``interval`` and ``p`` (of "the ratio is 1") are None below three seeds.
    """

    n: int
    ratio: float
    interval: Interval | None
    p: float | None
    confidence: float


def cost_ratio(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> CostRatio:
    """Compare the costs ``a[i]`` and ``b[i]`` of the same seed, positive and in one unit.

    Raises `UsageError` where lengths differ, nothing is given or a cost is not positive.
    """
    check_confidence(confidence, "cost_ratio")
    a, b = finite_row(a, "cost_ratio: a"), finite_row(b, "cost_ratio: b")
    if len(a) != len(b) or not len(a):
        raise UsageError(
            f"cost_ratio: found {len(a)} and {len(b)} costs, expected pairs (one of each arm a seed)"
        )
    if min(a.min(), b.min()) <= 0:
        raise UsageError(f"cost_ratio: found a cost of {min(a.min(), b.min())}, expected positive ones")
    logs = np.log(a) - np.log(b)
    if len(logs) < FEWEST:
        return CostRatio(len(logs), exp(logs.mean()), None, None, confidence)
    # Equal ratios may differ in the last bits.
    test = one_sample(np.round(logs, 12))
    low, high = test.interval(confidence)
    return CostRatio(test.n, exp(test.mean), (exp(low), exp(high)), test.p(), confidence)
