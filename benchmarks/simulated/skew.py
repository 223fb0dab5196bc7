"""Differences that are not normal, where no coverage is promised, and runs that collapse."""

from collections.abc import Callable

import numpy as np

from simulated.table import Outcomes, Promise, Simulation, Topic
from simulated.vectorised import POINT, one_sample, outlying_low

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]

SHAPES: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, shape: rng.normal(size=shape), 0.0),
    "exponential": (lambda rng, shape: rng.exponential(size=shape), 1.0),
    "log-normal, sigma 0.5": (lambda rng, shape: rng.lognormal(0, 0.5, shape), float(np.exp(0.125))),
    "log-normal, sigma 1": (lambda rng, shape: rng.lognormal(0, 1, shape), float(np.exp(0.5))),
}
"""How differences are drawn, and their true mean."""

COLLAPSES = 0.05


def skewed(shape: str, n: int) -> Simulation:
    """Ask whether the interval holds the mean, the long tail being that of low accuracies."""
    draw, mean = SHAPES[shape]

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        values = -draw(rng, (studies, n))
        covers, flagged = one_sample(values).cover(-mean), outlying_low(values).any(axis=1)
        return {
            "covers": covers,
            "covers, none flagged": np.where(flagged, np.nan, covers),
            "studies set aside": flagged,
        }

    return simulate


def collapsing(n: int, by: float) -> Simulation:
    """Let one run in twenty of an arm fall by so many points, and compare it with another arm."""

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        arm, other = rng.normal(0.88, 0.25 * POINT, (2, studies, n))
        fell = rng.random((studies, n)) < COLLAPSES
        arm = arm - by * POINT * fell
        flagged = outlying_low(arm)
        set_aside = (flagged | outlying_low(other)).any(axis=1)
        tests, truth = one_sample(arm - other), -COLLAPSES * by * POINT
        covers, usual = tests.cover(truth), tests.cover(0.0)
        one, none = fell.sum(axis=1) == 1, ~fell.any(axis=1)
        return {
            "covers": covers,
            "covers, none flagged": np.where(set_aside, np.nan, covers),
            "holds the mean without collapses, none flagged": np.where(set_aside, np.nan, usual),
            "studies set aside": set_aside,
            "a single collapse is flagged": np.where(one, (flagged & fell).any(axis=1), np.nan),
            "a sound arm is flagged": np.where(none, flagged.any(axis=1), np.nan),
        }

    return simulate


def sound(n: int, spread: float) -> Simulation:
    """Ask how often a seed of a normal arm is taken for an outlying one."""

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        return {"a sound arm is flagged": outlying_low(rng.normal(0.88, spread, (studies, n))).any(axis=1)}

    return simulate


TOPICS = (
    Topic(
        "Skewed differences",
        "Not promised: Student's t takes the differences for normal. Here they are those of an arm with a "
        "long tail and another that does not spread; a study is set aside if one of its seeds is flagged as "
        "outlying.",
        {f"{shape}, {n} seeds": skewed(shape, n) for shape in SHAPES for n in (3, 5, 10, 30)},
    ),
    Topic(
        "Outlying seeds",
        "How often a seed of a normal arm is called outlying.",
        {f"{n} seeds": sound(n, 0.25 * POINT) for n in (3, 5, 10, 20)},
        {"a sound arm is flagged": Promise(0.01, 0.002, side="<=")},
    ),
    Topic(
        "Runs that collapse",
        "One run in twenty of one arm falls by so many points; runs spread by 0.25 otherwise. The truth that "
        "is to be covered counts the collapses. Coverage is not promised, nor what is left of it where no "
        "seed is flagged.",
        {f"{n} seeds, by {by} points": collapsing(n, by) for by in (2, 10, 50) for n in (3, 5, 10)},
        {"a sound arm is flagged": Promise(0.01, 0.002, side="<=")},
    ),
)
