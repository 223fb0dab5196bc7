"""Published numbers: how often one that is a run like ours is said not to be."""

import numpy as np

from assay.stats import binomial_se, expected_maximum
from simulated.table import Outcomes, Promise, Simulation, Topic
from simulated.vectorised import POINT, one_sample, published_outside

IMAGES, ACCURACY = 15_800, 0.88


def other_images(n: int, spread: float) -> Simulation:
    """Place a run like ours, measured on other images, among n of ours, which spread by ``spread``."""
    error = binomial_se(ACCURACY, IMAGES)

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        # All our runs meet the same images, and share what these add.
        ours = rng.normal(ACCURACY, spread, (studies, n)) + rng.normal(0, error, (studies, 1))
        theirs = rng.normal(ACCURACY, spread, studies) + rng.normal(0, error, studies)
        return {
            "said not to be like ours": published_outside(ours, theirs, IMAGES),
            "the same, by the seeds alone": published_outside(ours, theirs, None),
        }

    return simulate


def same_images(n: int, runs: int) -> Simulation:
    """Place the best of so many runs like ours among n of ours; the unit is the spread of a run."""

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        ours, theirs = rng.normal(size=(studies, n)), rng.normal(size=(studies, runs)).max(axis=1)
        best = theirs - expected_maximum(runs) * one_sample(ours).sd
        return {"said not to be like ours": published_outside(ours, best, None)}

    return simulate


TOPICS = (
    Topic(
        "Published numbers",
        "A number at 88%, from one run like ours, on 15,800 images of its own or on ours. By the "
        "seeds alone: without the error of other images, which is not promised.",
        {
            f"{n} seeds, which spread by {spread} points, other images": other_images(n, spread * POINT)
            for spread in (0.05, 0.1, 0.2, 0.4, 0.8)
            for n in (3, 5, 10)
        }
        | {f"{n} seeds, the same images": same_images(n, 1) for n in (3, 5, 10)},
        {"said not to be like ours": Promise(0.05, side="<=")},
    ),
    Topic(
        "Published numbers that are the best of several runs",
        "Not promised: where our own best is expected is known to a few seeds only roughly.",
        {f"{n} seeds, the best of {runs}": same_images(n, runs) for runs in (3, 5, 10) for n in (3, 5, 10)},
    ),
)
