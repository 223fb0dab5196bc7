"""How many more seeds: a range that follows the spread and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.stats.forecast import (
    more_seeds,
    seeds_for_difference,
    seeds_for_equality,
    seeds_to_settle,
    spread_interval,
)
from assay.stats.ttest import TTest
from assay.stats.verdict import settling

MARGIN, ALPHA = 0.003, 0.05
FOUND = st.builds(TTest, st.integers(3, 40), st.floats(-0.006, 0.006), st.floats(0.0005, 0.02))
QUESTIONS = {
    "verdict": lambda sd, found: seeds_to_settle(sd, found, MARGIN, ALPHA),
    "a > b": lambda sd, found: seeds_for_difference(sd, found, MARGIN, (ALPHA, ALPHA / 3)),
    "a = b": lambda sd, found: seeds_for_equality(sd, found, MARGIN, (ALPHA, ALPHA / 3)),
}


@pytest.mark.parametrize("question", QUESTIONS)
@given(FOUND)
def test_a_range_runs_upwards_and_holds_what_the_spread_itself_gives(question, found):
    def total(sd: float) -> int:
        return QUESTIONS[question](sd, found)

    more = more_seeds(found, total)
    if more is not None and more.high is not None:
        assert more.low <= max(1, total(found.sd) - found.n) <= more.high


def test_a_spread_that_would_just_do_does_not_turn_the_range_round():
    """By its observed spread 20 seeds are enough for the margin, but not for what was observed."""
    found = TTest(n=20, mean=0.00145, sd=0.0035)
    more = settling(found, MARGIN, ALPHA)
    low, high = spread_interval(found.sd, found.df)
    assert more.low == max(1, seeds_to_settle(low, found, MARGIN, ALPHA) - 20)
    assert more.high == seeds_to_settle(high, found, MARGIN, ALPHA) - 20
    assert more.low < more.high
