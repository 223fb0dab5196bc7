"""Seeds that came out lower than the others explain, against SciPy's t."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from assay.errors import UsageError
from assay.stats import outlying_low
from assay.streams import stream

GOOD = [0.881, 0.884, 0.879, 0.883, 0.882]
VALUES = st.lists(st.integers(8000, 9000).map(lambda x: x / 10_000), min_size=3, max_size=12)


def test_a_collapse_is_found_and_the_rest_left_alone():
    assert outlying_low([*GOOD[:2], 0.42, *GOOD[2:]]) == (2,)
    assert outlying_low(GOOD) == ()


def test_a_failed_run_is_no_outlier_and_keeps_its_place():
    assert outlying_low([np.nan, *GOOD[:3], np.inf, 0.42, *GOOD[3:]]) == (5,)


def test_only_the_low_ones_are_spoken_of():
    assert outlying_low([*GOOD, 0.99]) == ()


@given(VALUES, st.floats(0.001, 0.2))
def test_a_value_is_outlying_below_the_prediction_of_the_others(values, level):
    n, expected = len(values), []
    for place, value in enumerate(values):
        others = np.delete(values, place)
        if np.ptp(others) == 0:
            continue
        error = np.std(others, ddof=1) * np.sqrt(1 + 1 / (n - 1))
        low = others.mean() - t.ppf(1 - level / n, n - 2) * error
        if abs(value - low) < 1e-12:
            return
        if value < low:
            expected.append(place)
    assert outlying_low(values, level=level) == tuple(expected)


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_changes_places_alone(values, random):
    order = random.sample(range(len(values)), len(values))
    shuffled = outlying_low([values[place] for place in order], level=0.2)
    assert sorted(order[place] for place in shuffled) == sorted(outlying_low(values, level=0.2))


@pytest.mark.parametrize("values", [[], [0.8], [0.8, 0.1], [0.8, 0.1, np.nan], [np.nan] * 5])
def test_fewer_than_three_explain_nothing(values):
    assert outlying_low(values) == ()


def test_others_that_are_all_equal_say_nothing_of_their_spread():
    assert outlying_low([0.5, 0.5, 0.5, 0.5]) == ()
    assert outlying_low([0.5, 0.5, 0.5, 0.1]) == ()


@pytest.mark.parametrize("n", [3, 5, 12])
def test_arms_without_an_outlier_have_one_as_seldom_as_the_level_says(n):
    values = stream(0, "no outliers", n).normal(0.88, 0.003, (1500, n))
    found = np.mean([bool(outlying_low(x, level=0.05)) for x in values])
    assert found == pytest.approx(0.05, abs=0.018)


def test_one_row_is_expected():
    with pytest.raises(UsageError, match="one axis"):
        outlying_low([[0.8]])
