"""Ranges of further seeds, against power computed elsewhere and simulated pilots."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from later import statsmodels
from scipy.stats import chi2

from assay.stats import (
    MoreSeeds,
    compare,
    most_seeds,
    seeds_for_equivalence,
    seeds_needed,
    verdict,
)
from assay.stats.forecast import more_seeds, spread_interval, to_settle, to_tell_a_gain, to_tell_equality
from assay.stats.ttest import TTest, one_sample
from assay.streams import stream

SD = st.floats(0.0005, 0.02)
N = st.integers(3, 40)
SIZE = st.floats(-0.006, 0.006)
MARGIN = st.floats(0.001, 0.01)
LEVEL = st.floats(0.002, 0.1)


@given(SD, st.integers(2, 60), st.floats(0.5, 0.99))
def test_the_interval_of_a_spread_is_that_of_chi_squared(sd, df, confidence):
    low, high = spread_interval(sd, df, confidence=confidence)
    assert low == pytest.approx(sd * sqrt(df / chi2.ppf((1 + confidence) / 2, df)))
    assert high == pytest.approx(sd * sqrt(df / chi2.ppf((1 - confidence) / 2, df)))
    assert low < sd or df < 3
    assert sd < high


@pytest.mark.parametrize("n", [3, 6, 20])
def test_the_interval_of_a_spread_holds_in_eighty_of_a_hundred_pilots(n):
    pilots = stream(0, "spreads", n).normal(0, 1, (4000, n)).std(axis=1, ddof=1)
    ends = np.array([spread_interval(sd, n - 1) for sd in pilots])
    assert np.mean((ends[:, 0] <= 1) & (ends[:, 1] >= 1)) == pytest.approx(0.8, abs=0.025)
    assert np.mean(ends[:, 0] > 1) == pytest.approx(0.1, abs=0.02)


@given(SD, st.integers(2, 60))
def test_more_seeds_know_their_spread_better(sd, df):
    low, high = spread_interval(sd, df)
    narrower = spread_interval(sd, df + 1)
    assert low < narrower[0] < narrower[1] < high


def totals_of(kind, mean, margin, alpha):
    if kind == "settle":
        return to_settle(abs(mean), margin, alpha)
    if kind == "gain":
        return to_tell_a_gain(mean, margin, alpha, alpha / 2)
    return to_tell_equality(abs(mean), margin, alpha, alpha / 2)


KIND = st.sampled_from(["settle", "gain", "equality"])


@given(SD, N, SIZE, MARGIN, LEVEL, KIND)
def test_a_range_is_ordered_and_holds_what_the_observed_spread_says(sd, n, mean, margin, alpha, kind):
    totals = totals_of(kind, mean, margin, alpha)
    found = more_seeds(TTest(n, mean, sd), totals)
    assert found is not None
    planned = totals.planned(sd)
    total = planned if planned > n else totals.observed(sd)
    assert 1 <= found.low <= max(1, total - n)
    assert found.high is None or max(1, total - n) <= found.high


@given(SD, N, SIZE, MARGIN, LEVEL, KIND)
def test_a_range_has_the_same_ends_whatever_the_unit(sd, n, mean, margin, alpha, kind):
    """A plain test of scale: halves of everything need as many seeds."""
    found = more_seeds(TTest(n, mean, sd), totals_of(kind, mean, margin, alpha))
    half = more_seeds(TTest(n, mean / 2, sd / 2), totals_of(kind, mean / 2, margin / 2, alpha))
    assert found == half


@given(SD, st.integers(3, 20), MARGIN)
def test_a_longer_pilot_of_the_same_spread_plans_within_the_shorter_ones_range(sd, n, margin):
    """In all, pilot and further seeds together, as long as neither has as many as are planned."""
    short, long = (more_seeds(TTest(k, 0.0, sd), to_settle(0.0, margin, 0.05)) for k in (n, n + 5))
    planned = to_settle(0.0, margin, 0.05).planned(spread_interval(sd, n - 1)[0])
    if planned <= n + 5 + 1 or short.high is None:
        return
    assert n + short.low <= n + 5 + long.low
    assert n + 5 + long.high <= n + short.high


def test_planned_seeds_tell_a_difference_of_zero_from_one_of_the_margin():
    """Ends by hand: the 80% interval of a spread of .3 over 6 seeds, from a chi-squared table at 5 df."""
    d = standard(stream(2, "a pilot").normal(0, 1, 6)) * 0.003 + 0.0015
    low, high = 0.003 * sqrt(5 / 9.2364), 0.003 * sqrt(5 / 1.6103)
    judgement = verdict(compare(0.5 + d, np.full(6, 0.5)))
    expected = [max(seeds_needed(sd, 0.003), seeds_for_equivalence(sd, 0.003)) - 6 for sd in (low, high)]
    assert judgement.more_seeds == MoreSeeds(*expected)
    # Statsmodels' power of the t test has as many seeds for the first half.
    assert seeds_needed(high, 0.003) == np.ceil(
        statsmodels.TTestPower().solve_power(0.003 / high, power=0.8, alpha=0.05)
    )
    # Inside a family the tests are stricter, and so is the plan.
    stricter = verdict(compare(0.5 + d, np.full(6, 0.5)), 0.05 / 10).more_seeds
    assert (stricter.low, stricter.high) > (judgement.more_seeds.low, judgement.more_seeds.high)


def test_a_difference_between_zero_and_the_margin_needs_more_than_the_plan():
    totals = {
        0.0019: to_settle(0.0019, 0.003, 1e-9).observed(0.004),
        -0.0014: to_settle(0.0014, 0.003, 1e-9).observed(0.004),
    }
    assert totals[0.0019] == seeds_needed(0.004, 0.0019, alpha=1e-9)
    assert totals[-0.0014] == seeds_for_equivalence(0.004, 0.003, difference=0.0014, alpha=1e-9)
    # 100 seeds are as many as the plan takes at 5%, and 0.19 points are neither 0 nor 0.3.
    test, settling = TTest(100, 0.0019, 0.011), to_settle(0.0019, 0.003, 0.05)
    assert settling.planned(test.sd) > 100
    assert more_seeds(TTest(130, 0.0019, 0.011), settling).high > 130


@pytest.mark.parametrize("size", [0.0016, 0.0029])
def test_the_seeds_of_a_gain_give_it_the_power_of_statsmodels(size):
    """A gain shows by the two-sided test at ``shows``; that of the margin is excluded by a one-sided one."""
    totals = to_tell_a_gain(size, 0.003, 0.05, 0.02)
    power = statsmodels.TTestPower()
    for sd in (0.002, 0.005):
        shown = np.ceil(power.solve_power(0.003 / sd, power=0.8, alpha=0.05))
        excluded = np.ceil(power.solve_power(0.003 / sd, power=0.8, alpha=0.02, alternative="larger"))
        assert totals.planned(sd) == max(shown, excluded)
        assert totals.observed(sd) == np.ceil(power.solve_power(size / sd, power=0.8, alpha=0.05))


def test_a_loss_is_planned_for_as_no_gain():
    for loss in (-0.0001, -0.01):
        near = to_tell_a_gain(loss, 0.003, 0.05, 0.05).observed(0.004)
        assert near == seeds_needed(0.004, 0.003, alpha=0.1)


def test_equality_beyond_the_margin_is_told_by_what_lies_beyond():
    totals = to_tell_equality(0.005, 0.003, 0.05, 0.01)
    assert totals.planned(0.002) == seeds_for_equivalence(0.002, 0.003)
    assert totals.observed(0.002) == seeds_needed(0.002, 0.002, alpha=0.01)
    assert to_tell_equality(0.001, 0.003, 0.05, 0.01).observed(0.002) == seeds_for_equivalence(
        0.002, 0.003, difference=0.001
    )


def test_no_spread_and_no_number_in_reach():
    assert more_seeds(TTest(5, 0.003, 0.0), to_settle(0.003, 0.003, 0.05)) is None
    assert more_seeds(TTest(3, 0.0, 0.1), to_settle(0.0, 1e-5, 0.05)) is None
    # The lower end is within ten million, the upper one beyond.
    edge = more_seeds(TTest(3, 0.0, 0.01), to_settle(0.0, 1e-5, 0.05))
    assert edge.low > 10**6
    assert edge.high is None


def test_a_margin_that_no_number_of_seeds_resolves_is_no_error():
    judgement = verdict(compare([0.60, 0.70, 0.80], [0.75, 0.62, 0.71], margin=1e-7))
    assert judgement.more_seeds is None


def test_so_many_more_seeds_do_settle_it_in_most_studies():
    """Of comparisons that a pilot leaves open, the upper end settles at least 80% where arms are equal."""
    settled = opened = 0
    for k in range(300):
        d = stream(k, "settling").normal(0, 0.00354, 400)
        pilot = verdict(compare(0.5 + d[:5], np.full(5, 0.5)))
        if pilot.more_seeds is None:
            continue
        opened += 1
        new = d[5 : 5 + 5 + pilot.more_seeds.high]  # new seeds: the pilot has been selected
        test = one_sample(new)
        settled += test.differs(0.05) or test.lies_within(0.003, 0.05)
    assert opened > 200
    assert settled / opened > 0.8


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], None),
        ([None, None], None),
        ([MoreSeeds(2, 5), None], MoreSeeds(2, 5)),
        ([MoreSeeds(2, 5), MoreSeeds(3, 4)], MoreSeeds(3, 5)),
        ([MoreSeeds(2, None), MoreSeeds(3, 4)], MoreSeeds(3, None)),
    ],
)
def test_several_comparisons_take_the_most(found, expected):
    assert most_seeds(found) == expected


def standard(x):
    return (x - x.mean()) / x.std(ddof=1)
