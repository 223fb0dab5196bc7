"""Several arms over the same seeds: a declared family of comparisons that all hold at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from assay.errors import UsageError, suggestion
from assay.stats.failures import (
    FailureRate,
    FailureTest,
    Outperforming,
    compare_failures,
    failure_rate,
    outperforming,
)
from assay.stats.paired import Comparison, compare, on_common_seeds
from assay.stats.ranking import best_arm, not_distinguishable, on_complete_seeds, optimism
from assay.stats.shares import MARGIN, check_shares
from assay.stats.ttest import Interval, check_alpha, row
from assay.stats.verdict import Judgement, Verdict, verdict


@dataclass(frozen=True)
class Pair:
    """One comparison of a family: arm ``a`` less arm ``b`` over the seeds on which neither failed.

    Of the ``m`` comparisons ``interval`` holds at 1 - alpha / m and excludes 0 where there
    is a difference, ``equivalence_interval`` at 1 - 2 alpha / m and lies inside the margin where the arms are
    equivalent (Bonferroni): of one comparison at most one of the two claims can be false, so that all claims
    of the family together err in at most alpha. ``p`` and ``tost_p`` are the adjusted p-values that go with
    them. All four are None below three seeds, and where neither arm ever learnt: guesses say nothing about
    the arms, and the verdict is inconclusive. ``failures`` says how often each arm failed, on how many seeds
    only one did, and ``outperforms`` how often a beats b when a failed run ranks last.
    """

    a: str
    b: str
    comparison: Comparison
    p: float | None
    tost_p: float | None
    interval: Interval | None
    equivalence_interval: Interval | None
    judgement: Judgement
    failures: FailureTest
    outperforms: Outperforming

    @property
    def guesses(self) -> bool:
        """Whether no run of either arm learnt anything, so that there is nothing to compare."""
        return self.failures.a.share == self.failures.b.share == 1

    @property
    def equivalent(self) -> bool:
        """Whether the arms are equivalent."""
        return self.judgement.verdict is Verdict.EQUIVALENT

    @property
    def deciding(self) -> Interval | None:
        """The interval that the verdict rests on: of equivalent arms the narrower one, inside the margin."""
        return self.equivalence_interval if self.equivalent else self.interval

    @property
    def deciding_p(self) -> float | None:
        """The adjusted p that goes with `deciding`."""
        return self.tost_p if self.equivalent else self.p

    @property
    def left_out(self) -> int:
        """The number of seeds without a difference, because one or both arms have no value."""
        return self.failures.a.n - self.comparison.n


@dataclass(frozen=True)
class Family:
    """The comparisons that a study declared, ``m`` of them, and the ranking of its arms.

    ``best`` is the arm with the highest mean over its own seeds, None where every run of all arms failed;
    ``not_distinguishable`` the arms, ``best`` first, that no comparison of *all* pairs distinguishes from it:
    which arm is best is read off the data, so the declared comparisons do not suffice. ``optimism`` is the
    amount by which the best mean is expected to be too high if all arms were equal, over the ``complete``
    seeds, on which no arm failed (save arms that always did). ``failures`` says how often the runs of each
    arm failed.
    """

    control: str | None
    pairs: tuple[Pair, ...]
    m: int
    alpha: float
    best: str | None
    not_distinguishable: tuple[str, ...]
    optimism: float | None
    seeds: int
    complete: int
    failures: Mapping[str, FailureRate]


def compare_arms(
    values: Mapping[str, ArrayLike],
    *,
    control: str | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    margin: float = MARGIN,
    alpha: float = 0.05,
    failed: Mapping[str, ArrayLike] | None = None,
    shares: bool = True,
) -> Family:
    """Compare arms whose ``values[arm][i]``, accuracies as shares from 0 to 1, share the seed i.

    NaN is a run that failed: it diverged, or learnt nothing. ``failed`` overrides which runs failed, arm by
    arm, True or False per seed. ``pairs`` are the comparisons, first less second: by default each arm less
    the ``control``, or every pair of arms where none is named (``declared_pairs``). Each uses the seeds on
    which both arms have a value, and says how many those are. Without ``shares`` values and margin are in any
    unit, more being better. Raises `UsageError` on fewer than two arms,
    unequal lengths, values that are not shares, or an unknown arm.
    """
    check_alpha(alpha, "compare_arms")
    arms = _arms(values, shares)
    fails = {arm: np.isnan(x) for arm, x in arms.items()} if failed is None else _failed(failed, arms)
    named = declared_pairs(list(arms), control) if pairs is None else _known(pairs, list(arms))
    comparisons = [
        compare(*on_common_seeds(arms[a], arms[b]), margin=margin, confidence=1 - alpha, shares=shares)
        for a, b in named
    ]
    judged = [
        _pair(pair, c, {arm: (arms[arm], fails[arm]) for arm in pair}, alpha / len(named))
        for pair, c in zip(named, comparisons, strict=True)
    ]
    best = best_arm(arms, fails)
    complete = on_complete_seeds(arms)
    return Family(
        control=control,
        pairs=tuple(judged),
        m=len(judged),
        alpha=alpha,
        best=best,
        not_distinguishable=not_distinguishable(best, arms, alpha),
        optimism=optimism(complete),
        seeds=len(next(iter(arms.values()))),
        complete=len(next(iter(complete.values()))) if complete else 0,
        failures={arm: failure_rate(flags, confidence=1 - alpha) for arm, flags in fails.items()},
    )


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return the p-values adjusted by Holm (1979); None, a comparison that could not be made, counts as 1."""
    p = np.array([1.0 if value is None else value for value in p_values])
    order = np.argsort(p, kind="stable")
    steps = np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps * p[order]))
    return [None if raw is None else float(new) for raw, new in zip(p_values, adjusted, strict=True)]


def _pair(
    names: tuple[str, str],
    c: Comparison,
    runs: Mapping[str, tuple[np.ndarray, np.ndarray]],
    level: float,
) -> Pair:
    """Judge one comparison at its ``level``; ``runs`` are the values and failures of its arms."""
    (a, a_failed), (b, b_failed) = (runs[name] for name in names)
    guesses = bool(a_failed.all() and b_failed.all())
    test, m, confidence = None if guesses else c.test, c.alpha / level, c.confidence
    return Pair(
        a=names[0],
        b=names[1],
        comparison=c,
        p=min(1.0, m * test.p()) if test else None,
        tost_p=min(1.0, m * test.p_equivalent(c.margin)) if test else None,
        interval=test.interval(1 - level) if test else None,
        equivalence_interval=test.interval(1 - 2 * level) if test else None,
        judgement=Judgement(Verdict.INCONCLUSIVE) if guesses else verdict(c, level),
        failures=compare_failures(a_failed, b_failed, confidence=confidence),
        outperforms=outperforming(
            np.where(a_failed, np.nan, a), np.where(b_failed, np.nan, b), confidence=confidence
        ),
    )


def _arms(values: Mapping[str, ArrayLike], shares: bool) -> dict[str, np.ndarray]:
    """Return the arms as arrays of one length, NaN where a value is not finite."""
    if len(values) < 2:
        raise UsageError(f"compare_arms: found {len(values)} arm, expected at least two")
    arms = {arm: row(x, f"compare_arms: {arm}") for arm, x in values.items()}
    lengths = {arm: len(x) for arm, x in arms.items()}
    if len(set(lengths.values())) > 1:
        raise UsageError(
            f"compare_arms: found {lengths} values, expected one a seed for every arm (NaN: diverged)"
        )
    for arm, x in arms.items() if shares else ():
        check_shares(x, f"compare_arms: {arm}")
    return {arm: np.where(np.isfinite(x), x, np.nan) for arm, x in arms.items()}


def _failed(failed: Mapping[str, ArrayLike], arms: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return which runs failed, by arm, one True or False for each value."""
    flags = {arm: np.asarray(failed.get(arm, ())) for arm in arms}
    for arm, x in arms.items():
        if flags[arm].shape != x.shape or flags[arm].dtype != np.bool_:
            raise UsageError(
                f"compare_arms: failed[{arm!r}] is {failed.get(arm)!r}, expected {len(x)} of True or False"
            )
    return flags


def declared_pairs(arms: Sequence[str], control: str | None) -> list[tuple[str, str]]:
    """Return a study's comparisons: each arm less the control, or every pair of arms, earlier less later."""
    if control is None:
        return list(combinations(arms, 2))
    if control not in arms:
        raise UsageError(f"compare_arms: control {control!r} is no arm ({suggestion(control, arms)})")
    return [(arm, control) for arm in arms if arm != control]


def _known(pairs: Sequence[tuple[str, str]], arms: Sequence[str]) -> list[tuple[str, str]]:
    """Return ``pairs``, at least one, each of two different arms."""
    for pair in pairs:
        for arm in pair:
            if arm not in arms:
                raise UsageError(f"compare_arms: {arm!r} is no arm ({suggestion(arm, arms)})")
    if not pairs or any(a == b for a, b in pairs):
        raise UsageError(
            f"compare_arms: pairs {list(pairs)}, expected one or more, each of two different arms"
        )
    return list(pairs)
