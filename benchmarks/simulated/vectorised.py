"""The procedures of assay.stats for many studies at once: arrays have the studies on their first axis.

One by one, 20,000 studies a line would take minutes. ``tests/benchmarks/test_vectorised.py`` holds each of
these to assay.stats, so that what the tables say is said of assay.
"""

from dataclasses import dataclass
from functools import reduce
from itertools import combinations, product
from math import sqrt

import numpy as np
import scipy

from assay.stats import ClaimVerdict, Verdict
from assay.stats.outliers import LEVEL

ALPHA = 0.05
POINT = 0.01
"""A percentage point as a share, the unit of accuracies."""


@dataclass(frozen=True)
class TTests:
    """What `assay.stats.ttest.TTest` is, for arrays of means and spreads; n may differ among studies."""

    n: np.ndarray | int
    mean: np.ndarray
    sd: np.ndarray

    @property
    def se(self) -> np.ndarray:
        """Standard errors of the means."""
        return self.sd / np.sqrt(self.n)

    def p(self) -> np.ndarray:
        """Return the two-sided p of "the true mean is 0"."""
        return np.asarray(2 * scipy.special.stdtr(self.n - 1, -np.abs(self.mean / self.se)))

    def p_equivalent(self, margin: float) -> np.ndarray:
        """Return the p of two one-sided tests of "the true mean is ``margin`` or more from 0"."""
        gap = np.abs(self.mean) - margin
        return np.asarray(scipy.special.stdtr(self.n - 1, gap / self.se))

    def differs(self, alpha: float) -> np.ndarray:
        """Whether the 1 - ``alpha`` interval excludes 0."""
        return ~self.cover(0, 1 - alpha)

    def lies_within(self, margin: float, alpha: float) -> np.ndarray:
        """Whether the 1 - 2 ``alpha`` interval lies inside the ``margin``."""
        low, high = self.interval(1 - 2 * alpha)
        return (-margin < low) & (high < margin)

    def interval(self, confidence: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the two-sided intervals."""
        half = scipy.special.stdtrit(self.n - 1, (1 + np.asarray(confidence)) / 2) * self.se
        return self.mean - half, self.mean + half

    def cover(self, truth: np.ndarray | float, confidence: np.ndarray | float = 1 - ALPHA) -> np.ndarray:
        """Whether the intervals hold the ``truth``."""
        low, high = self.interval(confidence)
        return (low <= truth) & (truth <= high)


def one_sample(differences: np.ndarray) -> TTests:
    """Return the t tests along the last axis."""
    mean, sd = differences.mean(axis=-1), differences.std(axis=-1, ddof=1)
    return TTests(differences.shape[-1], mean, sd)


def verdicts(tests: TTests, margin: float, alpha: float) -> np.ndarray:
    """Return the verdicts on comparisons, each at level ``alpha``."""
    return decided(tests.differs(alpha), tests.lies_within(margin, alpha), tests.mean)


def decided(different: np.ndarray, within: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return the verdicts of two decisions and a direction."""
    return np.select(
        [different & within, different & (mean > 0), different, within],
        [Verdict.NEGLIGIBLE.value, Verdict.BETTER.value, Verdict.WORSE.value, Verdict.EQUIVALENT.value],
        Verdict.INCONCLUSIVE.value,
    )


def holm(p: np.ndarray) -> np.ndarray:
    """Return `assay.stats.holm` of each study's p-values, which are on the last axis."""
    order = np.argsort(p, axis=-1, kind="stable")
    steps = np.arange(p.shape[-1], 0, -1)
    adjusted = np.minimum(1, np.maximum.accumulate(steps * np.take_along_axis(p, order, -1), axis=-1))
    found = np.empty_like(p)
    np.put_along_axis(found, order, adjusted, -1)
    return found


def says_different(found: np.ndarray) -> np.ndarray:
    """Whether a verdict claims a difference."""
    return np.isin(found, [Verdict.BETTER, Verdict.WORSE, Verdict.NEGLIGIBLE])


def says_equivalent(found: np.ndarray) -> np.ndarray:
    """Whether a verdict claims that the difference is smaller than the margin."""
    return np.isin(found, [Verdict.EQUIVALENT, Verdict.NEGLIGIBLE])


def relations(tests: TTests, relation: str, margin: float, of: int = 1) -> np.ndarray:
    """Return the verdicts on "a > b", "a <= b" or "a = b", one of ``of`` relations of a claim."""
    sure = ALPHA / of
    low, _ = tests.interval(1 - ALPHA)
    sure_low, sure_high = tests.interval(1 - sure)
    match relation:
        case ">":
            against = [sure_high < 0, tests.interval(1 - 2 * sure)[1] < margin]
            choices = [low > 0, *against]
        case "<=":
            choices = [(tests.interval(1 - 2 * ALPHA)[1] < margin) & (low <= 0), sure_low > 0]
        case _:
            beyond = (sure_low > margin) | (sure_high < -margin)
            choices = [tests.lies_within(margin, ALPHA), beyond]
    names = [ClaimVerdict.SUPPORTED.value, ClaimVerdict.CONTRADICTED.value, ClaimVerdict.TOO_SMALL.value]
    return np.select(choices, names[: len(choices)], ClaimVerdict.UNDECIDED.value)


def conjunctions(found: np.ndarray) -> np.ndarray:
    """Return the verdicts on claims from those on their relations, which are on the last axis."""
    against = [ClaimVerdict.CONTRADICTED.value, ClaimVerdict.TOO_SMALL.value]
    return np.select(
        [(found == name).any(axis=-1) for name in against] + [(found == ClaimVerdict.SUPPORTED).all(axis=-1)],
        [*against, ClaimVerdict.SUPPORTED.value],
        ClaimVerdict.UNDECIDED.value,
    )


def outlying_low(values: np.ndarray) -> np.ndarray:
    """Whether each of the values of an arm, seeds on the last axis, lies too low for the others."""
    n = values.shape[-1]
    others = one_sample(np.stack([np.delete(values, seed, axis=-1) for seed in range(n)], axis=-2))
    t = (values - others.mean) / (others.sd * sqrt(1 + 1 / (n - 1)))
    p = scipy.special.stdtr(n - 2, t)
    return np.asarray((t < 0) & (p < LEVEL / n))


@dataclass(frozen=True)
class Contrasts:
    """Effects of a factorial design: weights (effects, *levels), and which factors each speaks of."""

    weights: np.ndarray
    factors: tuple[frozenset[int], ...]

    def of(self, table: np.ndarray) -> np.ndarray:
        """Return the effects in ``table``, whose last axes are the levels, on the last axis."""
        k = self.weights.ndim - 1
        return np.tensordot(table, self.weights, axes=(range(table.ndim - k, table.ndim), range(1, k + 1)))


def effects(levels: tuple[int, ...]) -> Contrasts:
    """Return main effects and two-way interactions of factors with so many levels, the first the reference.

    An effect is averaged over all factors that it does not speak of.
    """
    chosen = [
        {factor: _step(levels[factor], level) for factor, level in zip(of, at, strict=True)}
        for r in (1, 2)
        for of in combinations(range(len(levels)), r)
        for at in product(*(range(1, levels[factor]) for factor in of))
    ]
    return _contrasts(levels, chosen)


def simple_effects(levels: tuple[int, ...], a: int, b: int) -> Contrasts:
    """Return the effects of factor ``a`` at each level of ``b``."""
    chosen = [
        {a: _step(levels[a], level), b: np.eye(levels[b])[at]}
        for at in range(levels[b])
        for level in range(1, levels[a])
    ]
    return _contrasts(levels, chosen)


def _contrasts(levels: tuple[int, ...], chosen: list[dict[int, np.ndarray]]) -> Contrasts:
    weights = [
        reduce(np.multiply.outer, [of.get(f, np.full(size, 1 / size)) for f, size in enumerate(levels)])
        for of in chosen
    ]
    return Contrasts(np.array(weights), tuple(frozenset(of) for of in chosen))


def _step(size: int, level: int) -> np.ndarray:
    """Return +1 at ``level`` and -1 at the first one."""
    return np.eye(size)[level] - np.eye(size)[0]


def published_outside(values: np.ndarray, published: np.ndarray, images: int | None) -> np.ndarray:
    """Whether a published number lies outside what one run of ours would give.

    ``images`` is how many test images we and they have, not the same ones; None stands for the same.
    """
    ours = one_sample(values)
    seeds = ours.sd**2 * (1 + 1 / ours.n)
    sampling = np.zeros_like(seeds) if images is None else 2 * ours.mean * (1 - ours.mean) / images
    student, normal = scipy.special.stdtrit(ours.n - 1, 0.975), scipy.special.ndtri(0.975)
    of_both = (seeds * student + sampling * normal) / np.sqrt(seeds + sampling)
    return np.asarray(np.abs(published - ours.mean) > np.maximum(of_both, student * np.sqrt(seeds)))
