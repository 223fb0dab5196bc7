"""Metrics: their margins, which way is better, and what a failed run is for each."""

from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import StudyError
from assay.records.metrics import MARGINS, METRICS, Failing, check_margins

MORE_IS_BETTER = {"test_accuracy", "valid_best", "valid_final", "train_final", "steps_per_second"}
COSTS = {"epochs", "seconds_per_epoch", "steps_per_second", "peak_memory"}


def test_every_metric_has_its_name_and_a_margin():
    assert all(metric.name == name for name, metric in METRICS.items())
    assert {metric.margin for metric in METRICS.values()} == set(MARGINS)


def test_which_way_is_better():
    assert {name for name, metric in METRICS.items() if metric.higher_is_better} == MORE_IS_BETTER


def test_what_a_failed_run_is():
    """The worst of accuracy and loss, no overfitting at all, and a cost like any other."""
    found = {name: metric.failing for name, metric in METRICS.items()}
    assert {name for name, failing in found.items() if failing is Failing.AS_MEASURED} == COSTS
    assert [name for name, failing in found.items() if failing is Failing.UNDEFINED] == ["overfit"]


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_ratios_have_factors_for_margins_and_differences_points(metric):
    assert MARGINS[metric.margin].factor == metric.ratio
    assert metric.scale == (100 if MARGINS[metric.margin].default == 0.3 else metric.scale)


@pytest.mark.parametrize("name", MARGINS)
def test_a_usual_margin_is_one_that_may_be_declared(name):
    margin = MARGINS[name]
    assert margin.allows(margin.default)
    check_margins({name: margin.default}, "here")


@given(st.floats(1, 10, exclude_min=True))
def test_a_factor_counts_the_same_in_both_directions(factor):
    """Arm a takes as much longer than b as b takes less: differences of logarithms."""
    margin = MARGINS["time"]
    assert margin.allows(factor)
    assert margin.threshold(factor) == pytest.approx(log(factor))
    assert exp(-margin.threshold(factor)) == pytest.approx(1 / factor)


@given(st.floats(0.01, 24.9))
def test_points_become_shares(points):
    assert MARGINS["overfit"].allows(points)
    assert 100 * MARGINS["overfit"].threshold(points) == pytest.approx(points)


@given(st.sampled_from(list(MARGINS)), st.none() | st.text() | st.booleans() | st.floats() | st.integers())
def test_whatever_else_is_declared_is_refused_in_one_line(name, value):
    if MARGINS[name].allows(value):
        assert 0 < MARGINS[name].threshold(value) < 3
        return
    with pytest.raises(StudyError) as caught:
        check_margins({name: value}, "here")
    assert str(caught.value).startswith(f"here: margins.{name}: expected ")
