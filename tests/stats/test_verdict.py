import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worked_examples import AVERAGE_POOLING, MAX_POOLING, A, B, C

from assay.stats import Verdict, compare, sd_upper_bound, seeds_for_equivalence, seeds_needed, verdict
from assay.streams import stream


def judged(d, **options):
    return verdict(compare(d, np.zeros(len(d)), **options)).verdict


def test_there_are_five_verdicts():
    assert [str(v) for v in Verdict] == [
        "better", "worse", "equivalent", "different but negligible", "inconclusive",
    ]  # fmt: skip


def test_worked_examples():
    assert verdict(compare(A, B)).verdict == Verdict.BETTER
    assert verdict(compare(B, A)).verdict == Verdict.WORSE
    assert verdict(compare(A, C, margin=0.1)).verdict == Verdict.EQUIVALENT
    assert verdict(compare(A, B, margin=0.5)).verdict == Verdict.NEGLIGIBLE
    assert verdict(compare(MAX_POOLING, AVERAGE_POOLING)).verdict == Verdict.INCONCLUSIVE


@given(st.lists(st.integers(-50, 50).map(lambda x: x / 100), min_size=3, max_size=12))
def test_a_verdict_is_read_off_the_two_intervals(d):
    c = compare(d, np.zeros(len(d)))
    edges = (*c.interval, c.interval90[0] + 0.3, c.interval90[1] - 0.3)
    if min(abs(edge) for edge in edges) < 1e-9:
        return
    different = c.interval[0] > 0 or c.interval[1] < 0
    within = c.interval90[0] > -0.3 and c.interval90[1] < 0.3
    expected = {
        (True, True): Verdict.NEGLIGIBLE,
        (True, False): Verdict.BETTER if c.mean > 0 else Verdict.WORSE,
        (False, True): Verdict.EQUIVALENT,
        (False, False): Verdict.INCONCLUSIVE,
    }
    assert verdict(c).verdict == expected[different, within]


def test_a_family_decides_by_its_adjusted_p():
    c = compare(A, B)
    assert verdict(c, p=0.06).verdict == Verdict.INCONCLUSIVE
    assert verdict(c, p=0.06, tost_p=0.01).verdict == Verdict.EQUIVALENT
    assert verdict(c, p=0.04, tost_p=0.01).verdict == Verdict.NEGLIGIBLE
    assert verdict(c, alpha=1e-4).verdict == Verdict.INCONCLUSIVE


def test_few_seeds_are_inconclusive():
    for n in (0, 1, 2):
        judgement = verdict(compare(A[:n], B[:n]))
        assert (judgement.verdict, judgement.more_seeds) == (Verdict.INCONCLUSIVE, None)
        assert "nothing can be compared" in judgement.sentence or "too few" in judgement.sentence


def test_more_seeds_are_those_that_resolve_the_margin():
    d = stream(2, "a pilot").normal(0, 1, 6)
    d = (d - d.mean()) / d.std(ddof=1) * 0.3 + 0.15
    # Upper 80% bound of .3 over 6 seeds: .3 * sqrt(5 / 2.3425) = .4383 (chi-squared table, 5 df, 20%).
    assert judged(d) == Verdict.INCONCLUSIVE
    total = max(seeds_needed(0.4383, 0.3), seeds_for_equivalence(0.4383, 0.3))
    assert verdict(compare(d, np.zeros(6))).more_seeds == total - 6
    # Inside a family the tests are stricter, and so is the plan.
    stricter = verdict(compare(d, np.zeros(6)), p=1, tost_p=1, comparisons=10).more_seeds
    assert stricter > total - 6


def test_a_difference_between_zero_and_the_margin_needs_more_than_the_plan():
    d = stream(3, "in between").normal(0, 1, 30)
    shape = (d - d.mean()) / d.std(ddof=1)
    sd = sd_upper_bound(0.4, 30)
    assert max(seeds_needed(sd, 0.3), seeds_for_equivalence(sd, 0.3)) <= 30
    totals = {0.19: seeds_needed(sd, 0.19), -0.14: seeds_for_equivalence(sd, 0.3, difference=0.14)}
    for mean, total in totals.items():
        judgement = verdict(compare(shape * 0.4 + mean, np.zeros(30)), p=0.5, tost_p=0.5)
        assert judgement.more_seeds == total - 30 > 0


@pytest.mark.parametrize("n", [5, 13])
def test_verdict_rates(n):
    """Spread .354 and margin .3; 20,000 simulated studies elsewhere gave these rates."""
    published = {
        13: {0.0: {"equivalent": 0.77, "inconclusive": 0.18, "different": 0.05}, 0.3: {"different": 0.80}},
        5: {0.0: {"inconclusive": 0.79}, 0.3: {"inconclusive": 0.65}},
    }
    for true, rates in published[n].items():
        rng = stream(0, "verdict rates", n, str(true))
        found = [judged(rng.normal(true, 0.354, n)) for _ in range(800)]
        different = {Verdict.BETTER, Verdict.WORSE, Verdict.NEGLIGIBLE}
        counted = {
            "different": sum(v in different for v in found),
            "equivalent": sum(v in (Verdict.EQUIVALENT, Verdict.NEGLIGIBLE) for v in found),
            "inconclusive": sum(v is Verdict.INCONCLUSIVE for v in found),
        }
        for name, rate in rates.items():
            assert counted[name] / 800 == pytest.approx(rate, abs=0.055), (true, name)


def test_sentences():
    assert verdict(compare(A, B), names=("max", "average")).sentence == (
        "Max is better than average by 0.25 points (95% interval 0.17 to 0.34; 8 seeds)."
    )
    assert verdict(compare(A, C), names=("max", "average")).sentence == (
        "Max and average are equivalent within 0.3 points (90% interval -0.04 to 0.06; 8 seeds)."
    )
    open_question = verdict(compare(MAX_POOLING, AVERAGE_POOLING), names=("max", "average"))
    assert open_question.sentence.startswith(
        "Max was above average by 0.17 points, but the data do not decide"
    )
    assert f"about {open_question.more_seeds} more seed" in open_question.sentence


def test_a_sentence_of_a_family_gives_the_p_that_decided():
    c = compare(A, C)
    assert "p 0.02 after Holm over 3" in verdict(c, p=0.7, tost_p=0.02, comparisons=3).sentence
    assert "p 0.70 after Holm over 3" in verdict(c, p=0.7, tost_p=0.2, comparisons=3).sentence
    assert "Holm" not in verdict(c).sentence


def test_a_margin_that_no_number_of_seeds_resolves_is_no_error():
    judgement = verdict(compare([60.0, 70.0, 80.0], [75.0, 62.0, 71.0], margin=1e-5))
    assert (judgement.verdict, judgement.more_seeds) == (Verdict.INCONCLUSIVE, None)
    assert judgement.sentence.endswith("; no number of seeds in reach would.")
