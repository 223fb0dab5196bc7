from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from later import statsmodels
from scipy.stats import nct
from scipy.stats import t as student

from assay.errors import UsageError
from assay.stats import (
    difference_power,
    equivalence_power,
    minimum_detectable_difference,
    sd_upper_bound,
    seeds_for_equivalence,
    seeds_for_halfwidth,
    seeds_needed,
)
from assay.streams import stream

# sigma, rho -> seeds for 80 and 90% power, 80% in families of 3 and 10, half-widths of .15 and .10,
# equivalence with 80 and 90%.
TABLE = {
    (0.20, 0): (10, 12, 13, 16, 17, 34, 10, 12),
    (0.20, 0.3): (8, 9, 10, 13, 13, 24, 7, 9),
    (0.25, 0): (13, 17, 18, 23, 24, 51, 14, 17),
    (0.25, 0.3): (10, 13, 14, 17, 18, 37, 10, 13),
    (0.25, 0.6): (7, 9, 9, 12, 12, 22, 7, 8),
    (0.30, 0): (18, 24, 24, 31, 34, 72, 19, 24),
    (0.30, 0.3): (14, 17, 18, 23, 24, 51, 14, 17),
}


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_seeds_for_three_tenths_of_a_point(case):
    sigma, rho = case
    sd = sigma * sqrt(2 * (1 - rho))
    assert (
        seeds_needed(sd, 0.3),
        seeds_needed(sd, 0.3, power=0.9),
        seeds_needed(sd, 0.3, alpha=0.05 / 3),
        seeds_needed(sd, 0.3, alpha=0.05 / 10),
        seeds_for_halfwidth(sd, 0.15),
        seeds_for_halfwidth(sd, 0.10),
        seeds_for_equivalence(sd, 0.3),
        seeds_for_equivalence(sd, 0.3, power=0.9),
    ) == TABLE[case]


@pytest.mark.parametrize("shift", [0.1, 3, 8, 15, 40, 100, 1000])
@pytest.mark.parametrize("n", [2, 3, 8, 20, 1000])
def test_power_is_a_number_however_far_the_difference(n, shift):
    """Also where SciPy's plain function of the noncentral t distribution gives none."""
    critical = student.ppf(0.975, n - 1)
    expected = nct.sf(critical, n - 1, shift) + nct.sf(critical, n - 1, -shift)
    assert difference_power(n, 1, shift / sqrt(n)) == pytest.approx(expected, abs=1e-12)


def test_minimum_detectable_differences():
    seeds = (3, 5, 8, 10, 12, 15, 20, 30)
    found = [minimum_detectable_difference(n, 0.354) for n in seeds]
    assert found == pytest.approx([1.15, 0.60, 0.41, 0.35, 0.31, 0.28, 0.23, 0.19], abs=0.0055)


@given(st.integers(3, 80), st.floats(0.05, 5), st.floats(0.001, 0.2))
def test_power_agrees_with_statsmodels(n, shift, alpha):
    effect = shift / sqrt(n)  # statsmodels is NaN far beyond
    assert difference_power(n, 1, effect, alpha=alpha) == pytest.approx(
        statsmodels.TTestPower().power(effect, n, alpha), rel=1e-6
    )


@given(st.integers(3, 60), st.floats(0.5, 0.95))
def test_the_detectable_difference_has_the_power_asked_for(n, power):
    found = minimum_detectable_difference(n, 0.354, power=power)
    assert difference_power(n, 0.354, found) == pytest.approx(power, abs=1e-8)


@given(st.floats(0.05, 5), st.floats(0.05, 1), st.sampled_from([0.8, 0.9]))
def test_one_seed_fewer_is_not_enough(sd, difference, power):
    n = seeds_needed(sd, difference, power=power)
    assert difference_power(n, sd, difference) >= power
    assert n == 3 or difference_power(n - 1, sd, difference) < power
    n = seeds_for_equivalence(sd, difference, power=power)
    assert equivalence_power(n, sd, difference) >= power
    assert n == 3 or equivalence_power(n - 1, sd, difference) < power


@pytest.mark.parametrize(("n", "difference"), [(5, 0.0), (13, 0.0), (13, 0.15), (40, 0.3)])
def test_equivalence_power_agrees_with_simulation(n, difference):
    d = stream(0, "equivalence power", n).normal(difference, 0.354, (40_000, n))
    half = (
        {5: 2.131847, 13: 1.782288, 40: 1.684875}[n] * d.std(axis=1, ddof=1) / sqrt(n)
    )  # t table, 5% one-sided
    inside = (d.mean(axis=1) - half > -0.3) & (d.mean(axis=1) + half < 0.3)
    assert equivalence_power(n, 0.354, 0.3, difference=difference) == pytest.approx(inside.mean(), abs=0.01)


def test_the_upper_bound_of_a_spread_holds_in_eighty_of_a_hundred_pilots():
    pilots = stream(0, "pilots").normal(0, 1, (20_000, 5)).std(axis=1, ddof=1)
    held = sum(sd_upper_bound(sd, 5) >= 1 for sd in pilots[:4000]) / 4000
    assert held == pytest.approx(0.8, abs=0.025)


def test_power_is_one_far_beyond_and_alpha_at_no_difference():
    assert [difference_power(12, 1, effect) for effect in (5, 50)] == [pytest.approx(1)] * 2
    assert difference_power(12, 1, 0, alpha=0.01) == pytest.approx(0.01)


def test_no_spread_needs_the_fewest_seeds():
    assert seeds_needed(0, 0.3) == seeds_for_equivalence(0, 0.3) == seeds_for_halfwidth(0, 0.3) == 3
    assert minimum_detectable_difference(5, 0) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: seeds_needed(-1, 0.3),
        lambda: seeds_needed(1, 0),
        lambda: seeds_needed(1, 1e-9),
        lambda: seeds_needed(1, 0.3, power=1),
        lambda: seeds_needed(float("nan"), 0.3),
        lambda: seeds_for_equivalence(1, 0.3, difference=0.3),
        lambda: seeds_for_halfwidth(1, float("inf")),
        lambda: minimum_detectable_difference(1, 1),
        lambda: sd_upper_bound(1, 1),
    ],
)
def test_what_cannot_be_planned_is_said(wrong):
    with pytest.raises(UsageError):
        wrong()
