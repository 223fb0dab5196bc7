"""New seeds and new images at once."""

from collections.abc import Mapping

import numpy as np

from assay.stats import compare, compare_crossed
from simulated.table import Promise, Simulation, Topic, one_by_one

IMAGES = 300


def correctness(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the correctness of two equal arms; every seed and every image leans to one of them by itself."""
    lean = (rng.normal(0, 0.02, (n, 1)) + rng.uniform(-0.25, 0.25, (1, IMAGES))) / 2
    u = rng.random((n, IMAGES))
    return u < 0.15 + lean, u > 0.85 + lean


def covers(n: int) -> Simulation:
    """Ask whether the interval on new images holds the truth, 0, and whether that on these does."""

    def study(rng: np.random.Generator) -> Mapping[str, float]:
        a, b = correctness(rng, n)
        low, high = compare_crossed(a, b).interval
        seeds_low, seeds_high = compare(a.mean(axis=1), b.mean(axis=1)).interval or (0.0, 0.0)
        return {"covers": low <= 0 <= high, "covers, by seeds alone": seeds_low <= 0 <= seeds_high}

    return one_by_one(study)


TOPICS = (
    Topic(
        "New images",
        "The interval on new images, which with few seeds is rather too wide, beside that of seeds alone, "
        "which promises nothing of new images. 300 images.",
        {f"{n} seeds": covers(n) for n in (3, 10)},
        {"covers": Promise(0.95, side=">=")},
    ),
    Topic(
        "New images, many seeds",
        "The same.",
        {"30 seeds": covers(30)},
        {"covers": Promise(0.95, 0.007)},
    ),
)
