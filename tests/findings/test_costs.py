"""What arms cost against one another."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import make_results, make_study
from pages import Page
from scipy import stats

from assay.findings.comparisons import family_of
from assay.findings.costs import costs_of
from assay.findings.findings import Findings, build
from assay.records.runs import Status
from assay.report.html import render
from assay.report.latex_tables import tables
from assay.results import Results


def seconds(results: Results, arm: str) -> np.ndarray:
    return np.array([run.seconds_per_epoch for run in results.of(arm)])


def test_ratios_are_geometric_means_against_the_control(tmp_path: Path) -> None:
    study = make_study(("max", "average", "strided"), control="average")
    results = make_results(tmp_path, study)
    costs = costs_of(results, family_of(results))
    assert [(cost.arm, cost.reference) for cost in costs] == [("max", "average"), ("strided", "average")]
    logs = np.log(seconds(results, "max") / seconds(results, "average"))
    assert costs[0].seconds.ratio == pytest.approx(np.exp(logs.mean()))
    low, high = stats.ttest_1samp(logs, 0).confidence_interval(0.95)
    assert costs[0].seconds.interval == pytest.approx((np.exp(low), np.exp(high)), rel=1e-9)


def test_without_a_control_the_best_arm_is_the_measure(tmp_path: Path) -> None:
    results = make_results(tmp_path, make_study(("a", "b", "c")))
    family = family_of(results)
    assert family.control is None
    costs = costs_of(results, family)
    assert {cost.reference for cost in costs} == {family.best}
    assert family.best not in {cost.arm for cost in costs}


@pytest.mark.parametrize("lost", ["max", "average"])
def test_seeds_that_one_arm_lost_are_left_out(tmp_path: Path, lost: str) -> None:
    results = make_results(tmp_path, make_study(control="max"), statuses={(lost, 1): Status.DIVERGED})
    (cost,) = costs_of(results, family_of(results))
    assert (cost.seconds.n, cost.memory.n) == (4, 4)


def test_what_was_not_measured_has_no_ratio(tmp_path: Path) -> None:
    results = make_results(tmp_path)
    results.__dict__["runs"] = [replace(run, peak_memory=0, seconds_per_epoch=None) for run in results.runs]
    (cost,) = costs_of(results, family_of(results))
    assert (cost.seconds, cost.memory) == (None, None)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("source", ["computed", "measured"])
def test_memory_that_was_computed_is_exact(tmp_path: Path, source: str) -> None:
    """A ratio without interval and p; one that was measured has both."""
    results = make_results(tmp_path, make_study(control="max"))
    results.__dict__["runs"] = [replace(run, memory_source=source) for run in results.runs]
    report = build(results)
    memory = report.costs[0].memory
    assert memory.ratio == pytest.approx(41 / 38, rel=1e-3)
    assert (memory.interval is None, memory.p is None) == (source == "computed",) * 2
    intervals = (
        Page(render(report)).text.split("Ratios, seed by seed")[1].split("max")[0].count("95% interval")
    )
    assert intervals == (2 if source == "computed" else 3)  # the caption, time, and memory that was measured
    assert len(tables(report)["costs"].headings) == (4 if source == "computed" else 5)


def test_memory_of_which_a_part_was_computed_has_no_interval(tmp_path: Path) -> None:
    results = make_results(tmp_path, make_study(control="max"))
    results.__dict__["runs"] = [
        replace(run, memory_source="measured" if run.arm == "max" else "computed") for run in results.runs
    ]
    assert build(results).costs[0].memory.interval is None


@pytest.mark.usefixtures("undrawn")
def test_costs_are_compared_when_the_study_is_complete(tmp_path: Path, report: Findings) -> None:
    interim = build(make_results(tmp_path, statuses={("max", 0): Status.RUNNING}))
    assert interim.costs == ()
    assert "Cost against" not in render(interim)
    text = " ".join(Page(render(report)).text.split())
    ratio = report.costs[0].seconds
    assert f"Cost against {report.costs[0].reference}" in text
    assert f"{ratio.ratio:.2f} {ratio.interval[0]:.2f} to {ratio.interval[1]:.2f}" in text
