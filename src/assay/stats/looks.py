"""Looks at unfinished results: only those that the study declared, each tested at its share of alpha.

Testing after every seed from 3 to 20 at .05 finds a difference between equal arms in 23% of all studies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from assay.errors import UsageError
from assay.stats.ttest import FEWEST


@dataclass(frozen=True)
class Look:
    """One of the declared ``looks``: number ``number`` of them, from 1."""

    number: int
    looks: tuple[int, ...]

    @property
    def seeds(self) -> int:
        """How many seeds it looks at."""
        return self.looks[self.number - 1]

    @property
    def alpha(self) -> float:
        """The level to test at: its share of 5%."""
        return look_alpha(self.looks)

    @property
    def last(self) -> bool:
        """Whether this is the last look."""
        return self.number == len(self.looks)

    def __str__(self) -> str:
        return f"look {self.number} of {len(self.looks)}"


def latest_look(seeds: int, looks: Sequence[int]) -> Look | None:
    """Return the latest of the declared ``looks`` once ``seeds`` are complete, or None before the first."""
    number = sum(look <= seeds for look in looks)
    return Look(number, tuple(looks)) if number else None


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
