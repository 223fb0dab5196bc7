"""Main effects and interactions of a study, in the model and on the page."""

from pathlib import Path

import numpy as np
import pytest
from crossed import CROSSED, make_factors
from factories import TEST_IMAGES, make_results, make_study
from pages import Page, leave_figures_empty
from scipy import stats

from assay.findings.factorial import factorial_of
from assay.findings.findings import Findings, build
from assay.records.runs import Status
from assay.report.html import render


@pytest.fixture(scope="module")
def page(factors: Findings) -> str:
    """The page without its figures; what these are titled stays."""
    with pytest.MonkeyPatch.context() as patch:
        leave_figures_empty(patch)
        return render(factors)


def cell(arm: str) -> np.ndarray:
    return np.array(CROSSED[arm]) / TEST_IMAGES


def test_a_main_effect_is_a_t_test_of_the_means_over_the_other_factor(factors: Findings) -> None:
    first = factors.factorial.effects[0]
    levels = ("none", "some", "much")
    of = {name: np.mean([cell(f"{name}-{level}") for level in levels], axis=0) for name in ("max", "average")}
    oracle = stats.ttest_rel(of["max"], of["average"])
    assert first.name == "pooling: max - average"  # the control's level is what it is compared with
    assert first.mean == pytest.approx(np.mean(of["max"] - of["average"]))
    assert first.p == pytest.approx(oracle.pvalue, rel=1e-6)
    assert first.interval == pytest.approx(tuple(oracle.confidence_interval(1 - 0.05 / 5)))


def test_an_interaction_is_a_difference_of_differences(factors: Findings) -> None:
    found = {effect.name: effect for effect in factors.factorial.effects}
    d = cell("max-much") - cell("average-much") - cell("max-none") + cell("average-none")
    effect = found["pooling x dropout: (max - average) x (much - none)"]
    assert effect.mean == pytest.approx(d.mean())
    assert len(found) == 5
    assert effect.p_adjusted == pytest.approx(min(1, 5 * effect.p))


def test_unlike_effects_are_shown_one_by_one(factors: Findings, page: str) -> None:
    text = " ".join(Page(page).text.split())
    assert factors.factorial.qualified == ("pooling", "dropout")
    assert "the main effects of pooling and dropout are averages over unlike effects" in text
    for effect in (*factors.factorial.effects, *factors.factorial.simple):
        assert f"{effect.name} {100 * effect.mean:+.2f} {100 * effect.interval[0]:+.2f} to" in text


def test_effects_that_only_add_have_no_simple_ones(tmp_path: Path) -> None:
    noise = np.array([[3, -1, 0, 2, -4], [0, 2, -3, 1, 1], [-2, 0, 1, 1, 3], [1, 1, 1, -2, 0],
                      [0, 1, -2, 2, 0], [2, -2, 1, 0, -1]])  # fmt: skip
    correct = {
        f"{a}-{b}": (1700 + i + j + noise[row]).tolist()
        for row, (a, i, b, j) in enumerate(
            (a, i, b, j)
            for a, i in (("max", 40), ("average", 0))
            for b, j in (("none", 0), ("some", 9), ("much", -9))
        )
    }
    report = build(make_results(tmp_path, make_factors(), correct=correct))
    assert report.factorial.simple == ()
    assert len(report.factorial.effects) == 5


def test_the_figure_names_every_effect(factors: Findings, page: str) -> None:
    figure = page[page.index('id="factorial-desc"') :].partition("</desc>")[0]
    assert all(effect.name in figure for effect in factors.factorial.effects)


def test_one_factor_and_one_level_are_no_factors(tmp_path: Path) -> None:
    assert factorial_of(make_results(tmp_path / "one")) is None
    levels = {"reduction": {"max": {}, "average": {"network": {"filters": 3}}}, "alone": {"only": {}}}
    study = make_study(factors=levels)
    assert factorial_of(make_results(tmp_path / "alone", study)) is None


def test_nothing_is_said_before_the_study_is_complete(tmp_path: Path) -> None:
    statuses = {("max-none", 4): Status.RUNNING}
    results = make_results(tmp_path, make_factors(), statuses=statuses)
    assert factorial_of(results) is None


def test_seeds_with_a_diverged_run_are_left_out_and_counted(tmp_path: Path) -> None:
    one = {("max-none", 4): Status.DIVERGED}
    found = factorial_of(make_results(tmp_path / "one", make_factors(), statuses=one))
    assert (found.n, found.left_out) == (4, 1)
    three = {("max-none", seed): Status.DIVERGED for seed in range(3)}
    report = build(make_results(tmp_path / "three", make_factors(), statuses=three))
    assert report.factorial is None
    assert any("interactions of the factors are not estimated" in limit for limit in report.limits)
    assert not any("not estimated" in limit for limit in build(make_results(tmp_path / "two")).limits)
