"""Losses and other numbers that are no shares are judged in their own unit, by the same rules."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from said import Assay
from scipy import stats

from assay.cli import main

BASE = (1.412, 1.398, 1.405, 1.421, 1.409)
WIDE = (1.361, 1.355, 1.372, 1.380, 1.349)
SAME = (1.4120, 1.3981, 1.4049, 1.4211, 1.4090)


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assay:
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        return (main(words), *capfd.readouterr())

    return call


def written(column: str = "val_loss", **arms) -> None:
    with Path("t.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("arm", "seed", column))
        writer.writerows((arm, seed, value) for arm, row in arms.items() for seed, value in enumerate(row))


def words(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def test_a_lower_loss_is_better_by_the_paired_t_test(said):
    written(base=BASE, wide=WIDE)
    status, out, err = said("judge", "t.csv", "--control", "base", "--margin", "0.02")
    assert (status, err) == (0, "")
    expected = stats.ttest_rel(BASE, WIDE)
    low, high = expected.confidence_interval(0.95)
    assert (
        f"Wide is better than base by {np.mean(BASE) - np.mean(WIDE):#.2g} in val_loss "
        f"(95% interval {low:#.2g} to {high:#.2g}; 5 seeds)."
    ) in words(out)
    assert "Read from the column val_loss of t.csv, of which less is better." in words(out)
    assert "A difference of less than 0.02 in val_loss, as declared, does not matter." in words(out)
    assert "points" not in out
    assert "accurac" not in out
    document = json.loads(
        said("judge", "t.csv", "--control", "base", "--margin", "0.02", "--format", "json")[1]
    )
    [pair] = document["comparisons"]
    assert (pair["a"], pair["b"], pair["verdict"]) == ("wide", "base", "better")
    assert pair["mean"] == pytest.approx(np.mean(WIDE) - np.mean(BASE))
    np.testing.assert_allclose(pair["interval"], (-high, -low), rtol=1e-9)
    assert pair["p"] == pytest.approx(expected.pvalue, rel=1e-9)
    assert document["arms"]["base"]["mean"] == pytest.approx(np.mean(BASE))
    assert document["lower_is_better"] is True
    assert not Path("assay-runs").exists()


def test_more_of_a_score_is_better_if_one_says_so(said):
    written("bleu", base=BASE, wide=WIDE)
    ask = ("judge", "t.csv", "--no-share", "--control", "base", "--margin", "0.02")
    status, out, _ = said(*ask, "--higher-is-better")
    assert status == 0
    assert "Wide is worse than base by" in words(out)
    status, _, err = said(*ask)
    assert status == 2
    assert "column 'bleu': nothing says which way is better (--lower-is-better or --higher-is-better)" in err
    assert "`assay judge --no-share` any number" in said("judge", "t.csv")[2]


def test_equal_losses_are_equivalent_within_the_margin_of_their_unit(said):
    written(base=BASE, same=SAME, wide=WIDE)
    status, out, _ = said("judge", "t.csv", "--control", "base", "--margin", "0.02", "--resolve", "0.01")
    assert status == 0
    assert "Same and base are equivalent within 0.02 in val_loss (90% interval" in words(out)
    assert "one of 2 that hold together" in words(out)
    caption = (
        "differences in val_loss; simultaneous 95% intervals for a difference; of equivalent arms "
        "simultaneous 90% intervals for equivalence (two one-sided tests at 5%); p adjusted"
    )
    assert caption in words(out)
    assert (
        words(out).count("the sign-flip p cannot fall below 0.0625, whatever the data.") == 1
    )  # said of all
    assert "· With 5 seeds the sign-flip p" in out
    low, high = re.search(r"within 0\.02 in val_loss \(90% interval (\S+) to (\S+),", words(out)).groups()
    assert re.search(
        rf"same less base \S+ {re.escape(low)} to \+?{re.escape(high)} ", words(out)
    )  # its interval
    document = json.loads(
        said("judge", "t.csv", "--control", "base", "--margin", "0.02", "--format", "json")[1]
    )
    assert document["intervals"] == "simultaneous 95% intervals"
    assert document["equivalence_intervals"] == "simultaneous 90% intervals"
    assert "tell a true difference of 0.01 in val_loss with 80% power" in words(out)


def test_a_loss_that_diverged_is_a_failure(said):
    written(base=(*BASE[:4], "diverged"), wide=WIDE)
    status, out, _ = said("judge", "t.csv", "--control", "base", "--margin", "0.02")
    assert status == 0
    assert "On the 4 seeds on which both learnt, wide is better than base" in words(out)
    assert "Wide failed on 0 of 5 seeds (95% interval 0% to 52%), base on 1 of 5 seeds" in words(out)
    assert "4/5" in out


def test_two_seeds_are_too_few_and_signs_are_the_metrics(said):
    written(base=BASE[:2], wide=WIDE[:2])
    status, out, _ = said("judge", "t.csv", "--control", "base", "--margin", "0.02")
    assert status == 0
    assert "Wide less base is -0.051 and -0.043 in val_loss on 2 seeds: too few for a verdict" in words(out)


REFUSED = {
    "margin": ((), "val_loss: needs --margin, the difference that does not matter, in its own unit"),
    "zero": (("--margin", "0"), "margin is 0, expected a number above 0"),
    "percent": (("--margin", "1", "--percent"), "--percent: goes with shares, and val_loss is not"),
    "study": (("--margin", "1", "--study", "x.toml"), "--study: goes with shares"),
    "control": (("--margin", "1", "--control", "bas"), "control: no arm 'bas' (did you mean 'base'?)"),
    "resolve": (("--margin", "1", "--resolve", "-1"), "resolve: difference is -1.0, expected a positive"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_with_a_loss_is_refused(name, said):
    written(base=BASE, wide=WIDE)
    options, message = REFUSED[name]
    status, _, err = said("judge", "t.csv", *options)
    assert status == 2
    assert message in err
    assert err.count("\n") == 1


def test_one_arm_and_unequal_seeds_are_refused(said):
    written(base=BASE)
    assert "base: is the only arm" in said("judge", "t.csv", "--margin", "1")[2]
    written(base=BASE, wide=WIDE[:4])
    assert "wide has no seed 4, which another arm has" in said("judge", "t.csv", "--margin", "1")[2]
