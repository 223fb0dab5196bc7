"""Verdicts on runs that were trained elsewhere, by any number of theirs: a loss, a score.

A results folder holds shares of right answers, so these stand by themselves. The rules are those of every
verdict: paired seeds, simultaneous intervals, a margin that was declared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.errors import UsageError
from assay.findings.numbers import interval_name, simultaneous
from assay.findings.wording.quantities import OtherMetric
from assay.records.runs import RunId
from assay.stats import (
    Family,
    Interval,
    Summary,
    Verdict,
    compare_arms,
    sd_upper_bound,
    seeds_for_equivalence,
    seeds_needed,
    summary,
)
from assay.stats.ttest import check_positive

POWER = 0.8
Numbers = Mapping[RunId, float | None]
"""The number of each run; None of one that diverged."""


@dataclass(frozen=True)
class MeasuredPair:
    """The mean difference of ``a`` less ``b`` in the metric, and the verdict.

    There is a difference where ``interval`` excludes 0, with ``p``; the two are equivalent where
    ``equivalence_interval``, that of two one-sided tests, lies inside the margin. None below three seeds.
    """

    a: str
    b: str
    seeds: int
    mean: float
    interval: Interval | None
    equivalence_interval: Interval | None
    p: float | None
    verdict: Verdict


@dataclass(frozen=True)
class Measured:
    """Arms by a metric: ``summaries`` of the metric's own values, ``pairs`` in the family's order.

    The differences in ``family`` are of values of which more is better: of a loss their signs are turned;
    those in ``pairs`` are the metric's.
    """

    metric: OtherMetric
    margin: float
    summaries: Mapping[str, Summary]
    family: Family
    pairs: tuple[MeasuredPair, ...]

    def intervals_name(self, alpha: float) -> str:
        """Name the intervals of the comparisons that all hold together with a confidence of 1 - ``alpha``."""
        return simultaneous(interval_name(1 - alpha, 2), len(self.pairs))


def measured(
    numbers: Numbers, arms: Sequence[str], seeds: Sequence[int], metric: OtherMetric, margin: float | None,
    control: str | None = None,
) -> Measured:  # fmt: skip
    """Judge ``arms`` by the ``numbers`` of their runs, which have all ``seeds``.

    ``margin``, in the unit of the metric, is the difference that does not matter. Raises `UsageError` where
    it is missing, since no default suits every metric, and where there is one arm.
    """
    if margin is None:
        raise UsageError(
            f"{metric.name}: needs --margin, the difference that does not matter, in its own unit "
            "(accuracies have a default, 0.3 points)"
        )
    if len(arms) < 2:
        raise UsageError(f"{arms[0]}: is the only arm, expected two or more to compare")
    sign = -1.0 if metric.less_is_better else 1.0
    values = {arm: [_number(numbers[RunId(arm, seed)]) for seed in seeds] for arm in arms}
    turned = {arm: [sign * value for value in row] for arm, row in values.items()}
    family = compare_arms(turned, control=control, margin=margin, shares=False)
    return Measured(
        metric=metric,
        margin=margin,
        summaries={arm: summary(row) for arm, row in values.items()},
        family=family,
        pairs=tuple(
            MeasuredPair(
                a=pair.a,
                b=pair.b,
                seeds=pair.comparison.n,
                mean=sign * pair.comparison.mean,
                interval=_turned(pair.interval, sign),
                equivalence_interval=_turned(pair.equivalence_interval, sign),
                p=pair.p,
                verdict=pair.judgement.verdict,
            )
            for pair in family.pairs
        ),
    )


def seeds_to_tell(found: Measured, difference: float) -> tuple[int, int]:
    """Return how many seeds tell a true ``difference``, and how many show that equal arms are equivalent.

    In every comparison, with 80% power, going by the upper bound of the spreads of these runs. Raises
    `UsageError` where no comparison shows a spread.
    """
    check_positive("resolve", difference=difference)
    spreads = [
        sd_upper_bound(pair.comparison.sd, pair.comparison.n)
        for pair in found.family.pairs
        if pair.comparison.sd
    ]
    if not spreads:
        raise UsageError("--resolve: needs three seeds of two arms that differ, to see how far seeds spread")
    alpha = found.family.alpha / found.family.m
    return (
        seeds_needed(max(spreads), difference, power=POWER, alpha=alpha),
        seeds_for_equivalence(max(spreads), found.margin, power=POWER, alpha=alpha),
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _turned(interval: Interval | None, sign: float) -> Interval | None:
    if interval is None:
        return None
    low, high = sorted(sign * end for end in interval)
    return low, high
