"""How sure the networks of each arm are, in every kind of report."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import make_results, make_study
from pages import Page
from rich.console import Console

from assay.findings.findings import build
from assay.report import terminal
from assay.report.html import render
from assay.report.latex_tables import tables
from assay.results import Results

ERRORS = {"max": [0.010, 0.014, 0.012], "average": [0.0512, 0.0512, 0.0512]}
TEMPERATURES = {"max": [1.0, 2.0, 4.0], "average": [1.5, 1.5, 1.5]}


def measured(folder: Path, stuck: tuple[tuple[str, int], ...] = ()) -> Results:
    results = make_results(folder, make_study(seeds=3), stuck=stuck)
    results.__dict__["runs"] = [
        replace(run, calibration_error=ERRORS[run.arm][run.seed], temperature=TEMPERATURES[run.arm][run.seed])
        for run in results.runs
    ]
    return results


def shown(report: object) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(terminal.summary(report))
    return " ".join(console.export_text().split())


@pytest.mark.usefixtures("undrawn")
def test_each_arm_has_its_error_and_temperature(tmp_path: Path) -> None:
    report = build(measured(tmp_path))
    first, _ = report.calibration
    assert (first.arm, first.runs) == ("max", 3)
    assert first.error == pytest.approx(np.mean(ERRORS["max"]))
    assert (first.lowest, first.highest) == (0.010, 0.014)
    assert first.temperature == pytest.approx(2.0)  # the geometric mean
    page = " ".join(Page(render(report)).text.split())
    assert "expected calibration error" in page
    assert "max 1.20 1.00 to 1.40 2.00 3" in page
    assert "average 5.12 5.12 to 5.12 1.50 3" in page
    assert "max 3 1.20 2.00" in shown(report)
    assert tables(report)["calibration"].rows[0] == ("max", "1.20", "1.00 to 1.40", "2.00", "3")


def test_runs_that_learnt_nothing_do_not_count(tmp_path: Path) -> None:
    row = build(measured(tmp_path, stuck=(("max", 2),))).calibration[0]
    assert (row.runs, row.error) == (2, pytest.approx(0.012))


@pytest.mark.usefixtures("undrawn")
def test_what_was_not_measured_is_not_spoken_of(tmp_path: Path) -> None:
    report = build(make_results(tmp_path))
    assert report.calibration == ()
    assert "calibration" not in Page(render(report)).text
    assert "calibration" not in shown(report)
    results = measured(tmp_path / "one")
    results.__dict__["runs"] = [
        replace(run, temperature=None, calibration_error=None) if run.arm == "max" else run
        for run in results.runs
    ]
    first, second = build(results).calibration
    assert (first.runs, first.error, second.runs) == (0, None, 3)
