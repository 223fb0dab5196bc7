"""Looks at unfinished results: only those that the study declared, each tested at its part of alpha.

Testing after every seed from 3 to 20 at .05 finds a difference between equal arms in 23% of all studies.
"""

from collections.abc import Sequence
from itertools import pairwise

from assay.errors import UsageError
from assay.stats.ttest import FEWEST


def look_alpha(looks: Sequence[int], *, alpha: float = 0.05) -> float:
    """Return the level of each of the declared ``looks``, which are numbers of seeds: alpha / len(looks).

    Raises `UsageError` unless the looks increase from at least 3.
    """
    increasing = all(earlier < later for earlier, later in pairwise(looks))
    if not looks or looks[0] < FEWEST or not increasing:
        raise UsageError(
            f"looks: found {list(looks)}, expected increasing numbers of seeds, the first at least 3"
        )
    if not 0 < alpha < 1:
        raise UsageError(f"looks: alpha is {alpha}, expected between 0 and 1")
    return alpha / len(looks)


def alpha_at(seeds: int, looks: Sequence[int], *, alpha: float = 0.05) -> float | None:
    """Return the level to test at once ``seeds`` are complete, or None: no p and no verdict between looks."""
    level = look_alpha(looks, alpha=alpha)
    return level if seeds in looks else None


def next_look(seeds: int, looks: Sequence[int]) -> int | None:
    """Return the first declared look beyond ``seeds``, or None after the last."""
    look_alpha(looks)
    return next((look for look in looks if look > seeds), None)
