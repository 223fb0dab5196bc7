"""Failed runs: how often an arm fails, which arm fails more often, and which one comes out ahead."""

from math import sqrt

import numpy as np
import scipy

from assay.stats import compare_failures, failure_rate, never_seen_bound, outperforming
from simulated.table import Outcomes, Promise, Simulation, Topic


def rates(share: float, n: int) -> Simulation:
    """Ask whether the interval of the share of runs that fail holds it, and how wide it is."""
    intervals = np.array([failure_rate(np.arange(n) < count).interval for count in range(n + 1)])

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        low, high = intervals[rng.binomial(n, share, studies)].T
        return {"covers": (low <= share) & (share <= high), "width": high - low}

    return simulate


def never_seen(n: int) -> Simulation:
    """Ask how often n runs all miss a failure that is just more frequent than the bound says."""
    share = never_seen_bound(n) + 1e-9

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        return {"none seen": rng.binomial(n, share, studies) == 0, "the bound": np.full(studies, share)}

    return simulate


def which_fails(share: float, n: int, together: float = 0.0) -> Simulation:
    """Ask how often one of two arms that fail equally often is said to fail more often.

    ``together`` is the part of the seeds on which both have the same fate.
    """
    p = mcnemar_ps(n)

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        a, b = rng.random((2, studies, n)) < share
        b = np.where(rng.random((studies, n)) < together, a, b)
        only_a, only_b = (a & ~b).sum(axis=1), (b & ~a).sum(axis=1)
        return {"told apart": p[only_a, only_b] < 0.05}

    return simulate


def mcnemar_ps(n: int) -> np.ndarray:
    """Return the p of `compare_failures` of n seeds, by those on which only a failed and only b did."""
    seeds, p = np.arange(n), np.ones((n + 1, n + 1))
    for only_a in range(n + 1):
        for only_b in range(n + 1 - only_a):
            a, b = seeds < only_a, (seeds >= only_a) & (seeds < only_a + only_b)
            p[only_a, only_b] = compare_failures(a, b).p
    return p


def ahead(n: int, gain: float, fails: tuple[float, float], decimals: int | None = None) -> Simulation:
    """Ask whether the interval of "a beats b" holds the truth; ``gain`` is in spreads of a value.

    ``fails`` are the shares of the runs of a and b that fail. With ``decimals`` the values are rounded.
    """
    a_learns, b_learns = (1 - share for share in fails)
    better = beats(gain, decimals)
    truth = a_learns * (1 - b_learns) + a_learns * b_learns * better + (1 - a_learns) * (1 - b_learns) / 2

    intervals = win_intervals(n)

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        values = rng.normal([[[gain]], [[0]]], 1, (2, studies, n))
        values = values if decimals is None else np.round(values, decimals)
        failed = rng.random((2, studies, n)) < np.reshape(fails, (2, 1, 1))
        a, b = np.where(failed, -np.inf, values)
        low, high = intervals[(a > b).sum(axis=1), (a == b).sum(axis=1)].T
        return {"covers": (low <= truth) & (truth <= high), "width": high - low}

    return simulate


def win_intervals(n: int) -> np.ndarray:
    """Return the interval of `outperforming` for n seeds, by wins and by ties: (wins, ties, 2)."""
    seeds, intervals = np.arange(n), np.full((n + 1, n + 1, 2), np.nan)
    for wins in range(n + 1):
        for ties in range(n + 1 - wins):
            a = np.where(seeds < wins, 1.0, np.where(seeds < wins + ties, 0.0, np.nan))
            intervals[wins, ties] = outperforming(a, np.zeros(n)).interval
    return intervals


def beats(gain: float, decimals: int | None) -> float:
    """Return P(a > b) + P(a = b) / 2 of two normal values, rounded or not."""
    if decimals is None:
        return float(scipy.special.ndtr(gain / sqrt(2)))
    steps = np.arange(-12, 12 + 10.0**-decimals / 2, 10.0**-decimals)
    half = 10.0**-decimals / 2
    a, b = (
        scipy.special.ndtr(steps + half - mean) - scipy.special.ndtr(steps - half - mean)
        for mean in (gain, 0)
    )
    return float(a @ (np.cumsum(b) - b / 2))


COVERS = {"covers": Promise(0.95, side=">=")}

TOPICS = (
    Topic(
        "How often runs fail",
        "The exact interval of a share (Clopper and Pearson 1934) of 3 to 20 runs.",
        {
            f"{n} runs, of which {share:.0%} fail": rates(share, n)
            for n in (3, 5, 10, 20)
            for share in (0.01, 0.05, 0.2, 0.5)
        },
        COVERS,
    ),
    Topic(
        "What was never seen",
        "How often no run fails, where just more runs do than the bound allows.",
        {f"{n} runs": never_seen(n) for n in (3, 5, 10, 20)},
        {"none seen": Promise(0.05)},
    ),
    Topic(
        "Which arm fails more often",
        "McNemar's exact test of two arms that fail equally often.",
        {
            f"{n} seeds, {share:.0%} fail{how}": which_fails(share, n, together)
            for n in (5, 10, 20)
            for share in (0.05, 0.2, 0.5)
            for how, together in {"": 0.0, ", half of them on the same seeds": 0.5}.items()
        },
        {"told apart": Promise(0.05, side="<=")},
    ),
    Topic(
        "Which arm comes out ahead",
        "The interval of P(a beats b), where a failed run loses to any that learnt.",
        {
            f"{n} seeds, {what}": ahead(n, *truth)
            for n in (3, 5, 10, 20)
            for what, truth in {
                "equal arms": (0.0, (0.0, 0.0)),
                "a better by one spread": (1.0, (0.0, 0.0)),
                "the same, rounded to ties": (1.0, (0.0, 0.0), 0),
                "equal, 20% of both fail": (0.0, (0.2, 0.2)),
                "a better, and fails on 40%": (1.0, (0.4, 0.0)),
                "rounded to ties, 30% and 10% fail": (0.0, (0.3, 0.1), 0),
            }.items()
        },
        COVERS,
    ),
)
