"""How many more seeds: whether the range holds the number, and what adding them and looking again costs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy

from assay.stats import equivalence_power, minimum_detectable_difference, seeds_for_equivalence
from assay.stats.forecast import CONFIDENCE
from assay.stats.shares import MARGIN
from assay.stats.ttest import FEWEST
from simulated.comparison import SPREAD
from simulated.table import Outcomes, Promise, Simulation, Topic
from simulated.vectorised import (
    ALPHA,
    POINT,
    TTests,
    one_sample,
    relations,
    says_different,
    says_equivalent,
    verdicts,
)

POWER = 0.8
TABULATED = 400

Total = Callable[[np.ndarray], np.ndarray]
"""From spreads, one a study, to the seeds that decide in all."""


@cache
def _finding(alpha: float) -> np.ndarray:
    """Return the largest spread with which n = 3, 4, ... seeds find a difference of 1."""
    return np.array([1 / minimum_detectable_difference(n, 1, alpha=alpha) for n in range(FEWEST, TABULATED)])


@cache
def _showing(alpha: float) -> np.ndarray:
    """Return the largest spread with which n = 3, 4, ... seeds show equivalence within 1."""

    def largest(n: int) -> float:
        missing = lambda sd: equivalence_power(n, sd, 1, alpha=alpha) - POWER  # noqa: E731
        return float(scipy.optimize.brentq(missing, 1e-3, n**0.5, xtol=1e-12))

    return np.array([largest(n) for n in range(FEWEST, TABULATED)])


def fewest_to_find(sd: np.ndarray, difference: np.ndarray | float, alpha: float) -> np.ndarray:
    """Return `assay.stats.seeds_needed`; beyond 400 seeds nearly, by the normal distribution."""
    z = scipy.special.ndtri(1 - alpha / 2)
    return _fewest(sd / difference, _finding(alpha), z + scipy.special.ndtri(POWER), z)


def fewest_to_show(sd: np.ndarray, margin: float, alpha: float) -> np.ndarray:
    """Return `assay.stats.seeds_for_equivalence` for equal arms; beyond 400 seeds nearly."""
    z = scipy.special.ndtri(1 - alpha)
    return _fewest(sd / margin, _showing(alpha), z + scipy.special.ndtri((1 + POWER) / 2), z)


def _fewest(spread: np.ndarray, largest: np.ndarray, z: float, of_alpha: float) -> np.ndarray:
    found = FEWEST + np.searchsorted(largest, spread)
    beyond = np.ceil((z * spread) ** 2 + of_alpha**2 / 2)
    return np.where(found < TABULATED, found, beyond).astype(np.int64)


@dataclass(frozen=True)
class Totals:
    """What `assay.stats.forecast.Totals` is, for many studies."""

    planned: Total
    observed: Total


def to_settle(size: np.ndarray) -> Totals:
    """Return `assay.stats.forecast.to_settle` of one comparison, which was seen to be of ``size``."""

    def planned(sd: np.ndarray) -> np.ndarray:
        return np.maximum(fewest_to_find(sd, MARGIN, ALPHA), fewest_to_show(sd, MARGIN, ALPHA))

    def observed(sd: np.ndarray) -> np.ndarray:
        near = size <= MARGIN / 2
        seeds = fewest_to_find(sd, np.maximum(size, MARGIN / 2), ALPHA)
        seeds[near] = [
            seeds_for_equivalence(one, MARGIN, difference=gap, alpha=ALPHA)
            for one, gap in zip(sd[near], size[near], strict=True)
        ]
        return seeds

    return Totals(planned, observed)


def to_tell_a_gain(size: np.ndarray) -> Totals:
    """Return `assay.stats.forecast.to_tell_a_gain` of a claim of one relation, a > b; ``size`` was seen."""

    def planned(sd: np.ndarray) -> np.ndarray:
        return np.maximum(fewest_to_find(sd, MARGIN, ALPHA), fewest_to_find(sd, MARGIN, 2 * ALPHA))

    def observed(sd: np.ndarray) -> np.ndarray:
        shows = fewest_to_find(sd, np.maximum(size, MARGIN / 2), ALPHA)
        excluded = fewest_to_find(sd, MARGIN - np.clip(size, 0, MARGIN / 2), 2 * ALPHA)
        return np.where(size > MARGIN / 2, shows, excluded)

    return Totals(planned, observed)


@dataclass(frozen=True)
class Range:
    """The least and the most further seeds, as `assay.stats.forecast.more_seeds` says them."""

    low: np.ndarray
    high: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        """The number midway, as ratios go."""
        return np.round(np.sqrt(self.low * self.high)).astype(np.int64)


@dataclass(frozen=True)
class Question:
    """What is asked of the seeds there are, and how many answer it."""

    verdict: Callable[[TTests], np.ndarray]
    totals: Callable[[TTests], Totals]

    def total(self, found: TTests, sd: np.ndarray) -> np.ndarray:
        """Return how many seeds answer in all, were ``sd`` the true spreads."""
        totals = self.totals(found)
        enough = totals.planned(found.sd) <= found.n
        seeds = totals.planned(sd)
        # Only where it is asked for: one by one it is slow.
        some = self.totals(TTests(found.n, found.mean[enough], found.sd[enough]))
        seeds[enough] = some.observed(sd[enough])
        return seeds

    def more_seeds(self, found: TTests) -> Range:
        """Return the ranges of further seeds."""
        df, tail = found.n - 1, (1 - CONFIDENCE) / 2
        low, high = (found.sd * np.sqrt(df / scipy.special.chdtri(df, p)) for p in (tail, 1 - tail))
        return Range(*(np.maximum(1, self.total(found, sd) - found.n) for sd in (low, high)))


VERDICT = Question(lambda tests: verdicts(tests, MARGIN, ALPHA), lambda found: to_settle(np.abs(found.mean)))
CLAIM = Question(lambda tests: relations(tests, ">", MARGIN), lambda found: to_tell_a_gain(found.mean))


def holds(n: int, points: float, ask: Question) -> Simulation:
    """Ask whether the range holds the number that the true spread gives."""

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        found = one_sample(rng.normal(points * POINT, SPREAD, (studies, n)))
        said, number = ask.more_seeds(found), np.maximum(1, ask.total(found, np.full(studies, SPREAD)) - n)
        held = (said.low <= number) & (number <= said.high)
        undecided = np.isin(ask.verdict(found), ["inconclusive", "undecided"])
        of_undecided = {
            "holds it, of the undecided": held,
            "from (mean of the undecided)": said.low,
            "to": said.high,
            "the number": number,
        }
        return {"holds the number": held, "undecided": undecided} | {
            name: np.where(undecided, x, np.nan) for name, x in of_undecided.items()
        }

    return simulate


def looking_again(n: int, which: str) -> Simulation:
    """Add once as many seeds as an inconclusive verdict advised, and judge all seeds at 5% again."""

    def judged_twice(rng: np.random.Generator, studies: int, true: float) -> np.ndarray:
        first = one_sample(rng.normal(true, SPREAD, (studies, n)))
        found = VERDICT.verdict(first)
        again = found == "inconclusive"
        if which:
            advised = getattr(VERDICT.more_seeds(first), which)
            found = np.where(again, VERDICT.verdict(extended(rng, first, advised, true)), found)
        return found

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        equal, at_margin = (judged_twice(rng, studies, true) for true in (0.0, MARGIN))
        return {
            "false difference": says_different(equal),
            "false equivalence": says_equivalent(at_margin),
            "equal arms decided": equal != "inconclusive",
            "arms at the margin decided": at_margin != "inconclusive",
        }

    return simulate


def extended(rng: np.random.Generator, first: TTests, more: np.ndarray, true: float) -> TTests:
    """Return the t tests with so many ``more`` seeds each; of these the mean and the spread are drawn."""
    n, mean = first.n + more, rng.normal(true, SPREAD / np.sqrt(more))
    squares = SPREAD**2 * np.where(more > 1, rng.chisquare(np.maximum(more - 1, 1)), 0)
    squares += (first.n - 1) * first.sd**2 + first.n * more / n * (mean - first.mean) ** 2
    return TTests(n, (first.n * first.mean + more * mean) / n, np.sqrt(squares / (n - 1)))


TRUTHS = {"equal arms": 0.0, "a better by 0.15 points": 0.15, "a better by 0.3 points": 0.3}

TOPICS = (
    Topic(
        "How many more seeds",
        "The 80% range of further seeds, and the number for the true spread, 0.354 points, the question "
        "being the same. Promised of all studies; the range is said of those that are undecided.",
        {
            f"{n} seeds, {of}, {what}": holds(n, points, ask)
            for n in (3, 5, 10, 20)
            for of, ask in (("verdict", VERDICT), ("claim a > b", CLAIM))
            for what, points in TRUTHS.items()
        },
        {"holds the number": Promise(CONFIDENCE, side=">=")},
    ),
    Topic(
        "Adding seeds and looking again",
        "Not promised: an inconclusive study takes as many seeds as it was advised, once, and is judged at "
        "5% again as if it always had had them. Truths: equal arms, and arms 0.3 points apart.",
        {
            f"{n} seeds, {what}": looking_again(n, which)
            for n in (3, 5, 10)
            for what, which in {
                "none added": "",
                "the least added": "low",
                "those midway": "middle",
                "the most": "high",
            }.items()
        },
    ),
)
