"""Several factors, fully crossed: an effect is a contrast inside every seed, then a t test over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from assay.errors import UsageError
from assay.stats.ttest import FEWEST, Interval, TTest, check_confidence, one_sample, row

Cell = tuple[str, ...]


@dataclass(frozen=True)
class FactorEffect:
    """One contrast over n seeds, in the unit of the values.

    ``factors`` holds one name for a main effect or simple effect and two for an interaction; ``name`` reads
    "pool: max - avg", "pool x bn: (max - avg) x (bn1 - bn0)" or "pool: max - avg at bn = bn1". ``p_adjusted``
    and ``interval`` are simultaneous (Bonferroni) over main effects and interactions together, and over the
    simple effects together, so that p below alpha and an interval without 0 are one and the same.
    """

    name: str
    factors: tuple[str, ...]
    mean: float
    sd: float
    t: float
    df: int
    p: float
    p_adjusted: float
    interval: Interval


@dataclass(frozen=True)
class Factorial:
    """Main effects and two-way interactions over ``n`` complete seeds; ``left_out`` seeds had a diverged run.

    ``simple`` are the effects of a factor at each level of another, given where the simultaneous interval of
    their interaction excludes 0: the main effects of these two, in ``qualified``, then say little by
    themselves. ``confidence`` is that of all intervals of ``effects`` at once, and of all of ``simple``.
    """

    effects: tuple[FactorEffect, ...]
    simple: tuple[FactorEffect, ...]
    qualified: tuple[str, ...]
    n: int
    left_out: int
    confidence: float


def factorial_effects(
    cells: Mapping[Cell, ArrayLike], factors: Mapping[str, Sequence[str]], *, confidence: float = 0.95
) -> Factorial:
    """Estimate the effects of ``factors``, each a name with its levels, the first level being the reference.

    ``cells`` holds, for every combination of levels in the order of ``factors``, one value per seed
    (NaN: diverged). A factor of L levels has L - 1 effects, each level less the first. An interaction is the
    difference of differences, not halved. Raises `UsageError` where a combination is missing (then
    interactions cannot be estimated: compare the arms instead) or fewer than 3 seeds are complete.
    """
    check_confidence(confidence, "factorial_effects")
    table, left_out = _table(cells, factors)
    contrasts = _main(factors) | _interactions(factors)
    effects = _effects(table, contrasts, confidence)
    crossing = [e for e in effects if len(e.factors) == 2 and not e.interval[0] <= 0 <= e.interval[1]]
    pairs = list(dict.fromkeys(e.factors for e in crossing))
    simple = {
        key: c for a, b in pairs for key, c in (_simple(a, b, factors) | _simple(b, a, factors)).items()
    }
    return Factorial(
        effects=effects,
        simple=_effects(table, simple, confidence),
        qualified=tuple(name for name in factors if any(name in pair for pair in pairs)),
        n=len(table),
        left_out=left_out,
        confidence=confidence,
    )


Contrasts = dict[tuple[str, tuple[str, ...]], np.ndarray]
"""Effect name and factors -> weights of the cells, with one axis for each factor."""


def _main(factors: Mapping[str, Sequence[str]]) -> Contrasts:
    """Return level - first level of each factor, averaged over all others."""
    return {
        (f"{name}: {level} - {levels[0]}", (name,)): _weights(factors, {name: _step(levels, level)})
        for name, levels in factors.items()
        for level in levels[1:]
    }


def _interactions(factors: Mapping[str, Sequence[str]]) -> Contrasts:
    """Return the differences of differences of each pair of factors, averaged over all others."""
    return {
        (f"{a} x {b}: ({i} - {factors[a][0]}) x ({j} - {factors[b][0]})", (a, b)): _weights(
            factors, {a: _step(factors[a], i), b: _step(factors[b], j)}
        )
        for a, b in combinations(factors, 2)
        for i, j in product(factors[a][1:], factors[b][1:])
    }


def _simple(a: str, b: str, factors: Mapping[str, Sequence[str]]) -> Contrasts:
    """Return the effects of factor ``a`` at each level of ``b``, averaged over all others."""
    return {
        (f"{a}: {i} - {factors[a][0]} at {b} = {j}", (a,)): _weights(
            factors, {a: _step(factors[a], i), b: np.array([float(level == j) for level in factors[b]])}
        )
        for j in factors[b]
        for i in factors[a][1:]
    }


def _step(levels: Sequence[str], level: str) -> np.ndarray:
    """Return +1 at ``level`` and -1 at the first one."""
    return np.array([float(x == level) - float(x == levels[0]) for x in levels])


def _weights(factors: Mapping[str, Sequence[str]], chosen: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the outer product of the ``chosen`` weights, the mean being taken over the other factors."""
    weights = np.ones(())
    for name, levels in factors.items():
        weights = np.multiply.outer(weights, chosen.get(name, np.full(len(levels), 1 / len(levels))))
    return weights


def _effects(table: np.ndarray, contrasts: Contrasts, confidence: float) -> tuple[FactorEffect, ...]:
    """Test each contrast over seeds, ``table`` being (seeds, *levels), and adjust the p-values over all."""
    # Contrasts that are mathematically equal may differ in the last bits.
    decimals = 12 - int(np.ceil(np.log10(max(float(np.abs(table).max()), 1e-12))))
    tests = [
        one_sample(np.round(np.tensordot(table, weights, axes=weights.ndim), decimals))
        for weights in contrasts.values()
    ]
    m = len(tests)
    return tuple(
        _effect(name, of, test, m, confidence) for (name, of), test in zip(contrasts, tests, strict=True)
    )


def _effect(name: str, of: tuple[str, ...], test: TTest, m: int, confidence: float) -> FactorEffect:
    """Return the effect of a test, one of ``m``."""
    p, interval = test.p(), test.interval(1 - (1 - confidence) / m)
    return FactorEffect(name, of, test.mean, test.sd, test.t(), test.df, p, min(1.0, m * p), interval)


def _table(cells: Mapping[Cell, ArrayLike], factors: Mapping[str, Sequence[str]]) -> tuple[np.ndarray, int]:
    """Return the values of the complete seeds as (seeds, *levels), and how many seeds are not complete."""
    short = [
        name for name, levels in factors.items() if len(set(levels)) < 2 or len(set(levels)) < len(levels)
    ]
    if short or not factors:
        raise UsageError(
            f"factorial_effects: factors {short}, expected at least one, each of two or more different levels"
        )
    wanted = list(product(*factors.values()))
    missing = [cell for cell in wanted if cell not in cells]
    if missing or len(cells) > len(wanted):
        odd = missing or [cell for cell in cells if cell not in wanted]
        raise UsageError(
            f"factorial_effects: {len(missing)} of {len(wanted)} combinations missing, such as {odd[0]!r}: "
            "interactions are not estimable (compare the arms with compare_arms)"
        )
    columns = [row(cells[cell], f"factorial_effects: {cell!r}") for cell in wanted]
    if len({len(column) for column in columns}) > 1:
        raise UsageError(
            "factorial_effects: combinations differ in seeds, expected one value a seed (NaN: diverged)"
        )
    values = np.array(columns).T
    complete = np.isfinite(values).all(axis=1)
    if complete.sum() < FEWEST:
        raise UsageError(
            f"factorial_effects: {complete.sum()} of {len(complete)} seeds are complete, expected at least 3"
        )
    shape = (int(complete.sum()), *(len(levels) for levels in factors.values()))
    assert prod(shape[1:]) == len(wanted)
    return values[complete].reshape(shape), int((~complete).sum())
