"""The verdict on one expected relation, against SciPy's one- and two-sided tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ttest_1samp

from assay.errors import UsageError
from assay.stats import ClaimVerdict, check_relation, conjunction

S, C, U = ClaimVerdict.SUPPORTED, ClaimVerdict.CONTRADICTED, ClaimVerdict.UNDECIDED
MIRROR = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "=": "="}
DIFFERENCES = arrays(np.float64, st.integers(3, 12), elements=st.floats(-2, 2)).filter(
    lambda d: d.std() > 1e-3
)
ALPHA, MARGIN = 0.05, 0.3


@given(DIFFERENCES, st.integers(1, 5))
def test_a_direction_is_what_the_t_tests_say(d, relations):
    above = ttest_1samp(d, 0).pvalue < ALPHA and d.mean() > 0
    below = ttest_1samp(d, 0).pvalue < ALPHA / relations and d.mean() < 0
    no_gain = ttest_1samp(d, MARGIN, alternative="less").pvalue < ALPHA / relations
    expected = S if above else C if below or no_gain else U
    assert check_relation(d, ">", margin=MARGIN, relations=relations).verdict is expected


@given(DIFFERENCES)
def test_does_not_help_is_no_gain_that_matters(d):
    above = ttest_1samp(d, 0).pvalue < ALPHA and d.mean() > 0
    no_gain = ttest_1samp(d, MARGIN, alternative="less").pvalue < ALPHA
    expected = C if above else S if no_gain else U
    assert check_relation(d, "<=", margin=MARGIN).verdict is expected


@given(DIFFERENCES)
def test_equivalence_is_two_one_sided_tests(d):
    tost = max(
        ttest_1samp(d, MARGIN, alternative="less").pvalue,
        ttest_1samp(d, -MARGIN, alternative="greater").pvalue,
    )
    assert (check_relation(d, "=", margin=MARGIN).verdict is S) == (tost < ALPHA)


@given(DIFFERENCES, st.sampled_from(list(MIRROR)), st.integers(1, 4))
def test_turning_the_arms_round_turns_the_relation_round(d, relation, relations):
    there = check_relation(d, relation, margin=MARGIN, relations=relations)
    back = check_relation(-d, MIRROR[relation], margin=MARGIN, relations=relations)
    assert there.verdict is back.verdict
    assert there.mean == pytest.approx(-back.mean)


@given(DIFFERENCES)
def test_a_claim_and_its_denial_never_both_stand(d):
    gain = check_relation(d, ">", margin=MARGIN).verdict
    denial = check_relation(d, "<=", margin=MARGIN).verdict
    assert {gain, denial} in ({S, C}, {U})


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_seeds_decide_nothing(n):
    found = check_relation([5.0] * n, ">", margin=MARGIN)
    assert found.verdict is U
    assert found.interval is None


def test_what_is_undecided_says_how_many_seeds_would_decide():
    found = check_relation([0.9, -0.6, 0.4], ">", margin=MARGIN)
    assert found.verdict is U
    assert found.more_seeds > 0


def test_true_claims_are_seldom_contradicted_and_false_ones_seldom_supported():
    random = np.random.default_rng(1)
    at_the_edge = random.normal(0.0, 0.3, (2000, 5))  # no gain at all: "a > b" is false
    supported = np.mean([check_relation(d, ">", margin=MARGIN).verdict is S for d in at_the_edge])
    assert supported == pytest.approx(0.025, abs=0.015)
    large = at_the_edge + MARGIN  # a gain that matters, just: contradicting it is a mistake
    contradicted = np.mean([check_relation(d, ">", margin=MARGIN).verdict is C for d in large])
    assert contradicted < 0.05 + 0.015


def test_no_part_of_several_is_contradicted_more_often_than_alpha():
    random = np.random.default_rng(2)
    studies = random.normal(MARGIN, 0.3, (500, 4, 5))
    wrong = [
        conjunction([check_relation(d, ">", margin=MARGIN, relations=4).verdict for d in study]) is C
        for study in studies
    ]
    assert np.mean(wrong) < 0.05 + 0.02


@pytest.mark.parametrize(
    ("parts", "whole"),
    [([S, S], S), ([S, U], U), ([S, C], C), ([U, C], C), ([], U)],
)
def test_a_claim_stands_if_all_of_it_does(parts, whole):
    assert conjunction(parts) is whole


def test_another_relation_is_refused():
    with pytest.raises(UsageError, match="relation is '~'"):
        check_relation([1.0, 2.0, 3.0], "~", margin=MARGIN)
