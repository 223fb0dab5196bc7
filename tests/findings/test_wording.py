"""Sentences of comparisons: what is said has the numbers that decided, with the signs of its words."""

import re
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from assay.findings.numbers import points_interval
from assay.findings.wording.comparison_words import comparison, factor_interval, sided
from assay.stats import Verdict, compare_arms

BETWEEN = r"interval ([-+\d.]+) to ([-+\d.]+)"
VALUES = st.lists(st.tuples(st.floats(0.8, 0.9), st.floats(-0.02, 0.02)), min_size=3, max_size=12)


@given(VALUES, st.floats(-0.03, 0.03), st.sampled_from([0.01, 0.3, 1]))
def test_a_sentence_has_the_interval_that_decided_with_the_sign_of_its_words(
    drawn: list[tuple[float, float]], apart: float, spread: float
) -> None:
    a = np.array([base + apart + spread * noise for base, noise in drawn])
    (pair,) = compare_arms({"ours": a, "theirs": [base for base, _ in drawn]}).pairs
    said, verdict = comparison(pair, 1), pair.judgement.verdict
    intervals = [tuple(map(float, found)) for found in re.findall(BETWEEN, said)]
    sizes = [float(found) for found in re.findall(r"(?<!within )\b([\d.]+) points", said)]
    assert all(size >= 0 for size in sizes)
    if verdict is Verdict.EQUIVALENT:
        ((low, high),) = intervals
        assert (low, high) == pytest.approx([100 * x for x in pair.equivalence_interval], abs=0.0051)
        return
    low, high = intervals[0]
    undecided = verdict is Verdict.INCONCLUSIVE  # then the signs are those of the table below the sentence
    turned = 1 if pair.comparison.mean >= 0 or undecided else -1
    assert (low, high) == pytest.approx(sorted(100 * turned * x for x in pair.interval), abs=0.0051)
    assert low <= high
    if undecided:
        assert points_interval(pair.interval) in said
    else:
        assert low >= 0
        assert "-" not in said.partition(")")[0]
        assert {"better": turned > 0, "worse": turned < 0}.get(verdict, True)
    if verdict is Verdict.NEGLIGIBLE:
        inner = sorted(100 * turned * x for x in pair.equivalence_interval)
        assert intervals[1] == pytest.approx(inner, abs=0.0051)


def test_one_of_several_says_that_they_hold_together() -> None:
    rng = np.random.default_rng(3)
    arms = {name: rng.normal(0.88 + 0.01 * place, 0.002, 8) for place, name in enumerate("abc")}
    family = compare_arms(arms)
    pair = family.pairs[0]
    low, high = stats.ttest_rel(arms["b"], arms["a"]).confidence_interval(1 - 0.05 / 3)
    assert f"(95% interval {100 * low:.2f} to {100 * high:.2f}, one of 3 that hold together; 8 seeds)" in (
        comparison(pair, family.m)
    )


@pytest.mark.parametrize(
    ("interval", "confidence", "words"),
    [
        ((0.001, 0.034), 0.95, "95% interval +0.10 to +3.40"),
        ((-inf, 0.0012), 0.975, "at most +0.12, one-sided 97.5% bound"),
        ((-0.0012, inf), 0.95, "at least -0.12, one-sided 95% bound"),
    ],
)
def test_what_decided_is_an_interval_or_a_bound(
    interval: tuple[float, float], confidence: float, words: str
) -> None:
    assert sided(interval, confidence, points_interval) == words


def test_bounds_of_factors_are_factors() -> None:
    assert sided((-inf, 1.2), 0.95, factor_interval) == "at most 1.20x, one-sided 95% bound"
    assert sided((0.8, 1.2), 0.9, factor_interval) == "90% interval 0.80x to 1.20x"
