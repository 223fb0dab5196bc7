import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel
from worked_examples import A, B, C

from assay.errors import UsageError
from assay.stats import Verdict, compare, compare_arms, expected_maximum, holm, mcnemar_test
from assay.streams import stream

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pandas deprecations at import
    import pingouin
    from statsmodels.stats.multitest import multipletests

ARMS = {"A": A, "B": B, "C": C}


def exactly(value):
    return pytest.approx(value, rel=1e-9, abs=1e-10)


def test_worked_example_of_all_pairs():
    family = compare_arms(ARMS)
    assert (family.name, family.m, family.complete) == ("all-pairs", 3, 8)
    assert [(p.a, p.b) for p in family.pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert [p.comparison.p for p in family.pairs] == exactly(
        [2.24311540705e-4, 0.64049698754, 4.69408719460e-4]
    )
    assert [p.p_holm for p in family.pairs] == pytest.approx(
        [0.00067293462, 0.64049698754, 0.00093881744], abs=5e-12
    )
    intervals = [bound for p in family.pairs for bound in p.simultaneous]
    assert intervals == exactly(
        [0.13930284498, 0.36819715502, -0.06761968544, 0.09261968544, -0.36401780950, -0.11848219050]
    )
    assert [p.judgement.verdict for p in family.pairs] == [Verdict.BETTER, Verdict.EQUIVALENT, Verdict.WORSE]
    assert family.best == "A"
    assert family.not_distinguishable == ("A", "C")


def test_a_control_makes_a_smaller_family():
    family = compare_arms(ARMS, control="B")
    assert (family.name, family.m) == ("vs-control", 2)
    assert [(p.a, p.b) for p in family.pairs] == [("A", "B"), ("C", "B")]
    assert [p.p_holm for p in family.pairs] == exactly([2 * 2.24311540705e-4, 4.69408719460e-4])
    # The best is seen in the data: what it is told from is still judged over all pairs.
    assert family.not_distinguishable == ("A", "C")
    assert compare_arms(ARMS, control="B", family="all-pairs").m == 3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_agrees_with_pingouin(p_values):
    assert holm(p_values) == pytest.approx(pingouin.multicomp(p_values, method="holm")[1].tolist(), rel=1e-12)


def test_holm_agrees_with_statsmodels():
    for k in range(20):
        p_values = stream(k, "p-values").random(9) ** 3
        assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist(), rel=1e-12)


def test_holm_counts_a_comparison_that_could_not_be_made():
    assert holm([0.01, None, 0.02]) == [0.03, None, 0.04]


def test_five_hundred_families_agree_with_scipy_and_pingouin():
    for k in range(500):
        rng = stream(k, "families")
        arms = {str(i): rng.normal(88 + i / 10, 0.3, 6) for i in range(4)}
        family = compare_arms(arms, control="0")
        tests = [ttest_rel(arms[i], arms["0"]) for i in "123"]
        _, adjusted = pingouin.multicomp([t.pvalue for t in tests], method="holm")
        assert [p.p_holm for p in family.pairs] == pytest.approx(adjusted.tolist(), rel=1e-8)
        for pair, test in zip(family.pairs, tests, strict=True):
            expected = tuple(test.confidence_interval(1 - 0.05 / 3))
            assert pair.simultaneous == pytest.approx(expected, rel=1e-8, abs=1e-10)


def test_equivalence_is_corrected_as_well():
    d = 1.3 * np.array([0.05, -0.2, 0.28, -0.1, 0.14, -0.06])
    zero = np.zeros(6)
    alone = compare(d, zero)
    assert 0.05 / 4 < alone.tost_p < 0.05
    family = compare_arms({"control": zero, **{str(i): np.roll(d, i) for i in range(4)}}, control="control")
    assert {p.judgement.verdict for p in family.pairs} == {Verdict.INCONCLUSIVE}
    assert [p.tost_p_holm for p in family.pairs] == pytest.approx([4 * alone.tost_p] * 4)


def test_diverged_runs_are_counted_and_never_dropped_silently():
    nan = np.nan
    arms = {"plain": A, "deep": [nan, nan, *B[2:]], "wild": [nan] * 8, "other": [*C[:7], np.inf]}
    family = compare_arms(arms, control="plain")
    assert family.diverged == {"plain": 0, "deep": 2, "wild": 8, "other": 1}
    assert (family.seeds, family.complete) == (8, 5)
    deep, wild, other = family.pairs
    assert (deep.comparison.n, deep.left_out) == (6, 2)
    assert deep.comparison.mean == pytest.approx(np.mean(np.subtract(B, A)[2:]))
    assert deep.divergence_p == 0.5
    assert (wild.comparison.n, wild.left_out, wild.p_holm) == (0, 8, None)
    assert wild.divergence_p == 2 / 2**8
    assert wild.judgement.verdict is Verdict.INCONCLUSIVE
    assert other.left_out == 1
    assert family.m == 3  # the comparison that could not be made is paid for
    assert deep.p_holm == pytest.approx(3 * deep.comparison.p)
    assert "wild" not in family.not_distinguishable
    assert compare_arms(ARMS).pairs[0].divergence_p is None


def test_arms_that_share_no_seed_have_no_best():
    family = compare_arms({"a": [1, np.nan], "b": [np.nan, 1]})
    assert (family.best, family.not_distinguishable, family.optimism, family.complete) == (None, (), None, 0)


def test_the_best_of_equal_arms_is_expected_to_stand_too_high():
    k, n, optimism, excess = 6, 5, [], []
    for i in range(1500):
        x = stream(i, "equal arms").normal(size=(k, n)) + stream(i, "seeds").normal(size=n)
        optimism.append(compare_arms_optimism(x))
        excess.append(x.mean(axis=1).max() - x.mean())
    assert np.mean(excess) == pytest.approx(expected_maximum(k) / np.sqrt(n), rel=0.05)
    assert np.mean(optimism) == pytest.approx(np.mean(excess), rel=0.05)


def compare_arms_optimism(x):
    from assay.stats.family import _optimism

    return _optimism({str(i): values for i, values in enumerate(x)})


@given(st.permutations(list(range(8))))
def test_the_order_of_seeds_changes_nothing(order):
    family = compare_arms(ARMS)
    shuffled = compare_arms({arm: np.array(x)[order] for arm, x in ARMS.items()})
    assert [p.p_holm for p in shuffled.pairs] == pytest.approx([p.p_holm for p in family.pairs], rel=1e-9)
    assert shuffled.optimism == pytest.approx(family.optimism)


def test_mcnemar_worked_examples():
    m = mcnemar_test(310, 263, 15_800)
    assert (m.p, m.mid_p) == exactly((0.05455149465, 0.04969792360))
    assert (m.difference, m.se) == exactly((0.29746835443, 0.15148416394))
    m = mcnemar_test(7, 1, 100)
    assert (m.p, m.mid_p) == exactly((0.0703125, 0.0390625))
    assert (mcnemar_test(3, 3, 10).p, mcnemar_test(3, 3, 10).mid_p) == exactly((1, 1 - 20 / 64 / 2))
    assert mcnemar_test(0, 0, 10).p == 1


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_agrees_with_statsmodels(b, c):
    from statsmodels.stats.contingency_tables import mcnemar

    if b + c:
        assert mcnemar_test(b, c, 200).p == pytest.approx(mcnemar([[50, b], [c, 30]], exact=True).pvalue)


@pytest.mark.parametrize(
    ("arms", "options", "words"),
    [
        ({"a": [1, 2]}, {}, "at least two"),
        ({"a": [1, 2], "b": [1]}, {}, "one a seed for every arm"),
        ({"first": [1, 2], "second": [1, 2]}, {"control": "frist"}, "did you mean 'first'"),
        ({"a": [1, 2], "b": [1, 2]}, {"family": "vs-control"}, "expected a control"),
        ({"a": [1, 2], "b": [1, 2]}, {"family": "everything"}, "'everything'"),
    ],
)
def test_what_is_no_family_is_said(arms, options, words):
    with pytest.raises(UsageError, match=words):
        compare_arms(arms, **options)


def test_mcnemar_wants_counts_within_the_total():
    for counts in ((-1, 2, 10), (6, 6, 10), (0, 0, 0)):
        with pytest.raises(UsageError):
            mcnemar_test(*counts)
