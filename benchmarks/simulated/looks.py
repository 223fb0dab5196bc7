"""Looks at unfinished results: declared ones, undeclared ones, and running until all is resolved."""

import numpy as np

from assay.stats import look_alpha
from assay.stats.shares import MARGIN
from simulated.comparison import SPREAD
from simulated.families import compared, drawn, errors
from simulated.spreads import versus
from simulated.table import Outcomes, Promise, Simulation, Topic
from simulated.vectorised import ALPHA, POINT, one_sample, verdicts


def at_looks(looks: tuple[int, ...], level: float) -> Simulation:
    """Ask whether any look tells equal arms apart."""

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        d = rng.normal(0, SPREAD, (studies, max(looks)))
        rejected = [one_sample(d[:, :n]).differs(level) for n in looks]
        return {"tells equal arms apart": np.any(rejected, axis=0)}

    return simulate


def until_resolved(looks: tuple[int, ...], points: tuple[float, ...]) -> Simulation:
    """Run three arms and their control, at so many points, until no comparison is inconclusive any more."""
    contrasts, means = versus(3), np.array(points) * POINT
    truth, level = contrasts @ means, look_alpha(looks) / len(contrasts)

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        values = drawn(rng, studies, max(looks), means, np.full(len(means), 0.25 * POINT))
        running, wrong, seeds = np.ones(studies, bool), np.zeros(studies, bool), np.zeros(studies)
        for n in looks:
            tests = compared(values[:, :n], contrasts)
            found = verdicts(tests, MARGIN, level)
            wrong |= running & np.any(list(errors(found, tests.mean, truth).values()), axis=(0, 2))
            seeds[running] = n
            running &= (found == "inconclusive").any(axis=1)
        return {"any false verdict": wrong, "seeds": seeds}

    return simulate


LOOKS = {"5, 10, 20": (5, 10, 20), "3, 5, 10, 20": (3, 5, 10, 20), "10, 20": (10, 20)}

TOPICS = (
    Topic(
        "Declared looks",
        "Each of k looks tests at 5% / k.",
        {f"looks at {name} seeds": at_looks(looks, look_alpha(looks)) for name, looks in LOOKS.items()},
        {"tells equal arms apart": Promise(0.05, side="<=")},
    ),
    Topic(
        "Looks that nobody declared",
        "Not promised: each tests at 5%.",
        {f"looks at {name} seeds": at_looks(looks, ALPHA) for name, looks in LOOKS.items()}
        | {"a look after every seed from 3 to 20": at_looks(tuple(range(3, 21)), ALPHA)},
    ),
    Topic(
        "Until resolved",
        "Three arms and their control, which spread by 0.25 points, run until no comparison is inconclusive. "
        "A verdict counts at whichever look it is given.",
        {
            f"looks at {name} seeds, {what}": until_resolved(looks, points)
            for name, looks in LOOKS.items()
            for what, points in {
                "all equal": (0, 0, 0, 0),
                "all at the margin": (0, 0.3, 0.3, 0.3),
                "1 equal, 1 at the margin, 1 beyond by 0.2 points": (0, 0, -0.3, 0.5),
            }.items()
        },
        {"any false verdict": Promise(0.05, side="<=")},
    ),
)
