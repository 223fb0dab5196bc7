"""One seed: two networks, not two methods."""

from pathlib import Path

import numpy as np
import pytest
from factories import make_results, make_study
from later import statsmodels
from pages import Page

from assay.findings.findings import Findings, build
from assay.records.runs import RunId, Status
from assay.report.html import render


def test_two_networks_are_compared_as_statsmodels_does(tmp_path: Path) -> None:
    results = make_results(tmp_path, make_study(("max", "average", "strided"), 1, control="max"))
    report = build(results)
    assert [(pair.a, pair.b) for pair in report.networks] == [("average", "max"), ("strided", "max")]
    for pair in report.networks:
        a, b = (results.correct(RunId(arm, 0)) for arm in (pair.a, pair.b))
        table = np.array([[np.sum(a & b), np.sum(a & ~b)], [np.sum(~a & b), np.sum(~a & ~b)]])
        assert pair.test.p == pytest.approx(statsmodels.mcnemar(table, exact=True).pvalue)
        assert pair.test.difference == pytest.approx(a.mean() - b.mean())


@pytest.mark.usefixtures("undrawn")
def test_the_page_says_that_they_are_networks_and_not_methods(tmp_path: Path) -> None:
    report = build(make_results(tmp_path, make_study(seeds=1)))
    (pair,) = report.networks
    text = " ".join(Page(render(report)).text.split())
    assert "Two networks, not two methods" in text
    assert f"max and average {100 * pair.test.difference:+.2f} {pair.test.only_a}" in text


def test_several_seeds_compare_methods(report: Findings, tmp_path: Path) -> None:
    assert report.networks == ()
    lost = make_results(tmp_path, make_study(seeds=1), statuses={("max", 0): Status.DIVERGED})
    assert build(lost).networks == ()
