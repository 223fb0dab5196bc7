"""Failures as outcomes, against SciPy's and statsmodels' exact intervals and tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from later import statsmodels
from scipy.stats import binomtest

from assay.errors import UsageError
from assay.stats import (
    compare_failures,
    failure_rate,
    never_seen_bound,
    outperforming,
    proportion_interval,
)
from assay.streams import stream

nan = np.nan
CONFIDENCE = st.floats(0.51, 0.9999)
FLAGS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30).map(np.array)
VALUE = st.sampled_from([nan, 0.1, 0.5, 0.5, 0.8, 0.88])
VALUES = st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=20).map(np.array)


@given(st.integers(0, 60), st.integers(0, 60), CONFIDENCE)
def test_the_interval_of_a_share_is_clopper_and_pearsons(count, more, confidence):
    n = count + more
    if not n:
        return
    found = proportion_interval(count, n, confidence=confidence)
    reference = binomtest(count, n).proportion_ci(confidence, method="exact")
    assert found == pytest.approx((reference.low, reference.high), abs=1e-9)
    assert found == pytest.approx(
        statsmodels.proportion_confint(count, n, 1 - confidence, method="beta"), abs=1e-9
    )
    assert found[0] <= count / n <= found[1]
    assert (found[0] == 0, found[1] == 1) == (count == 0, count == n)


@given(st.integers(1, 100), CONFIDENCE)
def test_counting_failures_or_successes_is_the_same(n, confidence):
    for count in range(n + 1):
        low, high = proportion_interval(count, n, confidence=confidence)
        assert proportion_interval(n - count, n, confidence=confidence) == pytest.approx((1 - high, 1 - low))
        if count:
            assert low > proportion_interval(count - 1, n, confidence=confidence)[0]


@pytest.mark.parametrize("p", [0.02, 0.3, 0.5])
def test_an_exact_interval_covers_at_least_as_nominal(p):
    counts = stream(0, "failure rates", str(p)).binomial(10, p, 3000)
    ends = np.array([proportion_interval(int(count), 10) for count in range(11)])[counts]
    assert np.mean((ends[:, 0] <= p) & (p <= ends[:, 1])) >= 0.95 - 0.01


@given(st.integers(1, 200), CONFIDENCE)
def test_what_so_many_runs_can_miss(n, confidence):
    bound = never_seen_bound(n, confidence=confidence)
    assert (1 - bound) ** n == pytest.approx(1 - confidence)
    one_sided = binomtest(0, n, alternative="less").proportion_ci(confidence, method="exact")
    assert bound == pytest.approx(one_sided.high, abs=1e-9)
    assert bound > never_seen_bound(n + 1, confidence=confidence)


def test_three_runs_say_little_and_five_less_than_half():
    assert never_seen_bound(3) == pytest.approx(1 - 0.05 ** (1 / 3))
    assert never_seen_bound(4) > 0.5 > never_seen_bound(5)


@given(FLAGS, CONFIDENCE)
def test_failures_are_compared_by_mcnemars_exact_test(flags, confidence):
    a, b = flags.T
    found = compare_failures(a, b, confidence=confidence)
    table = [[np.sum(a & b), np.sum(a & ~b)], [np.sum(b & ~a), np.sum(~a & ~b)]]
    assert (found.only_a, found.only_b) == (table[0][1], table[1][0])
    if found.only_a + found.only_b:
        assert found.p == pytest.approx(statsmodels.mcnemar(table, exact=True).pvalue)
        assert found.p == pytest.approx(binomtest(found.only_a, found.only_a + found.only_b).pvalue)
    else:
        assert found.p == 1
    for rate, x in ((found.a, a), (found.b, b)):
        assert (rate.failed, rate.n, rate.share) == (x.sum(), len(x), x.mean())
        assert rate == failure_rate(x, confidence=confidence)
        assert rate.interval == proportion_interval(int(x.sum()), len(x), confidence=confidence)
    assert found.any == bool(a.any() or b.any())
    swapped = compare_failures(b, a, confidence=confidence)
    assert (swapped.only_a, swapped.only_b, swapped.p) == (found.only_b, found.only_a, found.p)


@given(VALUES, st.booleans())
def test_who_comes_out_ahead_is_counted_seed_by_seed(values, higher):
    a, b = values.T
    found = outperforming(a, b, higher_is_better=higher)
    wins = losses = 0
    for x, y in values:
        if np.isnan(x) or np.isnan(y):
            wins += bool(np.isnan(y) and not np.isnan(x))
            losses += bool(np.isnan(x) and not np.isnan(y))
        else:
            wins += bool(x > y if higher else x < y)
            losses += bool(x < y if higher else x > y)
    assert (found.wins, found.losses, found.n) == (wins, losses, len(values))
    assert found.share == pytest.approx((wins + (len(values) - wins - losses) / 2) / len(values))
    low, high = found.interval
    assert low == pytest.approx(statsmodels.proportion_confint(wins, len(values), method="beta")[0], abs=1e-9)
    assert high == pytest.approx(
        statsmodels.proportion_confint(len(values) - losses, len(values), method="beta")[1], abs=1e-9
    )
    assert low <= found.share <= high


@given(VALUES, st.booleans())
def test_swapping_the_arms_mirrors_who_is_ahead(values, higher):
    a, b = values.T
    found, swapped = (outperforming(x, y, higher_is_better=higher) for x, y in ((a, b), (b, a)))
    assert (swapped.wins, swapped.ties, swapped.losses) == (found.losses, found.ties, found.wins)
    assert swapped.interval == pytest.approx((1 - found.interval[1], 1 - found.interval[0]))
    # Turning the values round turns which is better, but a failure stays the worst.
    turned = outperforming(-a, -b, higher_is_better=not higher)
    assert turned == found


def test_a_failed_run_loses_to_the_worst_that_learnt_and_to_no_other_failure():
    """A loss beyond all bounds has still been computed: of two failures only NaN is one."""
    found = outperforming([nan, nan, 0.01, 1e308], [0.0, nan, nan, nan])
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)
    found = outperforming([np.inf, nan], [nan, np.inf], higher_is_better=False)
    assert (found.wins, found.losses) == (1, 1)


@pytest.mark.parametrize("ties", [0.0, 0.4])
def test_the_interval_of_outperforming_covers_at_least_as_nominal(ties):
    rng, held, true = stream(0, "outperforming", str(ties)), 0, (1 - ties) * 0.7 + ties / 2
    for _ in range(1000):
        outcome = rng.choice([1.0, 0.0, -1.0], 12, p=[(1 - ties) * 0.7, ties, (1 - ties) * 0.3])
        low, high = outperforming(outcome, np.zeros(12)).interval
        held += low <= true <= high
    assert held / 1000 >= 0.95 - 0.015


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: proportion_interval(-1, 3),
        lambda: proportion_interval(4, 3),
        lambda: proportion_interval(0, 0),
        lambda: proportion_interval(1, 3, confidence=95),
        lambda: never_seen_bound(0),
        lambda: never_seen_bound(3, confidence=1),
        lambda: failure_rate([]),
        lambda: failure_rate([0, 1]),
        lambda: failure_rate([[True]]),
        lambda: compare_failures([True], [True, False]),
        lambda: outperforming([0.5], [0.5, 0.6]),
        lambda: outperforming([], []),
        lambda: outperforming([[0.5]], [[0.5]]),
    ],
)
def test_what_cannot_be_counted_is_said(wrong):
    with pytest.raises(UsageError, match=r"expected|found"):
        wrong()
