"""One unit of accuracy in Python: shares from 0 to 1, and margins in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import UsageError
from assay.records.metrics import MARGINS
from assay.stats.shares import MARGIN, check_margin, check_shares


@given(st.lists(st.floats(0, 1) | st.just(np.nan), max_size=5))
def test_shares_and_failed_runs_pass(values):
    check_shares(np.array(values), "here")


@given(st.floats(1, 1e308, exclude_min=True) | st.floats(-1e308, 0, exclude_max=True))
def test_another_number_is_named(value):
    with pytest.raises(UsageError, match=r"^here: found .*, expected accuracies as shares from 0 to 1"):
        check_shares(np.array([0.5, np.nan, value]), "here")


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_margins_are_shares_too(margin):
    check_margin(margin, "here")


@pytest.mark.parametrize("margin", [0, -0.003, 1, 88.4, np.inf, np.nan])
def test_a_margin_in_points_is_told_from_one_in_shares(margin):
    with pytest.raises(UsageError, match=r"here: margin is .*, expected a share above 0 and below 1"):
        check_margin(margin, "here")


def test_the_usual_margin_is_that_of_studies():
    usual = MARGINS["accuracy"]
    assert usual.threshold(usual.default) == MARGIN


@given(st.floats(0, 100, exclude_min=True, exclude_max=True).filter(lambda x: x > 1e-300))
def test_every_margin_that_a_study_may_declare_is_one_that_comparisons_take(margin):
    assert MARGINS["accuracy"].allows(margin)
    check_margin(MARGINS["accuracy"].threshold(margin), "here")
