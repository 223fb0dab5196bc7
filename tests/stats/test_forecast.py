"""How many more seeds: a range that follows the spread and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.stats.forecast import more_seeds, spread_interval, to_settle, to_tell_a_gain, to_tell_equality
from assay.stats.ttest import TTest

MARGIN, ALPHA = 0.003, 0.05
FOUND = st.builds(TTest, st.integers(3, 40), st.floats(-0.006, 0.006), st.floats(0.0005, 0.02))
QUESTIONS = {
    "verdict": lambda found: to_settle(abs(found.mean), MARGIN, ALPHA),
    "a > b": lambda found: to_tell_a_gain(found.mean, MARGIN, ALPHA, ALPHA / 3),
    "a = b": lambda found: to_tell_equality(abs(found.mean), MARGIN, ALPHA, ALPHA / 3),
}


@pytest.mark.parametrize("question", QUESTIONS)
@given(FOUND)
def test_a_range_runs_upwards_and_holds_what_the_spread_itself_gives(question, found):
    totals = QUESTIONS[question](found)
    enough = totals.planned(found.sd) <= found.n
    total = totals.observed if enough else totals.planned
    more = more_seeds(found, totals)
    if more is not None and more.high is not None:
        assert more.low <= max(1, total(found.sd) - found.n) <= more.high


def test_a_spread_that_would_just_do_does_not_turn_the_range_round():
    """By its observed spread 20 seeds are enough for the margin, but not for what was observed."""
    found = TTest(n=20, mean=0.00145, sd=0.0035)
    totals = QUESTIONS["verdict"](found)
    more = more_seeds(found, totals)
    low, high = spread_interval(found.sd, found.df)
    assert totals.planned(found.sd) <= 20
    assert more.low == max(1, totals.observed(low) - 20)
    assert more.high == totals.observed(high) - 20
    assert more.low < more.high
