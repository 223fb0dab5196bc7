"""Promises, and the table that says whether they are kept."""

import numpy as np
import pytest
from simulated.table import BROKEN, Promise, Topic, lines, one_by_one


@pytest.mark.parametrize(
    ("promise", "rate", "kept"),
    [
        (Promise(0.05), 0.054, True),
        (Promise(0.05), 0.056, False),
        (Promise(0.05), 0.044, False),
        (Promise(0.05, side="<="), 0.0, True),
        (Promise(0.05, side="<="), 0.056, False),
        (Promise(0.95, side=">="), 1.0, True),
        (Promise(0.95, side=">="), 0.944, False),
        (Promise(0.0, 0.0), 0.0, True),
        (Promise(0.0, 0.0), 0.001, False),
    ],
)
def test_a_promise_is_kept_within_its_tolerance(promise, rate, kept):
    assert promise.kept(rate, 1_000_000) == kept


def test_few_studies_leave_chance_its_part():
    assert Promise(0.05).kept(0.07, 200)
    assert not Promise(0.05).kept(0.07, 20_000)
    assert not Promise(0.0, 0.0).kept(0.005, 200)


def flips(share: float):
    return lambda rng, studies: {"heads": rng.random(studies) < share}


def topic(promise: Promise) -> Topic:
    return Topic("Coins", "How they fall.", {"fair": flips(0.5), "bent": flips(0.9)}, {"heads": promise})


def test_a_table_has_a_line_a_setting_and_marks_what_is_broken():
    text = list(lines(topic(Promise(0.5)), 2000))
    assert text[0] == "## Coins"
    assert text[4:6] == ["|  | heads (= 0.500) |", "|---|---|"]
    fair, bent = text[6:8]
    assert fair.startswith("| fair | 0.5")
    assert BROKEN not in fair
    assert bent.startswith("| bent | 0.9")
    assert BROKEN in bent


def test_the_same_studies_are_drawn_each_time():
    once, again = (topic(Promise(0.5)).simulate("fair", 100) for _ in range(2))
    assert once == again


def test_the_worst_comparison_counts():
    def simulate(rng, studies):
        each = np.arange(studies)[:, None] < [studies / 2, studies / 4]
        return {"covers": each, "errs": each}

    assert Topic("", "", {"": simulate}).simulate("", 100) == {"covers": 0.25, "errs": 0.5}


def test_what_does_not_concern_a_study_is_left_out_of_the_rate():
    def simulate(rng, studies):
        none = np.full(studies, np.nan)
        odd = np.where(np.arange(studies) % 2, np.arange(studies) < 10, np.nan)
        return {"of the odd ones": odd, "of none": none}

    assert Topic("", "", {"": simulate}).simulate("", 20) == {"of the odd ones": 0.5}


def test_settings_may_lack_an_outcome():
    both = Topic(
        "",
        "",
        {
            "a": lambda rng, studies: {"x": np.ones(studies)},
            "b": lambda rng, studies: {"y": np.zeros(studies), "seeds": np.full(studies, 12.34)},
        },
        {"y": Promise(0.5)},
    )
    assert list(lines(both, 10))[4:8] == [
        "|  | x | y (= 0.500) | seeds |",
        "|---|---|---|---|",
        "| a | 1.0000 |  |  |",
        f"| b |  | 0.0000 {BROKEN} | 12.3 |",
    ]


def test_studies_one_by_one():
    found = one_by_one(lambda rng: {"x": rng.random() < 0.5})(np.random.default_rng(0), 50)
    assert found["x"].shape == (50,)
    assert 0 < found["x"].mean() < 1
