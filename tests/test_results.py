"""The face that a user holds after a study has run."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from factories import make_results, make_study

import assay
from assay.data import load
from assay.errors import StoreError, StudyError, UsageError
from assay.findings.findings import Findings, build
from assay.findings.inside import look_inside
from assay.records.runs import Status
from assay.report.export import report_json
from assay.report.html import render
from assay.results import Results


def test_a_run_gives_the_verdict_by_public_names_alone(tmp_path: Path) -> None:
    make_results(tmp_path, make_study(seeds=6, control="average")).close()
    with assay.Results.open(tmp_path) as results:
        found = results.findings()
    assert isinstance(found, assay.Findings)
    (effect,) = found.effects
    assert isinstance(effect, assay.Effect)
    assert effect.verdict is assay.Verdict.BETTER
    assert effect.mean == pytest.approx(np.mean(effect.pair.comparison.differences))
    assert effect.interval is not None
    assert effect.interval[0] < effect.mean < effect.interval[1]


def test_the_block_closes_the_folder(tmp_path: Path) -> None:
    """Also where the block breaks off; what is asked for afterwards is refused in one line."""
    make_results(tmp_path).close()
    with pytest.raises(ZeroDivisionError), Results.open(tmp_path) as results:
        _ = 1 / 0
    with pytest.raises(StoreError, match="is closed") as caught:
        results.findings()
    assert "\n" not in str(caught.value)
    assert "is closed" in repr(results)


@pytest.mark.usefixtures("undrawn")
def test_each_ending_has_its_report(trained: Results, tmp_path: Path) -> None:
    """With the networks looked into, as the command writes it."""
    report = build(trained, look_inside(trained, "average", 2))
    for ending in ("html", "tex", "json"):
        path = tmp_path / f"report.{ending}"
        assert trained.write_report(str(path), arm="average", image=2) == path
    assert (tmp_path / "report.html").read_text("utf-8") == render(report)
    assert (tmp_path / "report.json").read_text("utf-8") == report_json(report)
    assert "average" in (tmp_path / "report.tex").read_text("utf-8")
    assert list((tmp_path / "report-figures").glob("*.pdf"))


def test_what_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    results = make_results(tmp_path)
    for name, words in (("report.docx", "ending '.docx'"), ("report", "no ending")):
        with pytest.raises(UsageError, match=f"{words}, expected .html, .tex or .json"):
            results.write_report(tmp_path / name)
    with pytest.raises(StudyError, match="no arm 'maxx'"):
        results.write_report(tmp_path / "report.html", arm="maxx")


def test_a_network_answers_as_it_did_in_its_test(trained: Results) -> None:
    """By arm and seed; what is left out is chosen by validation."""
    images = load(trained.study.data).test.images
    for record in trained.runs:
        found = trained.network(record.arm, record.seed)
        assert found.run == record
        np.testing.assert_array_equal(found.scores(images).argmax(axis=1), trained.store.predicted(record.id))
    best = max(run.valid_best or 0 for run in trained.runs)
    assert trained.network().run.valid_best == best
    assert trained.network("average").run.arm == "average"
    with pytest.raises(UsageError, match="no run has seed 9"):
        trained.network("average", 9)


def test_results_and_findings_are_told_in_a_line(results: Results, interim: Results) -> None:
    assert repr(results) == f"<Results of pooling in {results.folder}: 12 of 12 runs have come to their end>"
    assert "6 of 8 runs have come to their end" in repr(interim)
    found = results.findings()
    assert repr(found) == f"<pooling, complete: {found.answer}>"
    (effect,) = found.effects
    assert repr(effect).startswith(f"<max less average: {effect.verdict}, ")
    assert not {"better", "worse", "equivalent"} & set(repr(interim.findings()).split())


def test_reading_a_report_imports_no_engine(trained: Results, tmp_path: Path) -> None:
    """Nor does a look into the networks: engines are for training. ``scipy.stats`` takes half a second."""
    code = (
        "import sys, assay.findings.findings\n"
        "heavy = lambda: [name for name in sys.modules if name == 'scipy.stats'"
        " or name.partition('.')[0] in ('numba', 'torch') or name.startswith('assay.engines')]\n"
        "print(heavy())\n"
        "import assay\n"
        f"with assay.Results.open({str(trained.folder)!r}) as results:\n"
        f"    results.write_report({str(tmp_path / 'report.html')!r})\n"
        "    results._repr_html_(), results.findings()._repr_html_()\n"
        "print(heavy(), 'assay.findings.inside' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["[]", "[] True", ""]
    assert "feature maps" in (tmp_path / "report.html").read_text("utf-8").lower()


def test_a_plan_shows_a_row_an_arm(results: Results) -> None:
    plan = assay.make_plan(results.study)
    assert repr(plan) == "<Plan of pooling: 2 arms x 6 seeds, 12 runs>"
    page = plan._repr_html_()
    assert page.count("<tr>") == 1 + len(plan.cohorts)
    assert all(f"{cohort.network.parameter_count:,}" in page for cohort in plan.cohorts)


def test_runs_that_failed_are_no_reason_to_fail(tmp_path: Path) -> None:
    statuses = {("max", seed): Status.DIVERGED for seed in range(5)}
    results = make_results(tmp_path, statuses=statuses)
    assert isinstance(results.findings(), Findings)
    assert results.frame()["test_accuracy"].isna().sum() == 5
    with pytest.raises(StoreError, match="no such run is finished"):
        results.network("max")
