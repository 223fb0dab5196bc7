"""Two networks on one test set: McNemar's test of the examples that only one of them gets right."""

from dataclasses import dataclass
from math import comb, sqrt

import scipy

from assay.errors import UsageError


@dataclass(frozen=True)
class McNemar:
    """Of ``total`` examples ``only_a`` are right with a alone and ``only_b`` with b alone.

    ``difference`` (a less b) and its standard error ``se`` are shares of the examples. The exact ``p``
    decides; the mid-p, less conservative, stands beside it. They speak of these two networks, not of two
    methods.
    """

    only_a: int
    only_b: int
    total: int
    difference: float
    se: float
    p: float
    mid_p: float


def mcnemar_test(only_a: int, only_b: int, total: int) -> McNemar:
    """Return the exact two-sided McNemar test (binomial, 1/2) and its mid-p (Fagerland et al. 2013)."""
    discordant = only_a + only_b
    if min(only_a, only_b) < 0 or total < 1 or discordant > total:
        raise UsageError(
            f"mcnemar_test: {only_a} and {only_b} of {total}, expected two counts within the total"
        )
    fewer, gap = min(only_a, only_b), only_a - only_b
    tail = float(scipy.special.bdtr(fewer, discordant, 0.5))
    middle = comb(discordant, fewer) / 2**discordant
    return McNemar(
        only_a=only_a,
        only_b=only_b,
        total=total,
        difference=gap / total,
        se=sqrt(discordant - gap**2 / total) / total,
        p=min(1.0, 2 * tail),
        # Less half the chance of outcomes just as extreme: two of them, or one where the counts are equal.
        mid_p=2 * tail - middle if gap else 1 - middle / 2,
    )
