"""Several factors: effects that are not there, and factors that do not depend on each other."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from simulated.table import Outcomes, Promise, Simulation, Topic
from simulated.vectorised import ALPHA, POINT, Contrasts, effects, one_sample, simple_effects

DESIGNS = {"2 x 2": (2, 2), "3 x 3": (3, 3), "4 x 4": (4, 4), "3 x 3 x 3": (3, 3, 3)}


def no_effects(levels: tuple[int, ...]) -> np.ndarray:
    """Return true means without any effect."""
    return np.zeros(levels)


def main_effects(levels: tuple[int, ...]) -> np.ndarray:
    """Return true means to which each level of each factor adds by itself, a point a level."""
    return POINT * np.sum(np.indices(levels), axis=0)


def one_interaction(levels: tuple[int, ...], points: float) -> np.ndarray:
    """Return main effects, and the last levels of the first two factors gaining together."""
    means = main_effects(levels)
    means[-1, -1] += points * POINT
    return means


def all_a_little() -> np.ndarray:
    """Return main effects of 3 x 3 x 3, and each two factors gaining 0.5 points together."""
    a, b, c = np.indices((3, 3, 3)) == 2
    return main_effects((3, 3, 3)) + 0.5 * POINT * ((a & b) + (b & c).astype(float) + (a & c))


def factorial(means: np.ndarray, n: int, uneven: bool = False) -> Simulation:
    """Judge all effects, and the simple effects where an interaction was found, as the report does."""
    levels = means.shape
    every = effects(levels)
    truth = every.of(means)
    spread = 0.25 * POINT * (2.0 ** (np.arange(means.size) % 3).reshape(levels) if uneven else 1.0)
    pairs = {of for of in every.factors if len(of) == 2}
    really = {of for of, true in zip(every.factors, truth, strict=True) if len(of) == 2 and abs(true) > 1e-9}

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        table = rng.normal(means, spread, (studies, n, *levels))
        found = judge(table, every)
        said = {pair: _any_of(found, every, pair) for pair in pairs}
        return {
            "any false effect": (found & (np.abs(truth) < 1e-9)).any(axis=1),
            "dependence said wrongly": np.any(
                [said[pair] for pair in pairs - really] or [np.zeros(studies)], axis=0
            ),
            "a simple effect shown misses": simple_misses(table, means, said),
        } | ({"dependence said": np.any([said[pair] for pair in really], axis=0)} if really else {})

    return simulate


def judge(table: np.ndarray, contrasts: Contrasts) -> np.ndarray:
    """Return which effects are found, (studies, effects), in a ``table`` (studies, seeds, *levels)."""
    tests = one_sample(np.swapaxes(contrasts.of(table), 1, 2))
    return ~tests.cover(0, 1 - ALPHA / len(contrasts.factors))


def _any_of(found: np.ndarray, every: Contrasts, pair: frozenset[int]) -> np.ndarray:
    return found[:, [of == pair for of in every.factors]].any(axis=1)


def simple_misses(table: np.ndarray, means: np.ndarray, said: dict[frozenset[int], np.ndarray]) -> np.ndarray:
    """Whether an interval of the simple effects that a report shows misses its truth.

    They are those of each two factors of which an interaction was ``said``, and hold together.
    """
    shown = {(a, b): simple_effects(means.shape, a, b) for pair in said for a, b in permutations(pair)}
    m = sum(said[frozenset(pair)] * len(contrasts.weights) for pair, contrasts in shown.items())
    confidence = 1 - ALPHA / np.maximum(m, 1)[:, None]
    misses = np.zeros(len(table), dtype=bool)
    for pair, contrasts in shown.items():
        tests = one_sample(np.swapaxes(contrasts.of(table), 1, 2))
        covers = tests.cover(contrasts.of(means), confidence).all(axis=1)
        misses |= said[frozenset(pair)] & ~covers
    return misses


def _settings() -> Iterator[tuple[str, Simulation]]:
    for n in (3, 5, 10):
        for name, levels in DESIGNS.items():
            yield f"{name}, {n} seeds, no effects", factorial(no_effects(levels), n)
            yield f"{name}, {n} seeds, main effects", factorial(main_effects(levels), n)
            yield f"{name}, {n} seeds, main effects, spreads 1:2:4", factorial(main_effects(levels), n, True)
    for n in (3, 5, 10):
        for points in (0.5, 1, 5):
            means = one_interaction((3, 3, 3), points)
            yield f"3 x 3 x 3, {n} seeds, one interaction of {points} points", factorial(means, n)
        yield f"3 x 3 x 3, {n} seeds, all factors depend on each other a little", factorial(all_a_little(), n)


TOPICS = (
    Topic(
        "Several factors",
        "Main effects and two-way interactions hold together, and so do the simple effects, which are shown "
        "where an interaction was found. Said wrongly: that the effect of one factor depends on another. "
        "Each combination spreads by 0.25 points; a level adds a point in main effects.",
        dict(_settings()),
        {
            name: Promise(0.05, side="<=")
            for name in ("any false effect", "dependence said wrongly", "a simple effect shown misses")
        },
    ),
)
