"""McNemar's test against worked examples and statsmodels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from later import statsmodels
from worked_examples import points

from assay.errors import UsageError
from assay.stats import mcnemar_test


def exactly(value):
    return pytest.approx(value, rel=1e-9, abs=1e-10)


def test_mcnemar_worked_examples():
    m = mcnemar_test(310, 263, 15_800)
    assert (m.p, m.mid_p) == exactly((0.05455149465, 0.04969792360))
    assert (m.difference, m.se) == points((0.29746835443, 0.15148416394))
    m = mcnemar_test(7, 1, 100)
    assert (m.p, m.mid_p) == exactly((0.0703125, 0.0390625))
    assert (mcnemar_test(3, 3, 10).p, mcnemar_test(3, 3, 10).mid_p) == exactly((1, 1 - 20 / 64 / 2))
    assert mcnemar_test(0, 0, 10).p == 1


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_agrees_with_statsmodels(b, c):

    if b + c:
        assert mcnemar_test(b, c, 200).p == pytest.approx(
            statsmodels.mcnemar([[50, b], [c, 30]], exact=True).pvalue
        )


def test_mcnemar_wants_counts_within_the_total():
    for counts in ((-1, 2, 10), (6, 6, 10), (0, 0, 0)):
        with pytest.raises(UsageError):
            mcnemar_test(*counts)
