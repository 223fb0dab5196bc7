"""Sentences of a verdict say no number that is none."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assay.stats import compare, compare_arms, verdict

spreads = st.sampled_from([0.0, 1e-9, 1e-4, 0.01, 0.3, 5.0])
shifts = st.sampled_from([0.0, 1e-9, -1e-9, 0.002, -0.004, 0.2, -7.0])
NOTHINGS = re.compile(
    r"(?<![\d.])[-+]0\.00(?!\d)|by 0\.00|\bp (?:= )?0(?![.\d])|\b1 (?:more )?seeds|(?<![.\d])\d{4} "
)


@given(spreads, shifts, st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_no_sentence_says_a_number_that_is_none(spread, shift, n, seed):
    rng = np.random.default_rng(seed)
    arms = {arm: 88 + spread * rng.normal(size=n) for arm in ("a one", "b one", "c one")}
    arms["b one"] = arms["a one"] + shift
    for pair in compare_arms(arms).pairs:
        alone = verdict(pair.comparison, names=(pair.a, pair.b)).sentence
        for sentence in (alone, pair.judgement.sentence, *pair.comparison.notes):
            assert not NOTHINGS.search(sentence), sentence


def test_equal_means_are_said_to_be_equal():
    a, b = [88.0, 89.0, 90.0, 87.0], [89.0, 88.0, 87.0, 90.0]
    sentence = verdict(compare(a, b), names=("max", "average")).sentence
    assert sentence.startswith(
        "Max was equal to average on average, but the data do not decide (95% interval"
    )


def test_means_that_differ_by_less_than_is_shown():
    a, b = [88.003, 89.004, 90.002, 87.003], [88.0, 89.0, 90.0, 87.0]
    sentence = verdict(compare(a, b), names=("max", "average")).sentence
    assert sentence.startswith("Max is above average by less than 0.01 points, a real difference but")


def test_a_great_many_seeds_are_over_a_thousand():
    rng = np.random.default_rng(0)
    sentence = verdict(compare(88 + 20 * rng.normal(size=3), 88 + 20 * rng.normal(size=3))).sentence
    assert sentence.endswith("; over 1,000 more seeds may settle it.")
