import re

from pages import Page

from assay.findings.cells import table_html
from assay.findings.findings import Findings, build
from assay.findings.numbers import points
from assay.results import Results


def test_a_notebook_shows_the_answer_a_row_an_arm_and_a_figure(results: Results) -> None:
    page = Page(results._repr_html_())
    report = build(results)
    assert report.answer in page.text
    assert page.tags["svg"] == 1
    assert page.tags["tr"] == 1 + len(report.arms) + 1 + len(report.effects)
    assert all(f"{100 * arm.test.mean:.2f}" in page.text for arm in report.arms)


def test_findings_show_themselves_without_a_figure(family: Findings) -> None:
    """Every arm and every comparison with its verdict; a question or name with markup stays text."""
    page = Page(family._repr_html_())
    assert family.answer in page.text
    assert page.tags["svg"] == 0
    assert page.tags["tr"] == 1 + len(family.arms) + 1 + len(family.effects)
    for effect in family.effects:
        assert f"{effect.name} {points(effect.mean)} " in page.text
        assert str(effect.verdict) in page.text


def test_markup_in_a_cell_stays_text() -> None:
    assert "<b>" not in table_html(("<b>",), [("<b>", "<b>")])


def test_an_interim_notebook_shows_curves_but_no_verdict(interim: Results) -> None:
    page = Page(interim._repr_html_())
    assert "interim 6/8" in page.text
    assert page.tags["svg"] == 1
    assert not re.search(r"\bp [=<]|better|worse|equivalent|inconclusive", page.text)
