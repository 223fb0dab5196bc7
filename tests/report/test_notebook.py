import re

from pages import Page

from assay.findings.findings import build
from assay.results import Results


def test_a_notebook_shows_the_answer_a_row_an_arm_and_a_figure(results: Results) -> None:
    page = Page(results._repr_html_())
    report = build(results)
    assert report.answer in page.text
    assert page.tags["svg"] == 1
    assert page.tags["tr"] == 1 + len(report.arms)
    assert all(f"{100 * arm.test.mean:.2f}" in page.text for arm in report.arms)


def test_an_interim_notebook_shows_curves_but_no_verdict(interim: Results) -> None:
    page = Page(interim._repr_html_())
    assert "interim 6/8" in page.text
    assert page.tags["svg"] == 1
    assert not re.search(r"\bp [=<]|better|worse|equivalent|inconclusive", page.text)
