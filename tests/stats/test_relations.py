"""The verdict on one expected relation, against SciPy's one- and two-sided tests."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from later import statsmodels
from scipy.stats import ttest_1samp

from assay.errors import UsageError
from assay.stats import ClaimVerdict, check_relation, conjunction

S, C, T, U = ClaimVerdict.SUPPORTED, ClaimVerdict.CONTRADICTED, ClaimVerdict.TOO_SMALL, ClaimVerdict.UNDECIDED
MIRROR = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "=": "="}
DENIAL = {">": "<=", "<=": ">", "<": ">=", ">=": "<"}
ALPHA, MARGIN = 0.05, 0.3
DIFFERENCES = arrays(np.float64, st.integers(3, 12), elements=st.floats(-2, 2)).filter(
    lambda d: d.std() > 1e-3
)
SPREADS = st.lists(st.floats(-1, 1), min_size=3, max_size=9).map(np.array).filter(lambda d: d.std() > 0.1)
NEAR = st.tuples(SPREADS, st.floats(-8, 8), st.sampled_from([-MARGIN, 0.0, MARGIN]), st.floats(0.01, 2)).map(
    lambda x: near(*x)
)
"""Differences whose t against 0 or the margin is any, so that levels between alpha / m and alpha are met."""
DIFFERENCES |= NEAR
EQUAL = st.tuples(st.integers(3, 12), st.sampled_from([-0.5, -0.3, -0.1, 0.0, 0.1, 0.3, 0.5])).map(
    lambda x: np.full(*x)
)
RELATIONS = st.sampled_from(list(MIRROR))
PARTS = st.integers(1, 5)


def near(shape, t, against, spread):
    d = (shape - shape.mean()) / shape.std(ddof=1) * spread
    return d + against + t * spread / np.sqrt(len(d))


def upper(d, alpha):
    """Return SciPy's one-sided upper bound of the mean."""
    return ttest_1samp(d, 0, alternative="less").confidence_interval(1 - alpha).high


def two_sided(d, alpha):
    return tuple(ttest_1samp(d, 0).confidence_interval(1 - alpha))


def close(found):
    return pytest.approx(found, rel=1e-7, abs=1e-12)


@given(DIFFERENCES, PARTS)
def test_a_direction_is_what_the_t_tests_say(d, relations):
    sure = ALPHA / relations
    above = ttest_1samp(d, 0).pvalue < ALPHA and d.mean() > 0
    below = ttest_1samp(d, 0).pvalue < sure and d.mean() < 0
    no_gain = ttest_1samp(d, MARGIN, alternative="less").pvalue < sure
    found = check_relation(d, ">", margin=MARGIN, relations=relations)
    assert found.verdict is (S if above else C if below else T if no_gain else U)
    decides = {
        S: (two_sided(d, ALPHA), 1 - ALPHA),
        C: (two_sided(d, sure), 1 - sure),
        T: ((-inf, upper(d, sure)), 1 - sure),
        U: (two_sided(d, sure), 1 - sure) if two_sided(d, ALPHA)[1] < 0 else (two_sided(d, ALPHA), 1 - ALPHA),
    }
    interval, confidence = decides[found.verdict]
    assert found.interval == close(interval)
    assert found.confidence == close(confidence)


def test_what_is_undecided_never_shows_an_interval_that_speaks_against_it():
    """Contradicted at 5%, not at 5% / 5: the interval that left it open holds 0, or meets the margin."""
    below = near(np.arange(6.0), -3.0, 0.0, 0.5)
    assert two_sided(below, ALPHA)[1] < 0 < two_sided(below, ALPHA / 5)[1]
    found = check_relation(below, ">", margin=0.01, relations=5)
    assert (found.verdict, found.interval) == (U, close(two_sided(below, ALPHA / 5)))
    beyond = near(np.arange(6.0), 3.0, MARGIN, 0.5)
    assert two_sided(beyond, 2 * ALPHA)[0] > MARGIN > two_sided(beyond, ALPHA / 5)[0]
    found = check_relation(beyond, "=", margin=MARGIN, relations=5)
    assert (found.verdict, found.interval) == (U, close(two_sided(beyond, ALPHA / 5)))


@given(DIFFERENCES, PARTS)
def test_does_not_help_is_no_gain_that_matters(d, relations):
    sure = ALPHA / relations
    above = ttest_1samp(d, 0).pvalue < ALPHA and d.mean() > 0
    surely_above = ttest_1samp(d, 0).pvalue < sure and d.mean() > 0
    no_gain = ttest_1samp(d, MARGIN, alternative="less").pvalue < ALPHA
    found = check_relation(d, "<=", margin=MARGIN, relations=relations)
    assert found.verdict is (C if surely_above else S if no_gain and not above else U)
    if found.verdict is C or above:
        assert found.interval == close(two_sided(d, sure))
        assert found.confidence == close(1 - sure)
    else:
        assert found.interval == close((-inf, upper(d, ALPHA)))
        assert found.confidence == close(1 - ALPHA)


@given(DIFFERENCES, PARTS)
def test_equivalence_is_two_one_sided_tests(d, relations):
    tost = statsmodels.ttost_paired(d, np.zeros(len(d)), -MARGIN, MARGIN)[0]
    low, high = two_sided(d, ALPHA / relations)
    found = check_relation(d, "=", margin=MARGIN, relations=relations)
    assert found.verdict is (S if tost < ALPHA else C if low > MARGIN or high < -MARGIN else U)
    inner = two_sided(d, 2 * ALPHA)
    if found.verdict is C or (found.verdict is U and (inner[0] > MARGIN or inner[1] < -MARGIN)):
        assert (found.interval, found.confidence) == (close((low, high)), close(1 - ALPHA / relations))
    else:
        assert (found.interval, found.confidence) == (close(inner), close(1 - 2 * ALPHA))


@given(DIFFERENCES | EQUAL, RELATIONS, PARTS)
def test_turning_the_arms_round_turns_the_relation_round(d, relation, relations):
    there = check_relation(d, relation, margin=MARGIN, relations=relations)
    back = check_relation(-d, MIRROR[relation], margin=MARGIN, relations=relations)
    assert there.verdict is back.verdict
    assert there.mean == -back.mean
    assert there.interval == (-back.interval[1], -back.interval[0])
    assert (there.n, there.p, there.confidence, there.more_seeds) == (
        back.n, back.p, back.confidence, back.more_seeds,
    )  # fmt: skip


@given(DIFFERENCES | EQUAL, st.sampled_from(list(DENIAL)), PARTS)
def test_a_claim_and_its_denial_never_both_stand(d, relation, relations):
    claim = check_relation(d, relation, margin=MARGIN, relations=relations).verdict
    denial = check_relation(d, DENIAL[relation], margin=MARGIN, relations=relations).verdict
    assert (claim, denial) != (S, S)
    if relations == 1 and relation in "<>":
        assert (claim, denial) in ((S, C), (C, S), (T, S), (U, U))


@given(DIFFERENCES | EQUAL, PARTS)
def test_two_directions_never_both_stand(d, relations):
    up, down, same = (check_relation(d, r, margin=MARGIN, relations=relations).verdict for r in "><=")
    assert (up, down) != (S, S)
    assert (up is C) <= (down is S)  # who contradicts the one supports the other
    assert (same is C) <= (S in (up, down))


@given(DIFFERENCES | EQUAL, RELATIONS, PARTS)
def test_the_interval_that_is_given_decides(d, relation, relations):
    found = check_relation(d, relation, margin=MARGIN, relations=relations)
    low, high = found.interval if relation in (">", ">=", "=") else (-found.interval[1], -found.interval[0])
    strict = relation in "<>"
    shows = {
        S: low > 0 if strict else low > -MARGIN and (relation != "=" or high < MARGIN),
        C: high < 0 if relation != "=" else low > MARGIN or high < -MARGIN,
        T: strict and high < MARGIN and low == -inf,
        U: high >= MARGIN or low <= 0 if strict else True,
    }
    assert shows[found.verdict]
    assert (found.p < ALPHA) == (found.verdict is S) or abs(found.p - ALPHA) < 1e-9


@given(DIFFERENCES | EQUAL, st.sampled_from([">", "<", ">=", "<="]))
def test_a_verdict_against_a_claim_is_never_of_its_own_direction(d, relation):
    found = check_relation(d, relation, margin=MARGIN)
    towards = d.mean() if relation.startswith(">") else -d.mean()
    if found.verdict is C:
        assert towards < 0
    if found.verdict is T:
        assert towards < MARGIN
        assert found.confidence == close(1 - ALPHA)


@given(DIFFERENCES | EQUAL, RELATIONS, PARTS, st.randoms(use_true_random=False))
def test_the_order_of_seeds_changes_nothing(d, relation, relations, random):
    shuffled = np.array(random.sample(d.tolist(), len(d)))
    there, back = (check_relation(x, relation, margin=MARGIN, relations=relations) for x in (d, shuffled))
    assert there.verdict is back.verdict
    assert there.interval == pytest.approx(back.interval, rel=1e-9, abs=1e-12)


@given(DIFFERENCES, st.sampled_from([">", "<", ">=", "<=", "="]))
def test_p_is_that_of_the_relation_not_holding(d, relation):
    found = check_relation(d, relation, margin=MARGIN)
    one_sided = {">": "greater", ">=": "greater", "<": "less", "<=": "less"}
    if relation == "=":
        expected = statsmodels.ttost_paired(d, np.zeros(len(d)), -MARGIN, MARGIN)[0]
    elif relation in "<>":
        towards = d.mean() > 0 if relation == ">" else d.mean() < 0
        expected = ttest_1samp(d, 0).pvalue if towards else 1.0
    else:
        against = ttest_1samp(d, 0).pvalue < ALPHA and (d.mean() < 0) == (relation == ">=") and d.mean() != 0
        at = -MARGIN if relation == ">=" else MARGIN
        expected = 1.0 if against else ttest_1samp(d, at, alternative=one_sided[relation]).pvalue
    assert found.p == pytest.approx(expected, rel=1e-6, abs=1e-14)


@pytest.mark.parametrize(
    ("d", "verdicts"),
    [
        (0.5, {">": S, ">=": S, "=": C, "<=": C, "<": C}),
        (0.3, {">": S, ">=": S, "=": U, "<=": C, "<": C}),  # the margin itself is neither inside nor beyond
        (0.1, {">": S, ">=": S, "=": S, "<=": C, "<": C}),
        (0.0, {">": T, ">=": S, "=": S, "<=": S, "<": T}),
        (-0.1, {">": C, ">=": C, "=": S, "<=": S, "<": S}),
    ],
)
def test_differences_that_are_all_equal(d, verdicts):
    for relation, expected in verdicts.items():
        found = check_relation([d] * 3, relation, margin=MARGIN)
        assert found.verdict is expected
        assert found.more_seeds is None


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_seeds_decide_nothing(n):
    found = check_relation([5.0] * n, ">", margin=MARGIN)
    assert (found.verdict, found.p, found.more_seeds) == (U, 1.0, None)
    assert found.interval is None


def test_what_is_undecided_says_how_many_seeds_would_decide():
    found = check_relation([0.9, -0.6, 0.4], ">", margin=MARGIN)
    assert found.verdict is U
    assert 0 < found.more_seeds.low < found.more_seeds.high
    for decided in ([0.9, 0.8, 0.9], [-0.9, -0.8, -0.9], [0.01, 0.0, 0.02]):
        assert check_relation(decided, ">", margin=MARGIN).more_seeds is None


@given(DIFFERENCES, RELATIONS, PARTS)
def test_what_is_undecided_has_an_ordered_range(d, relation, relations):
    found = check_relation(d, relation, margin=MARGIN, relations=relations)
    if found.verdict is not U:
        assert found.more_seeds is None
    elif found.more_seeds is not None:
        assert 1 <= found.more_seeds.low <= (found.more_seeds.high or 10**7)


def test_several_relations_take_more_seeds_to_speak_against_one():
    d = [0.9, -0.6, 0.4]
    one, five = (check_relation(d, ">", margin=MARGIN, relations=m).more_seeds for m in (1, 5))
    assert one.low < five.low
    assert one.high < five.high


def verdicts(relation, mean, spread=0.3, count=600, n=5, relations=1):
    """Return the verdicts on studies whose true mean difference is ``mean``."""
    studies = np.random.default_rng(1).normal(mean, spread, (count, n))
    return [check_relation(d, relation, margin=MARGIN, relations=relations).verdict for d in studies]


@pytest.mark.parametrize(
    ("relation", "mean", "wrong", "most"),
    [
        (">", 0.0, {S}, ALPHA / 2),  # no gain at all: two-sided
        (">", MARGIN, {C, T}, ALPHA),  # a gain that matters, just
        (">", 2 * MARGIN, {C, T}, ALPHA),
        ("<=", MARGIN, {S}, ALPHA),
        ("<=", 0.0, {C}, ALPHA / 2),
        ("=", MARGIN, {S}, ALPHA),
        ("=", -MARGIN, {S}, ALPHA),
        ("=", MARGIN, {C}, ALPHA / 2),  # on the margin, so just equal
        ("=", 0.0, {C}, ALPHA),
    ],
)
@pytest.mark.parametrize("spread", [0.1, 0.4])
def test_a_verdict_is_false_in_no_more_than_alpha_of_all_studies(relation, mean, wrong, most, spread):
    found = verdicts(relation, mean, spread)
    assert np.mean([verdict in wrong for verdict in found]) <= most + 0.022


def test_no_part_of_several_is_held_against_a_claim_more_often_than_alpha():
    studies = np.random.default_rng(2).normal(MARGIN, 0.3, (300, 4, 5))
    wrong = [
        conjunction([check_relation(d, ">", margin=MARGIN, relations=4).verdict for d in study]) in (C, T)
        for study in studies
    ]
    assert np.mean(wrong) < 0.05 + 0.03


def test_a_conjunction_with_one_false_part_is_seldom_supported():
    """One relation does not hold, the others do by far: an intersection-union test needs no correction."""
    rng = np.random.default_rng(3)
    wrong = [
        conjunction([check_relation(d, "=", margin=MARGIN, relations=3).verdict for d in study]) is S
        for study in zip(*(rng.normal(mean, 0.05, (500, 5)) for mean in (MARGIN, 0, 0)), strict=True)
    ]
    assert np.mean(wrong) <= ALPHA + 0.025


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([S, S], S),
        ([S, U], U),
        ([S, C], C),
        ([U, C], C),
        ([], U),
        ([S, T], T),
        ([U, T], T),
        ([T, C], C),
        ([C, T], C),
    ],
)
def test_a_claim_stands_if_all_of_it_does(parts, whole):
    assert conjunction(parts) is whole


@pytest.mark.parametrize(
    ("d", "relation", "options", "words"),
    [
        ([1.0, 2.0, 3.0], "~", {}, "relation is '~'"),
        ([1.0, 2.0, 3.0], "<>", {}, "relation is '<>'"),
        ([1.0, 2.0, np.nan], ">", {}, "value 2 is nan"),
        ([1.0, 2.0, 3.0], ">", {"margin": 0.0}, "margin is 0"),
        ([1.0, 2.0, 3.0], ">", {"margin": np.inf}, "margin is inf"),
        ([1.0, 2.0, 3.0], ">", {"relations": 0}, "relations is 0"),
        ([1.0, 2.0, 3.0], ">", {"alpha": 5}, "alpha is 5"),
        ([1.0, 2.0, 3.0], ">", {"alpha": 0.0}, "alpha is 0"),
    ],
)
def test_what_is_no_relation_is_said(d, relation, options, words):
    with pytest.raises(UsageError, match=words):
        check_relation(d, relation, **{"margin": MARGIN, **options})
