"""Several arms over the same seeds: a declared family of comparisons, corrected by Holm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from assay.errors import UsageError, suggestion
from assay.stats.mcnemar import mcnemar_test
from assay.stats.means import expected_maximum
from assay.stats.paired import Comparison, compare
from assay.stats.ttest import Interval, row
from assay.stats.verdict import Judgement, verdict

FamilyName = Literal["vs-control", "all-pairs"]


@dataclass(frozen=True)
class Pair:
    """One comparison of a family: arm ``a`` less arm ``b`` over the seeds that both finished.

    ``p_holm`` and ``tost_p_holm`` are adjusted over the family and decide the judgement; ``simultaneous``
    is the interval at 1 - alpha / m (Bonferroni). All three are None below three seeds. ``left_out`` counts
    the seeds on which one or both diverged, and ``divergence_p``, None where there is no such seed, is the
    exact McNemar p of "both diverge equally often".
    """

    a: str
    b: str
    comparison: Comparison
    p_holm: float | None
    tost_p_holm: float | None
    simultaneous: Interval | None
    judgement: Judgement
    left_out: int
    divergence_p: float | None


@dataclass(frozen=True)
class Family:
    """The comparisons that a study declared, ``m`` of them, and the ranking of its arms.

    ``not_distinguishable`` are the arms, ``best`` first, that Holm over *all* pairs does not tell from the
    arm with the highest mean: which arm is best is seen in the data, so the declared comparisons would not
    do. ``optimism`` is by how much the best mean is expected to stand too high if all arms were equal.
    Ranking and optimism use the ``complete`` seeds, those that every arm finished (save an arm that
    finished none); ``diverged`` counts the diverged runs of each arm.
    """

    name: FamilyName
    control: str | None
    pairs: tuple[Pair, ...]
    m: int
    alpha: float
    best: str | None
    not_distinguishable: tuple[str, ...]
    optimism: float | None
    seeds: int
    complete: int
    diverged: Mapping[str, int]


def compare_arms(
    values: Mapping[str, ArrayLike],
    *,
    control: str | None = None,
    family: FamilyName | None = None,
    margin: float = 0.3,
    alpha: float = 0.05,
) -> Family:
    """Compare arms whose ``values[arm][i]`` share the seed i, in percent; a diverged run is NaN.

    ``vs-control``, the default where a ``control`` is named, compares each arm with it; ``all-pairs``
    compares every two arms, earlier less later. Each comparison uses the seeds that both its arms finished,
    and says how many those are. Raises `UsageError` on fewer than two arms, unequal lengths or an unknown
    control.
    """
    arms = _arms(values)
    name = _family_name(list(arms), control, family)
    every = list(combinations(arms, 2))
    versus = [(arm, control) for arm in arms if arm != control] if control is not None else every
    pairs = _pairs(arms, every if name == "all-pairs" else versus, margin, alpha)
    complete = _complete(arms)
    best = max(complete, key=lambda arm: complete[arm].mean()) if complete else None
    return Family(
        name=name,
        control=control,
        pairs=tuple(pairs),
        m=len(pairs),
        alpha=alpha,
        best=best,
        not_distinguishable=_not_distinguishable(best, arms, list(complete), alpha),
        optimism=_optimism(complete),
        seeds=len(next(iter(arms.values()))),
        complete=len(next(iter(complete.values()))) if complete else 0,
        diverged={arm: int(np.count_nonzero(np.isnan(x))) for arm, x in arms.items()},
    )


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return the p-values adjusted by Holm (1979); None, a comparison that could not be made, counts as 1."""
    p = np.array([1.0 if value is None else value for value in p_values])
    order = np.argsort(p, kind="stable")
    steps = np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps * p[order]))
    return [None if raw is None else float(new) for raw, new in zip(p_values, adjusted, strict=True)]


def _pairs(
    arms: Mapping[str, np.ndarray], names: Sequence[tuple[str, str]], margin: float, alpha: float
) -> list[Pair]:
    """Compare the named pairs as one family."""
    m = len(names)
    comparisons = [_compare_finished(arms[a], arms[b], margin=margin, alpha=alpha) for a, b in names]
    p_holm = holm([c.p for c in comparisons])
    tost_holm = holm([c.tost_p for c in comparisons])
    return [
        Pair(
            a=a,
            b=b,
            comparison=c,
            p_holm=p,
            tost_p_holm=tost_p,
            simultaneous=c.test.interval(1 - alpha / m) if c.test else None,
            judgement=verdict(c, alpha, p=p, tost_p=tost_p, comparisons=m, names=(a, b)),
            left_out=len(arms[a]) - c.n,
            divergence_p=_divergence_p(arms[a], arms[b]) if len(arms[a]) > c.n else None,
        )
        for (a, b), c, p, tost_p in zip(names, comparisons, p_holm, tost_holm, strict=True)
    ]


def _compare_finished(a: np.ndarray, b: np.ndarray, *, margin: float = 0.3, alpha: float) -> Comparison:
    """Compare two arms over the seeds that both finished."""
    both = np.isfinite(a) & np.isfinite(b)
    return compare(a[both], b[both], margin=margin, confidence=1 - alpha)


def _divergence_p(a: np.ndarray, b: np.ndarray) -> float:
    """Return the exact McNemar p over seeds that a and b diverge equally often."""
    only_a, only_b = np.isnan(a) & ~np.isnan(b), np.isnan(b) & ~np.isnan(a)
    return mcnemar_test(int(only_a.sum()), int(only_b.sum()), len(a)).p


def _complete(arms: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the values on the seeds that all arms finished, leaving out the arms that finished none."""
    some = {arm: x for arm, x in arms.items() if np.isfinite(x).any()}
    if not some:
        return {}
    seeds = np.isfinite(list(some.values())).all(axis=0)
    return {arm: x[seeds] for arm, x in some.items()} if seeds.any() else {}


def _not_distinguishable(
    best: str | None, arms: Mapping[str, np.ndarray], finished: Sequence[str], alpha: float
) -> tuple[str, ...]:
    """Return ``best`` and those of the ``finished`` arms that Holm over all pairs does not tell from it."""
    if best is None:
        return ()
    every = list(combinations(arms, 2))
    p_holm = holm([_compare_finished(arms[a], arms[b], alpha=alpha).p for a, b in every])
    told = [set(pair) for pair, p in zip(every, p_holm, strict=True) if p is not None and p < alpha]
    return (best, *(arm for arm in finished if arm != best and {arm, best} not in told))


def _optimism(complete: Mapping[str, np.ndarray]) -> float | None:
    """Return the standard error of a mean within seeds times the expected maximum of k normal numbers."""
    if len(complete) < 2:
        return None
    x = np.array(list(complete.values()))
    k, n = x.shape
    if n < 2:
        return None
    residual = x - x.mean(axis=0) - x.mean(axis=1, keepdims=True) + x.mean()
    variance = float(np.sum(residual**2)) / ((k - 1) * (n - 1))
    return sqrt(variance / n) * expected_maximum(k)


def _arms(values: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
    """Return the arms as arrays of one length, NaN where a value is not finite."""
    if len(values) < 2:
        raise UsageError(f"compare_arms: found {len(values)} arm, expected at least two")
    arms = {arm: row(x, f"compare_arms: {arm}") for arm, x in values.items()}
    lengths = {arm: len(x) for arm, x in arms.items()}
    if len(set(lengths.values())) > 1:
        raise UsageError(
            f"compare_arms: found {lengths} values, expected one a seed for every arm (NaN: diverged)"
        )
    return {arm: np.where(np.isfinite(x), x, np.nan) for arm, x in arms.items()}


def _family_name(arms: Sequence[str], control: str | None, family: FamilyName | None) -> FamilyName:
    """Return the declared family, or the default, after checking it."""
    if control is not None and control not in arms:
        raise UsageError(f"compare_arms: control {control!r} is no arm ({suggestion(control, arms)})")
    if family is None:
        return "all-pairs" if control is None else "vs-control"
    if family not in ("vs-control", "all-pairs"):
        raise UsageError(f"compare_arms: family is {family!r}, expected 'vs-control' or 'all-pairs'")
    if family == "vs-control" and control is None:
        raise UsageError("compare_arms: family is 'vs-control', expected a control (name one of the arms)")
    return family
