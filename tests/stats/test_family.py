import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from later import pingouin, statsmodels
from scipy.stats import t as student
from scipy.stats import ttest_rel
from worked_examples import A, B, C, points

from assay.errors import UsageError
from assay.stats import Verdict, compare, compare_arms, declared_pairs, holm
from assay.streams import stream

ARMS = {"A": A, "B": B, "C": C}
DIFFERENT = {Verdict.BETTER, Verdict.WORSE, Verdict.NEGLIGIBLE}
INSIDE = {Verdict.EQUIVALENT, Verdict.NEGLIGIBLE}


def exactly(value):
    return pytest.approx(value, rel=1e-9, abs=1e-10)


def test_worked_example_of_all_pairs():
    family = compare_arms(ARMS)
    assert (family.control, family.m, family.complete) == (None, 3, 8)
    assert [(p.a, p.b) for p in family.pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
    raw = [2.24311540705e-4, 0.64049698754, 4.69408719460e-4]
    assert [p.comparison.p for p in family.pairs] == exactly(raw)
    assert [p.p for p in family.pairs] == exactly([3 * raw[0], 1, 3 * raw[2]])
    intervals = tuple(bound for p in family.pairs for bound in p.interval)
    assert intervals == points(
        (0.13930284498, 0.36819715502, -0.06761968544, 0.09261968544, -0.36401780950, -0.11848219050)
    )
    assert [p.judgement.verdict for p in family.pairs] == [Verdict.BETTER, Verdict.EQUIVALENT, Verdict.WORSE]
    assert family.best == "A"
    assert family.not_distinguishable == ("A", "C")


def test_a_control_makes_a_smaller_family():
    family = compare_arms(ARMS, control="B")
    assert (family.control, family.m) == ("B", 2)
    assert [(p.a, p.b) for p in family.pairs] == [("A", "B"), ("C", "B")]
    assert [p.p for p in family.pairs] == exactly([2 * 2.24311540705e-4, 2 * 4.69408719460e-4])
    # The best is seen in the data: what it is told from is still judged over all pairs.
    assert family.not_distinguishable == ("A", "C")
    assert compare_arms(ARMS, control="B", pairs=declared_pairs("ABC", None)).m == 3
    named = compare_arms(ARMS, pairs=[("C", "A")])
    assert [(p.a, p.b, p.comparison.mean) for p in named.pairs] == [("C", "A", points(-0.0125))]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_agrees_with_pingouin(p_values):
    assert holm(p_values) == pytest.approx(pingouin.multicomp(p_values, method="holm")[1].tolist(), rel=1e-12)


def test_holm_agrees_with_statsmodels():
    for k in range(5):
        p_values = stream(k, "p-values").random(9) ** 3
        assert holm(p_values) == pytest.approx(
            statsmodels.multipletests(p_values, method="holm")[1].tolist(), rel=1e-12
        )


def test_holm_counts_a_comparison_that_could_not_be_made():
    assert holm([0.01, None, 0.02]) == [0.03, None, 0.04]


def test_sixty_families_agree_with_scipy_and_statsmodels():
    for k in range(60):
        rng = stream(k, "families")
        arms = {str(i): rng.normal(0.88 + i / 1000, 0.003, 6) for i in range(4)}
        family = compare_arms(arms, control="0", alpha=0.1)
        tests = [ttest_rel(arms[i], arms["0"]) for i in "123"]
        tost = [statsmodels.ttost_paired(arms[i], arms["0"], -0.003, 0.003)[0] for i in "123"]
        for found, raw in (("p", [t.pvalue for t in tests]), ("tost_p", tost)):
            adjusted = statsmodels.multipletests(raw, method="bonferroni")[1].tolist()
            assert [getattr(p, found) for p in family.pairs] == pytest.approx(adjusted, rel=1e-8)
        for pair, test in zip(family.pairs, tests, strict=True):
            for found, confidence in ((pair.interval, 1 - 0.1 / 3), (pair.equivalence_interval, 1 - 0.2 / 3)):
                expected = tuple(test.confidence_interval(confidence))
                assert found == pytest.approx(expected, rel=1e-8, abs=1e-12)


@st.composite
def studies(draw):
    """Return some arms over some seeds, with runs that failed; counts of right answers of 10,000 images."""
    arms, seeds = draw(st.integers(2, 5)), draw(st.integers(1, 9))
    right = draw(st.lists(st.integers(8700, 8800), min_size=arms * seeds, max_size=arms * seeds))
    values = np.array(right).reshape(arms, seeds) / 10_000
    failed = np.array(draw(st.lists(st.integers(0, 4), min_size=arms * seeds, max_size=arms * seeds))) == 0
    values[failed.reshape(arms, seeds)] = np.nan
    return {chr(ord("a") + i): x for i, x in enumerate(values)}


@given(studies(), st.sampled_from([0.01, 0.05, 0.2]), st.sampled_from([0.001, 0.003, 0.01]))
def test_the_printed_interval_decides(arms, alpha, margin):
    """Whatever is failed, tied or equal: the verdict is what a reader sees of the two intervals."""
    for pair in compare_arms(arms, alpha=alpha, margin=margin).pairs:
        found = pair.judgement.verdict
        if pair.interval is None:
            assert pair.comparison.n < 3
            assert found is Verdict.INCONCLUSIVE
            assert (pair.p, pair.tost_p, pair.equivalence_interval) == (None, None, None)
            continue
        low, high = pair.interval
        different = low > 0 or high < 0
        assert (found in DIFFERENT) == different
        if found in (Verdict.BETTER, Verdict.WORSE):
            assert (found is Verdict.BETTER) == (low > 0)
        low, high = pair.equivalence_interval
        inside = -margin < low and high < margin
        assert (found in INSIDE) == inside
        if min(abs(pair.p - alpha), abs(pair.tost_p - alpha)) > 1e-9:
            assert (different, inside) == (pair.p < alpha, pair.tost_p < alpha)


@given(studies(), st.randoms(use_true_random=False))
def test_verdicts_do_not_depend_on_the_order_of_arms_or_seeds(arms, random):
    names = random.sample(list(arms), len(arms))
    order = random.sample(range(len(arms["a"])), len(arms["a"]))
    there, back = compare_arms(arms), compare_arms({name: arms[name][order] for name in names})
    mirrored = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}
    found = {(p.a, p.b): p for p in back.pairs}
    for pair in there.pairs:
        other = found.get((pair.a, pair.b))
        flipped = other is None
        other = found[pair.b, pair.a] if flipped else other
        same = pair.judgement.verdict
        assert other.judgement.verdict is (mirrored.get(same, same) if flipped else same) or on_the_edge(pair)
        assert other.failures.p == pytest.approx(pair.failures.p)
        assert other.p == (None if pair.p is None else pytest.approx(pair.p, rel=1e-6))
        ahead = 1 - other.outperforms.share if flipped else other.outperforms.share
        assert ahead == pytest.approx(pair.outperforms.share)
    assert {name: rate.failed for name, rate in back.failures.items()} == {
        name: int(np.isnan(x).sum()) for name, x in arms.items()
    }
    assert (back.complete, back.seeds, back.m) == (there.complete, there.seeds, there.m)


def on_the_edge(pair):
    ends = [*pair.interval, *np.abs(pair.equivalence_interval) - pair.comparison.margin]
    return min(np.abs(ends)) < 1e-12


def test_a_family_errs_in_at_most_alpha_of_all_studies():
    """Two arms are like the control, one better by the margin: difference and equivalence are false."""
    rng, false = stream(0, "mixed families"), 0
    for _ in range(600):
        arms = {arm: 0.88 + rng.normal(0, 0.001, 7) for arm in ("control", "like", "same", "margin")}
        arms["margin"] += 0.003
        family = compare_arms(arms, control="control")
        like, same, margin = (pair.judgement.verdict for pair in family.pairs)
        false += like in DIFFERENT or same in DIFFERENT or margin in INSIDE or margin is Verdict.WORSE
    assert false / 600 <= 0.05 + 0.025


def test_the_intervals_of_a_family_hold_together():
    rng, held = stream(0, "intervals"), 0
    for _ in range(400):
        true = rng.normal(0.88, 0.01, 3)
        arms = {str(i): rng.normal(mean, 0.003, 5) for i, mean in enumerate(true)}
        pairs = compare_arms(arms).pairs
        held += all(p.interval[0] <= true[int(p.a)] - true[int(p.b)] <= p.interval[1] for p in pairs)
    assert held / 400 >= 0.95 - 0.03


def test_many_comparisons_widen_intervals_and_no_more():
    """Twenty arms, 190 comparisons, three seeds: level 0.00026, whose quantile at 2 df is 61.7 (t table)."""
    rng = stream(0, "many arms")
    family = compare_arms({str(i): rng.normal(0.88, 0.003, 3) for i in range(20)})
    assert family.m == 190
    for pair in family.pairs:
        half = (pair.interval[1] - pair.interval[0]) / 2
        assert half == pytest.approx(student.ppf(1 - 0.05 / 380, 2) * pair.comparison.se, rel=1e-9)
    assert family.not_distinguishable[0] == family.best


def test_equivalence_is_corrected_as_well():
    d = 0.013 * np.array([0.05, -0.2, 0.28, -0.1, 0.14, -0.06])
    zero = np.full(6, 0.5)
    alone = compare(0.5 + d, zero)
    assert 0.05 / 4 < alone.tost_p < 0.05
    family = compare_arms(
        {"control": zero, **{str(i): 0.5 + np.roll(d, i) for i in range(4)}}, control="control"
    )
    assert {p.judgement.verdict for p in family.pairs} == {Verdict.INCONCLUSIVE}
    assert [p.tost_p for p in family.pairs] == pytest.approx([4 * alone.tost_p] * 4)


def test_failed_runs_are_counted_and_never_dropped_silently():
    nan = np.nan
    arms = {"plain": A, "deep": [nan, nan, *B[2:]], "wild": [nan] * 8, "other": [*C[:7], np.inf]}
    family = compare_arms(arms, control="plain")
    assert {arm: rate.failed for arm, rate in family.failures.items()} == {
        "plain": 0, "deep": 2, "wild": 8, "other": 1,
    }  # fmt: skip
    assert (family.seeds, family.complete) == (8, 5)
    deep, wild, other = family.pairs
    assert (deep.comparison.n, deep.left_out) == (6, 2)
    assert deep.comparison.mean == pytest.approx(np.mean(np.subtract(B, A)[2:]))
    assert (deep.failures.only_a, deep.failures.only_b, deep.failures.p) == (2, 0, 0.5)
    assert (wild.comparison.n, wild.left_out, wild.p) == (0, 8, None)
    assert wild.failures.p == 2 / 2**8
    assert (wild.outperforms.wins, wild.outperforms.losses) == (0, 8)
    assert wild.judgement.verdict is Verdict.INCONCLUSIVE
    assert other.left_out == 1
    assert family.m == 3  # the comparison that could not be made is paid for
    assert deep.p == pytest.approx(3 * deep.comparison.p)
    assert "wild" not in family.not_distinguishable
    assert not compare_arms(ARMS).pairs[0].failures.any


def test_a_run_that_guesses_has_failed_although_it_has_an_accuracy():
    """Of an arm that never learnt its guesses are compared; one that learnt now and then leaves them out."""
    guesses = [0.02, 0.021, 0.019, 0.02, 0.022, 0.02, 0.018, 0.02]
    some = np.array([*guesses[:2], *B[2:]])
    some[:2] = np.nan
    failed = {"A": [False] * 8, "never": [True] * 8, "some": [True, True, *[False] * 6]}
    family = compare_arms({"A": A, "never": guesses, "some": some}, failed=failed)
    never, partly, between = family.pairs
    assert never.judgement.verdict is Verdict.BETTER
    assert never.comparison.n == 8
    assert never.left_out == 0
    assert (never.failures.b.failed, never.outperforms.wins) == (8, 8)
    assert (partly.comparison.n, partly.left_out, partly.failures.b.failed) == (6, 2, 2)
    assert (between.outperforms.ties, between.outperforms.losses) == (2, 6)  # both failed: nobody is ahead
    assert family.best == "A"


def test_arms_that_all_failed_are_neither_equivalent_nor_the_best():
    """Guesses are alike: that says nothing of two arms."""
    guesses = {"a": [0.02] * 5, "b": [0.02, 0.021, 0.02, 0.02, 0.02]}
    family = compare_arms(guesses, failed={arm: [True] * 5 for arm in guesses})
    assert [p.judgement.verdict for p in family.pairs] == [Verdict.INCONCLUSIVE]
    assert family.pairs[0].judgement.more_seeds is None
    assert (family.best, family.not_distinguishable) == (None, ())
    learnt = compare_arms(
        {**guesses, "c": A[:5]}, failed={"a": [True] * 5, "b": [True] * 5, "c": [False] * 5}
    )
    assert (learnt.best, learnt.not_distinguishable) == ("c", ("c",))


def test_arms_without_a_common_seed_are_not_compared():
    family = compare_arms({"a": [1, np.nan], "b": [np.nan, 0.9]})
    assert (family.best, family.not_distinguishable) == ("a", ("a", "b"))
    assert (family.optimism, family.complete, family.pairs[0].comparison.n) == (None, 0, 0)
    nothing = compare_arms({"a": [np.nan] * 4, "b": [np.nan] * 4})
    assert (nothing.best, nothing.not_distinguishable, nothing.optimism, nothing.complete) == (
        None,
        (),
        None,
        0,
    )


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_seeds_give_means_and_no_verdict(n):
    family = compare_arms({"a": A[:n], "b": B[:n]})
    (pair,) = family.pairs
    assert pair.comparison.mean == pytest.approx(np.mean(A[:n] - B[:n]))
    assert (pair.interval, pair.judgement.verdict) == (None, Verdict.INCONCLUSIVE)
    assert (pair.outperforms.wins, pair.failures.p) == (n, 1)


@given(st.permutations(list(range(8))))
def test_the_order_of_seeds_changes_nothing(order):
    family = compare_arms(ARMS)
    shuffled = compare_arms({arm: np.array(x)[order] for arm, x in ARMS.items()})
    assert [p.p for p in shuffled.pairs] == pytest.approx([p.p for p in family.pairs], rel=1e-9)
    assert shuffled.optimism == pytest.approx(family.optimism)


@pytest.mark.parametrize(
    ("arms", "options", "words"),
    [
        ({"a": [1, 1]}, {}, "at least two"),
        ({"a": [1, 1], "b": [1]}, {}, "one a seed for every arm"),
        ({"first": [1, 1], "second": [1, 1]}, {"control": "frist"}, "did you mean 'first'"),
        ({"a": [1, 1], "b": [1, 1]}, {"pairs": []}, "expected one or more"),
        ({"a": [1, 1], "b": [1, 1]}, {"pairs": [("a", "a")]}, "two different arms"),
        ({"a": [1, 1], "b": [1, 1]}, {"pairs": [("a", "c")]}, "'c' is no arm"),
        ({"a": [1, 1], "b": [88.4, 1]}, {}, r"b: found 88.4, expected accuracies as shares"),
        ({"a": [1, 1], "b": [1, 1]}, {"margin": 1}, "margin is 1"),
        ({"a": [1, 1], "b": [1, 1]}, {"alpha": 5}, "compare_arms: alpha is 5"),
        ({"a": [1, 1], "b": [1, 1]}, {"alpha": 0}, "alpha is 0"),
        ({"a": [1, 1], "b": [1, 1]}, {"alpha": np.nan}, "alpha is nan"),
        ({"a": [1, 1], "b": [1, 1]}, {"failed": {"a": [True, True]}}, r"failed\['b'\] is None, expected 2"),
        ({"a": [1, 1], "b": [1, 1]}, {"failed": {"a": [True], "b": [True]}}, r"failed\['a'\] is \[True\]"),
        ({"a": [1, 1], "b": [1, 1]}, {"failed": {"a": [0, 1], "b": [0, 0]}}, "of True or False"),
    ],
)
def test_what_is_no_family_is_said(arms, options, words):
    with pytest.raises(UsageError, match=words):
        compare_arms(arms, **options)
