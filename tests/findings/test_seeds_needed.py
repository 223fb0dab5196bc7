"""The seeds that a study needs, against known numbers and statsmodels."""

import numpy as np
import pytest
from example_counts import drawn
from factories import TEST_IMAGES, make_results, make_study
from hypothesis import given, settings
from hypothesis import strategies as st
from later import statsmodels
from scipy.stats import chi2

from assay.errors import UsageError
from assay.findings.seeds_needed import STORED_SD, is_pilot, plan_seeds
from assay.records.runs import Status
from assay.stats import equivalence_power

CORRECT = {"max": [1770, 1760, 1750, 1764, 1758], "average": [1763, 1757, 1751, 1749, 1757]}
FOUR = ("max", "average", "strided", "dilated")


def spread(a, b):
    return float(np.std((np.array(a) - np.array(b)) / TEST_IMAGES, ddof=1))


def test_without_a_pilot_the_stored_spread_gives_the_known_numbers():
    """sigma .25 points, rho 0: 13 seeds alone, 23 in a family of ten, 14 for equivalence."""
    (need,) = plan_seeds(make_study(), 0.003).needs
    assert (need.seen, need.n, need.sd) == (None, 0, STORED_SD)
    assert (need.alone, need.family, need.equivalent) == (13, 13, 14)
    assert plan_seeds(make_study(), 0.003, power=0.9).seeds == 17
    ten = plan_seeds(make_study(("a", "b", "c", "d", "e")), 0.003)
    assert (len(ten.needs), ten.seeds) == (10, 23)
    three = plan_seeds(make_study(FOUR, control="max"), 0.003)
    assert ([need.b for need in three.needs], three.seeds) == (["max"] * 3, 18)


def test_a_pilots_spread_is_planned_with_its_upper_bound(tmp_path):
    plan = plan_seeds(make_study(), pilot=make_results(tmp_path, correct=CORRECT))
    (need,) = plan.needs
    seen = spread(CORRECT["max"], CORRECT["average"])
    assert (need.seen, need.n) == (pytest.approx(seen), 5)
    assert need.sd == pytest.approx(seen * np.sqrt(4 / chi2.ppf(0.2, 4)))
    assert plan.difference == plan.margin == 0.003
    assert plan.changed == ()
    oracle = statsmodels.TTestPower().solve_power(effect_size=0.003 / need.sd, power=0.8, alpha=0.05)
    assert need.alone == np.ceil(oracle)
    assert equivalence_power(need.equivalent, need.sd, 0.003) >= 0.8
    assert equivalence_power(need.equivalent - 1, need.sd, 0.003) < 0.8


@settings(max_examples=drawn(10), deadline=None)
@given(st.floats(0.001, 0.03), st.floats(0.5, 0.95), st.integers(2, 5))
def test_so_many_seeds_tell_the_difference_and_one_fewer_does_not(difference, power, arms):
    plan = plan_seeds(make_study("abcde"[:arms]), difference, power=power)
    assert plan.detectable(plan.seeds) <= difference + 1e-11
    assert plan.seeds == 3 or plan.detectable(plan.seeds - 1) > difference - 1e-11
    assert all(need.alone <= need.family for need in plan.needs)


def test_a_pilot_may_be_unfinished_and_lack_arms(tmp_path):
    """Each comparison takes the seeds that both arms finished; one without three, the stored spread."""
    statuses = {("average", 4): Status.DIVERGED, ("max", 0): Status.RUNNING}
    pilot = make_results(tmp_path, correct=CORRECT, statuses=statuses)
    plan = plan_seeds(make_study(FOUR[:3]), pilot=pilot)
    first, *others = plan.needs
    assert (first.n, first.seen) == (3, pytest.approx(spread(CORRECT["max"][1:4], CORRECT["average"][1:4])))
    assert [(need.seen, need.sd) for need in others] == [(None, STORED_SD)] * 2


def test_a_pilot_of_equal_differences_shows_no_spread(tmp_path):
    pilot = make_results(tmp_path, correct={"max": [1701, 1702, 1703, 1704, 1705], "average": [1700] * 5})
    assert is_pilot(make_study(), pilot)
    pilot = make_results(tmp_path / "equal", correct={"max": [1701] * 5, "average": [1700] * 5})
    assert not is_pilot(make_study(), pilot)
    assert plan_seeds(make_study(), pilot=pilot).needs[0].sd == STORED_SD


def test_a_pilot_with_other_settings_is_named_as_such(tmp_path):
    pilot = make_results(tmp_path, make_study(seeds=3, margin=1.0))
    assert plan_seeds(make_study(seeds=8), pilot=pilot).changed == ()
    longer = make_study(training={"epochs": 20})
    assert plan_seeds(longer, pilot=pilot).changed == ("training.epochs: 8 there, 20 here",)


def test_a_pilots_failed_runs_tell_nothing_of_its_spread(tmp_path):
    """A run that guesses, or diverged, would make the spread that of failures: 40 points for 0.3."""
    correct = {**CORRECT, "max": [*CORRECT["max"][:4], 200]}
    pilot = make_results(tmp_path, correct=correct, stuck=[("max", 4)])
    (need,) = plan_seeds(make_study(), pilot=pilot).needs
    assert need.n == 4
    assert need.seen == pytest.approx(spread(CORRECT["max"][:4], CORRECT["average"][:4]))


def test_a_studys_margin_is_in_points_and_a_plans_a_share():
    wide, narrow = (plan_seeds(make_study(margin=margin), 0.003).equivalent for margin in (1.0, 0.2))
    assert wide < plan_seeds(make_study(), 0.003).equivalent < narrow


def test_declared_looks_take_more_seeds():
    looks = plan_seeds(make_study(seeds=20, looks=[5, 10, 20]), 0.003)
    assert looks.alpha == pytest.approx(0.05 / 3)
    assert looks.seeds == plan_seeds(make_study(FOUR, control="max"), 0.003).seeds == 18


@pytest.mark.parametrize(
    ("difference", "power", "found"),
    [
        (0, 0.8, "resolve must be above 0 and below 100 points; got 0"),
        (-0.01, 0.8, "got -1"),
        (float("nan"), 0.8, "got nan"),
        (1, 0.8, r"got 100 \(in Python it is a share: 0.003\)"),
        (0.003, 1, "power must be above 0.05 and below 1; got 1"),
        (0.003, 0.05, "got 0.05"),
        (0.003, float("nan"), "got nan"),
        (1e-8, 0.8, "more than ten million"),
    ],
)
def test_numbers_that_are_none_are_refused(difference, power, found):
    with pytest.raises(UsageError, match=found):
        plan_seeds(make_study(), difference, power=power)


def test_one_arm_has_no_difference():
    with pytest.raises(UsageError, match="has one arm"):
        plan_seeds(make_study(("max",)))
