"""What a report says at a declared look, and what it keeps to itself between looks."""

import io
from dataclasses import replace

import numpy as np
import pytest
from factories import TEST_IMAGES, make_results, make_study
from scipy import stats

from assay.findings.comparisons import family_of, resolved
from assay.findings.findings import build
from assay.records.runs import Status
from assay.report import terminal
from assay.results import Results
from assay.stats import Verdict

ARMS = ("max", "average")
CLOSE = [1770, 1760, 1750, 1764, 1758, 1772, 1749]
FAR = [1700, 1697, 1704, 1695, 1699, 1701, 1703]


def results(tmp_path, ended, correct=None, looks=(3, 5, 7)) -> Results:
    """Two arms whose first ``ended`` seeds, and one run more, have come to their end."""
    study = make_study(ARMS, seeds=looks[-1], looks=list(looks))
    left = {("max", seed): Status.PENDING for seed in range(ended + 1, looks[-1])}
    left |= {("average", seed): Status.PENDING for seed in range(ended, looks[-1])}
    correct = correct or {"max": CLOSE, "average": FAR}
    return make_results(tmp_path, study, statuses=left, correct=correct)


@pytest.mark.parametrize(("ended", "seeds"), [(0, None), (2, None), (3, 3), (4, 3), (5, 5), (6, 5), (7, 7)])
def test_a_look_is_reached_with_the_last_run_of_its_seeds(ended, seeds, tmp_path):
    found = results(tmp_path, ended)
    look = found.at_look().look
    assert (look and look.seeds) == seeds
    assert (family_of(found) is None) == (seeds is None)
    assert found.complete == (ended == 7)


@pytest.mark.parametrize(("ended", "seeds"), [(4, 3), (6, 5), (7, 7)])
def test_numbers_at_a_look_are_those_of_its_seeds_at_its_level(ended, seeds, tmp_path):
    """Against SciPy: an interval at 1 - .05 / 3, of the first seeds alone, whatever ended since."""
    report = build(results(tmp_path, ended))
    x, y = (np.array(arm[:seeds]) / TEST_IMAGES for arm in (CLOSE, FAR))
    (effect,) = report.effects
    expected = stats.ttest_rel(x, y).confidence_interval(1 - 0.05 / 3)
    assert effect.interval == pytest.approx(tuple(expected), abs=1e-11)
    assert effect.crossed is not None
    assert (effect.crossed.n, effect.crossed.confidence) == (seeds, pytest.approx(1 - 0.05 / 3))
    low, high = stats.t.interval(1 - 0.05 / 3, seeds - 1, x.mean(), stats.sem(x))
    assert report.arms[0].test.interval == pytest.approx((low, high))
    assert (report.arms[0].done, report.arms[0].planned) == (seeds, seeds)
    assert {curve.bands["valid_accuracy"].seeds for curve in report.curves} == {seeds}


def test_verdicts_at_a_look_are_those_of_the_stricter_level(tmp_path):
    """A difference with p between .05 / 3 and .05 is none at a look, and one without looks."""
    near = {"max": [1760, 1762, 1771, 1750, 1757], "average": [1751, 1758, 1760, 1749, 1740]}
    p = stats.ttest_rel(near["max"], near["average"]).pvalue
    assert 0.05 / 3 < p < 0.05
    whole = make_results(tmp_path / "whole", make_study(ARMS, seeds=5), correct=near)
    far = {arm: [*values, 1700, 1700] for arm, values in near.items()}
    looked = results(tmp_path / "look", 5, far)
    verdicts = [build(found).effects[0].pair.judgement.verdict for found in (whole, looked)]
    assert verdicts == [Verdict.BETTER, Verdict.INCONCLUSIVE]
    assert (resolved(whole), resolved(looked)) == (True, False)


def test_between_looks_there_is_no_interval_and_no_verdict(tmp_path):
    report = build(results(tmp_path, 2))
    assert (report.stamp, report.complete, report.effects, report.family) == ("interim 5/14", False, (), None)
    assert all(arm.test.interval is None for arm in report.arms)
    assert "before the first declared look, at 3 seeds" in report.limits[0]


def test_what_is_said_of_a_look(tmp_path):
    said = build(results(tmp_path / "a", 3, {"max": CLOSE, "average": CLOSE[::-1]}))
    assert (said.stamp, said.complete) == ("interim 7/14, look 1 of 3", False)
    assert said.interval_name == "98.3% interval (look 1 of 3)"
    assert said.answer.endswith(" This is look 1 of 3, after 3 of at most 7 seeds.")
    assert "98.3% interval" in said.answer
    assert any(
        "declared at 3, 5 and 7 seeds, and this is look 1 of 3: each tests at 1.67%" in x for x in said.limits
    )
    assert any(limit.startswith("1 run of later seeds ended already") for limit in said.limits)
    said = build(results(tmp_path / "b", 5))
    assert (said.stamp, said.complete, said.resolved) == ("resolved at look 2 of 3", True, True)
    said = build(results(tmp_path / "c", 7))
    assert said.stamp == "complete, look 3 of 3"
    assert "This is look" not in said.answer


def test_every_drawing_names_the_confidence_of_the_look(tmp_path):
    from rich.console import Console

    from assay.report.html import render

    report = build(results(tmp_path, 3))
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(terminal.summary(report))
    for text in (render(report), console.export_text()):
        assert "95%" not in text
        assert "98.3%" in text
        assert "look 1 of 3" in text


def test_a_study_with_a_parent_says_that_it_was_extended(tmp_path):
    study = replace(make_study(ARMS), parent="ab" * 32)
    (limit,) = (x for x in build(make_results(tmp_path, study)).limits if x.startswith("Extended"))
    assert "Extended after seeing results: seeds were added to study abababababab" in limit
