import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from assay.errors import UsageError
from assay.stats import cost_ratio
from assay.streams import stream

costs = st.lists(st.tuples(st.floats(0.1, 1e4), st.floats(0.1, 1e4)), min_size=3, max_size=12)


def test_it_agrees_with_scipy_on_logarithms():
    rng = stream(0, "costs")
    a, b = rng.lognormal(1, 0.2, 7), rng.lognormal(0.5, 0.2, 7)
    reference = scipy_stats.ttest_rel(np.log(a), np.log(b))
    found = cost_ratio(a, b)
    assert found.ratio == pytest.approx(scipy_stats.gmean(a / b))
    assert found.p == pytest.approx(reference.pvalue)
    assert found.interval == pytest.approx(tuple(np.exp(reference.confidence_interval(0.95))))


@given(costs, st.floats(0.01, 100))
def test_the_unit_and_the_speed_of_a_seed_do_not_matter(pairs, unit):
    a, b = np.array(pairs).T
    c = cost_ratio(a, b)
    for factor in (unit, np.linspace(1, unit, len(a))):
        assert cost_ratio(a * factor, b * factor).interval == pytest.approx(c.interval, rel=1e-8)
    swapped = cost_ratio(b, a)
    assert swapped.ratio == pytest.approx(1 / c.ratio)


def test_exact_multiples_and_few_seeds():
    c = cost_ratio([3, 6, 9.9], [1, 2, 3.3])
    assert c.interval == pytest.approx((3, 3))
    assert c.p == 0
    assert cost_ratio([3, 12], [1, 1]).ratio == pytest.approx(6)
    assert cost_ratio([3, 12], [1, 1]).interval is None


def test_bad_costs_are_said():
    for a, b in (([1, 2], [1]), ([], []), ([1, 0], [1, 1]), ([1, np.nan], [1, 1])):
        with pytest.raises(UsageError):
            cost_ratio(a, b)
