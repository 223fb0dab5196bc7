"""Two arms: the paired t interval, its test, and equivalence."""

import numpy as np

from assay.stats.shares import MARGIN
from simulated.table import Outcomes, Promise, Simulation, Topic
from simulated.vectorised import ALPHA, POINT, TTests, one_sample

SPREAD = 0.354 * POINT
"""Of the differences between arms that spread by 0.25 points each."""


def differences(rng: np.random.Generator, studies: int, n: int, true: float, spread: float) -> TTests:
    """Return the t tests of normal differences, ``true`` on average."""
    return one_sample(rng.normal(true, spread, (studies, n)))


def covers(n: int) -> Simulation:
    """Ask whether the interval holds a difference of 0.2 points, and whether equal arms are told apart."""

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        unequal, equal = (differences(rng, studies, n, true, SPREAD) for true in (0.2 * POINT, 0.0))
        return {"covers": unequal.cover(0.2 * POINT), "tells equal arms apart": equal.differs(ALPHA)}

    return simulate


def equivalent(n: int, spread: float) -> Simulation:
    """Ask whether arms at the margin, and 0.05 points beyond it, are called equivalent."""

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        where = {"at the margin": MARGIN, "0.05 points beyond": MARGIN + 0.05 * POINT}
        return {
            f"equivalent, {name}": differences(rng, studies, n, true, spread).lies_within(MARGIN, ALPHA)
            for name, true in where.items()
        }

    return simulate


TOPICS = (
    Topic(
        "Two arms",
        "Student's t of paired differences, which spread by 0.354 points.",
        {f"{n} seeds": covers(n) for n in (3, 5, 8, 10, 20)},
        {"covers": Promise(0.95), "tells equal arms apart": Promise(0.05)},
    ),
    Topic(
        "Equivalence",
        "Two one-sided tests within 0.3 points. At the margin they err as often as they may, if the seeds "
        "are enough for the interval to fit inside it at all.",
        {
            f"{n} seeds, differences spread by {spread} points": equivalent(n, spread * POINT)
            for n, spread in ((3, 0.05), (5, 0.1), (10, 0.2))
        },
        {
            "equivalent, at the margin": Promise(0.05),
            "equivalent, 0.05 points beyond": Promise(0.05, side="<="),
        },
    ),
)
