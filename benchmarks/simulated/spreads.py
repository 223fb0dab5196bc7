"""More from few seeds? The moderated t beside the plain one, whatever the arms' spreads."""

from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np

from simulated.moderated import Spread, bounded, plain, published, robust
from simulated.table import Outcomes, Promise, Simulation, Topic

Arms = Callable[[np.random.Generator, int, int], np.ndarray]
"""The spread of each arm, (studies, arms); the first one is the control."""

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

SPREADS: Mapping[str, Arms] = {
    "equal spreads": lambda _, studies, k: np.ones((studies, k)),
    "spreads 1:2:4": lambda _, studies, k: np.tile(2.0 ** (np.arange(k) % 3), (studies, 1)),
    "one arm 5 times": lambda _, studies, k: np.tile(np.where(np.arange(k) == k - 1, 5.0, 1.0), (studies, 1)),
    "control 5 times": lambda _, studies, k: np.tile(np.where(np.arange(k) == 0, 5.0, 1.0), (studies, 1)),
    "log-normal spreads": lambda rng, studies, k: np.exp(rng.normal(0, 0.5, (studies, k))),
}


def versus(comparisons: int) -> np.ndarray:
    """Return so many arms, each less one control, as (comparisons, arms)."""
    return np.hstack((-np.ones((comparisons, 1)), np.eye(comparisons)))


def all_pairs(k: int) -> np.ndarray:
    """Return every two of k arms, earlier less later, as (comparisons, arms)."""
    pairs = list(combinations(range(k), 2))
    contrasts = np.zeros((len(pairs), k))
    for row, (a, b) in enumerate(pairs):
        contrasts[row, [a, b]] = 1, -1
    return contrasts


FAMILIES = {
    "3 against a control": versus(3),
    "5 against a control": versus(5),
    "all pairs of 3": all_pairs(3),
    "all pairs of 4": all_pairs(4),
}

METHODS = {"plain": plain, "published": published, "bounded": bounded, "robust": robust}


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw accuracies of mean 0 and spread 1."""
    return rng.normal(size=shape)


def exponential(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw skewed ones of all arms but the first, which spreads little."""
    values = rng.exponential(size=shape) - 1
    values[..., 0] = rng.normal(0, 0.25, shape[:-1])
    return values


def collapsing(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw accuracies of which one in twenty of the last arm falls by 20; its mean is 0 all the same."""
    values = rng.normal(size=shape)
    values[..., -1] += 1 - 20 * (rng.random(shape[:-1]) < 0.05)
    return values


def family(contrasts: np.ndarray, arms: Arms, n: int, draw: Draw = normal) -> Simulation:
    """Simulate studies of equal arms, and judge them by every method."""

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        k = contrasts.shape[1]
        values = draw(rng, (studies, n, k)) * arms(rng, studies, k)[:, None, :]
        differences = values @ contrasts.T
        mean, variances = differences.mean(axis=1), differences.var(axis=1, ddof=1)
        judged = {name: method(variances, n - 1, contrasts) for name, method in METHODS.items()}
        usual = judged["plain"].halfwidth(n).mean(axis=0)
        outcomes: dict[str, np.ndarray] = {}
        for name, spread in judged.items():
            outcomes |= {f"{name}: {what}": x for what, x in _judge(mean, spread, n, usual).items()}
        return outcomes

    return simulate


def _judge(mean: np.ndarray, spread: Spread, n: int, usual: np.ndarray) -> dict[str, np.ndarray]:
    """Say whether intervals cover the truth, 0, of each comparison and all at once, and how wide they are."""
    m = mean.shape[1]
    half = spread.halfwidth(n)
    # Were all arms equal, Holm would go wrong exactly where the smallest p is below alpha / m.
    return {
        "covers": np.abs(mean) <= half,
        "covers all": (spread.p(mean, n) >= 0.05 / m).all(axis=1),
        "width": (half / usual).mean(axis=1),
    }


def _settings(draw: Draw, spreads: Mapping[str, Arms]) -> dict[str, Simulation]:
    return {
        f"{n} seeds, {of}, {how}": family(contrasts, arms, n, draw)
        for n in (3, 5, 10)
        for of, contrasts in FAMILIES.items()
        for how, arms in spreads.items()
    }


TOPICS = (
    Topic(
        "More from few seeds",
        "The moderated t (Smyth 2004) as published; bounded; and robust to odd spreads. Covers: the 95% "
        "interval of the worst comparison; covers all: the simultaneous intervals, so that Holm never errs; "
        "width against that of the plain t, which alone promises anything.",
        _settings(normal, SPREADS),
        {"plain: covers": Promise(0.95, 0.007), "plain: covers all": Promise(0.95, 0.007, ">=")},
    ),
    Topic(
        "More from few seeds, where no t keeps its promise",
        "The same where all arms but the first are exponential, and where the last one collapses on one seed "
        "in twenty.",
        {
            f"{what}, {setting}": simulation
            for what, draw in {"skewed": exponential, "collapsing": collapsing}.items()
            for setting, simulation in _settings(draw, {"equal spreads": SPREADS["equal spreads"]}).items()
        },
    ),
)  # fmt: skip
