"""Verdicts are read off two intervals, which SciPy and statsmodels compute as well."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from later import statsmodels
from scipy.stats import ttest_1samp
from worked_examples import AVERAGE_POOLING, MAX_POOLING, A, B, C, shares

from assay.stats import Verdict, compare, verdict
from assay.streams import stream

DIFFERENT = {Verdict.BETTER, Verdict.WORSE, Verdict.NEGLIGIBLE}
INSIDE = {Verdict.EQUIVALENT, Verdict.NEGLIGIBLE}

differences = st.lists(st.integers(-50, 50).map(lambda x: x / 10_000), min_size=3, max_size=12)


def compared(d, **options):
    """Compare an arm with one that is right on half of all images at every seed."""
    return compare(0.5 + np.array(d), np.full(len(d), 0.5), **options)


def judged(d, **options):
    return verdict(compared(d, **options)).verdict


def test_there_are_five_verdicts():
    assert [str(v) for v in Verdict] == [
        "better", "worse", "equivalent", "negligible", "inconclusive",
    ]  # fmt: skip


def test_worked_examples():
    assert verdict(compare(A, B)).verdict is Verdict.BETTER
    assert verdict(compare(B, A)).verdict is Verdict.WORSE
    assert verdict(compare(A, C, margin=0.001)).verdict is Verdict.EQUIVALENT
    assert verdict(compare(A, B, margin=0.005)).verdict is Verdict.NEGLIGIBLE
    assert verdict(compare(MAX_POOLING, AVERAGE_POOLING)).verdict is Verdict.INCONCLUSIVE


@given(differences, st.floats(0.0005, 0.01), st.sampled_from([0.05, 0.05 / 3, 0.05 / 28, 0.2]))
def test_a_verdict_is_read_off_the_two_intervals(d, margin, alpha):
    """No edge cases apart: the interval decides, to the last bit."""
    c = compared(d, margin=margin)
    low, high = c.test.interval(1 - alpha)
    inner_low, inner_high = c.test.interval(1 - 2 * alpha)
    different, inside = low > 0 or high < 0, inner_low > -margin and inner_high < margin
    expected = {
        (True, True): Verdict.NEGLIGIBLE,
        (True, False): Verdict.BETTER if c.mean > 0 else Verdict.WORSE,
        (False, True): Verdict.EQUIVALENT,
        (False, False): Verdict.INCONCLUSIVE,
    }
    assert verdict(c, alpha).verdict is expected[different, inside]


@given(differences, st.floats(0.0005, 0.01), st.sampled_from([0.05, 0.05 / 3, 0.05 / 28]))
def test_a_verdict_is_what_the_tests_of_scipy_and_statsmodels_say(d, margin, alpha):
    c = compared(d, margin=margin)
    if c.sd == 0:
        return  # SciPy has no p
    a, b = 0.5 + np.array(d), np.full(len(d), 0.5)
    p, tost_p = ttest_1samp(c.differences, 0).pvalue, statsmodels.ttost_paired(a, b, -margin, margin)[0]
    if min(abs(p - alpha), abs(tost_p - alpha)) < 1e-9:
        return
    found = verdict(c, alpha).verdict
    assert (found in DIFFERENT) == (p < alpha)
    assert (found in INSIDE) == (tost_p < alpha)


@given(differences, st.sampled_from([0.6, 0.9, 0.95, 0.99]))
def test_a_comparison_is_judged_at_its_own_confidence(d, confidence):
    c = compared(d, confidence=confidence)
    found = verdict(c)
    assert found == verdict(c, 1 - confidence)
    low, high = c.interval
    assert (found.verdict in DIFFERENT) == (low > 0 or high < 0)
    low, high = c.equivalence_interval
    assert (found.verdict in INSIDE) == (-c.margin < low and high < c.margin)


@given(differences, st.randoms(use_true_random=False))
def test_the_order_of_seeds_changes_no_verdict(d, random):
    shuffled = random.sample(d, len(d))
    there, back = verdict(compared(d)), verdict(compared(shuffled))
    c = compared(d)
    edge = min(np.abs([*c.interval, *np.abs(c.equivalence_interval) - 0.003]))
    assert there.verdict is back.verdict or edge < 1e-12


@given(differences)
def test_swapping_the_arms_swaps_better_and_worse(d):
    mirrored = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}
    there, back = verdict(compared(d)), verdict(compared(np.negative(d)))
    assert back.verdict is mirrored.get(there.verdict, there.verdict)
    assert back.more_seeds == there.more_seeds


@pytest.mark.parametrize(
    ("d", "margin", "expected"),
    [
        (0.0, 0.003, Verdict.EQUIVALENT),
        (0.001, 0.003, Verdict.NEGLIGIBLE),
        (0.003, 0.003, Verdict.BETTER),  # the margin itself is not inside it
        (-0.003, 0.003, Verdict.WORSE),
        (0.2, 0.249, Verdict.NEGLIGIBLE),
    ],
)
@pytest.mark.parametrize("n", [3, 8])
def test_differences_that_are_all_equal_decide_at_once(n, d, margin, expected):
    assert judged([d] * n, margin=margin) is expected


def test_the_stricter_the_level_the_less_is_said():
    c = compare(A, B)
    assert verdict(c, 2.3e-4).verdict is Verdict.BETTER  # p is 2.24e-4
    assert verdict(c, 2.2e-4).verdict is Verdict.INCONCLUSIVE
    wide = compare(A, B, margin=0.005)
    assert verdict(wide, 1.8e-4).verdict is Verdict.EQUIVALENT  # the p of equivalence is 1.35e-4
    assert verdict(wide, 1.3e-4).verdict is Verdict.INCONCLUSIVE


def test_few_seeds_are_inconclusive():
    for n in (0, 1, 2):
        judgement = verdict(compare(A[:n], B[:n]))
        assert (judgement.verdict, judgement.more_seeds) == (Verdict.INCONCLUSIVE, None)


def test_only_what_is_inconclusive_needs_more_seeds():
    assert verdict(compare(A, B)).more_seeds is None
    assert verdict(compare(MAX_POOLING, AVERAGE_POOLING)).more_seeds is not None


@pytest.mark.parametrize("n", [5, 13])
def test_verdict_rates(n):
    """Spread .354 and margin .3 points; 20,000 simulated studies elsewhere gave these rates."""
    published = {
        13: {0.0: {"equivalent": 0.77, "inconclusive": 0.18, "different": 0.05}, 0.3: {"different": 0.80}},
        5: {0.0: {"inconclusive": 0.79}, 0.3: {"inconclusive": 0.65}},
    }
    for true, rates in published[n].items():
        rng = stream(0, "verdict rates", n, str(true))
        found = [judged(shares(rng.normal(true, 0.354, n))) for _ in range(500)]
        counted = {
            "different": sum(v in DIFFERENT for v in found),
            "equivalent": sum(v in INSIDE for v in found),
            "inconclusive": sum(v is Verdict.INCONCLUSIVE for v in found),
        }
        for name, rate in rates.items():
            assert counted[name] / 500 == pytest.approx(rate, abs=0.055), (true, name)


@pytest.mark.parametrize("true", [0.0, 0.15, 0.3])
def test_no_more_than_alpha_of_all_verdicts_are_false(true):
    """Of "different" and "within the margin" at most one can be false, so that one comparison errs in 5%."""
    rng = stream(0, "false verdicts", str(true))
    found = [judged(shares(rng.normal(true, 0.2, 6))) for _ in range(1000)]
    false = {0.0: DIFFERENT, 0.15: {Verdict.WORSE}, 0.3: INSIDE}[true]
    assert sum(v in false for v in found) / 1000 <= 0.05 + 0.02
