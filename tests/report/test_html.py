import re
from pathlib import Path

import numpy as np
import pytest
from factories import WHY, make_results, make_study
from pages import Page

from assay.errors import UsageError
from assay.findings.findings import Findings, build
from assay.report.drawings import draw
from assay.report.html import render, write_html
from assay.results import Results


@pytest.fixture(params=["report_page", "family_page", "interim_page", "looked_page"])
def page(request: pytest.FixtureRequest) -> tuple[str, Page]:
    text = request.getfixturevalue(request.param)
    return text, Page(text)


def test_the_page_parses_and_its_ids_are_unique(page: tuple[str, Page]) -> None:
    _, parsed = page
    assert parsed.tags["h1"] == 1
    assert len(parsed.ids) == len(set(parsed.ids))
    labels = {word for key, value in parsed.attributes if key == "aria-labelledby" for word in value.split()}
    assert labels <= set(parsed.ids)


def test_the_page_asks_for_nothing_outside_itself(page: tuple[str, Page]) -> None:
    text, parsed = page
    assert not parsed.tags.keys() & {"script", "link", "iframe", "object", "embed", "base"}
    for key, value in parsed.attributes:
        if key == "src":
            assert value.startswith("data:image/png;base64,"), value[:80]
        if key in ("href", "xlink:href", "data", "action", "srcset", "poster"):
            assert value.startswith("#"), (key, value)
        assert not key.startswith("on"), key
    assert all(target.startswith("#") for target in re.findall(r"url\(\s*['\"]?([^)]*)", text))
    assert "@import" not in text
    assert len(text.encode()) < 2_000_000


def test_every_picture_has_words_and_its_size(looked: Findings, looked_page: str) -> None:
    pictures = re.findall(r"<img [^>]*>", looked_page)
    assert len(pictures) == len([*draw(looked)]) - looked_page.count("<svg")
    assert len(pictures) > 4
    for picture in pictures:
        assert re.search(r' alt="[^"]+"', picture)
        assert re.search(r' width="\d+" height="\d+"', picture)


def test_a_question_cannot_escape(family: Findings, family_page: str) -> None:
    assert "<script" in family.question
    assert "<script" not in family_page
    assert family.question in Page(family_page).text


def test_the_answer_leads_and_the_parts_follow_in_order(looked: Findings, looked_page: str) -> None:
    text = Page(looked_page).text
    parts = [looked.answer, "The difference", "What each arm reached", "Epoch by epoch",
             "How the layers fared", "What is taken for what", "Inside one network",
             "What the data cannot say", "How to run it again"]  # fmt: skip
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_numbers_behind_the_verdict_are_shown(report: Findings, report_page: str) -> None:
    text = Page(report_page).text
    c = report.effects[0].pair.comparison
    for shown in (
        f"{100 * c.mean:+.2f} points",
        f"{100 * c.interval[0]:+.2f} to {100 * c.interval[1]:+.2f} points",
        f"{c.hedges_g:.2f}",
    ):
        assert shown in text
    for arm in report.arms:
        assert f"{100 * arm.test.mean:.2f}" in text
    assert "1 diverged" in text
    assert report.rerun.data_digest in text
    assert "loss is not a number in epoch 4" in text


@pytest.mark.usefixtures("undrawn")
def test_stuck_runs_are_marked_and_explained(tmp_path: Path) -> None:
    text = Page(render(build(make_results(tmp_path, stuck=[("max", 0)])))).text
    assert "1 stuck" in text
    assert text.count("done (stuck)") == 1
    assert text.count(WHY) == 2


def test_how_the_layers_fared_is_folded_and_drawn_for_each_arm(report: Findings, report_page: str) -> None:
    section = report_page.partition('<section aria-labelledby="layers">')[2].partition("</section>")[0]
    assert "<details>" in section
    assert section.count("<svg") == 3 * len(report.arms)
    for arm, layers in zip(report.arms, report.layers, strict=True):
        assert f"<h3>{arm.name}" in section
        assert all(f"</span>{name}</li>" in section for name in layers.names)


@pytest.mark.usefixtures("undrawn")
def test_of_many_arms_the_first_layers_are_drawn(tmp_path: Path) -> None:
    """So the page stays small, as that of a hundred arms shows in the store's tests."""
    study = make_study([f"arm{index}" for index in range(14)], 1, control="arm0")
    text = Page(render(build(make_results(tmp_path, study)))).text
    assert "The first 12 of 14 arms are drawn." in text


def test_every_comparison_of_a_family_has_its_row(family: Findings, family_page: str) -> None:
    text = Page(family_page).text
    for effect in family.effects:
        for low, high in (effect.interval, effect.pair.equivalence_interval):
            assert f"{100 * low:+.2f} to {100 * high:+.2f}" in text


@pytest.mark.usefixtures("undrawn")
def test_points_have_the_ratio_of_errors_beside_them(report: Findings, family: Findings) -> None:
    """A point is more to a good recogniser than to a poor one."""
    for found, words in ((report, "Error ratio {}x errors of max over errors of average"), (family, "{}x")):
        text = " ".join(Page(render(found)).text.split())
        for effect in found.effects:
            a, b = (
                np.array(next(arm.values for arm in found.arms if arm.name == name))
                for name in (effect.pair.a, effect.pair.b)
            )
            both = np.isfinite(a) & np.isfinite(b)
            ratio = np.mean(1 - a[both]) / np.mean(1 - b[both])
            assert words.format(f"{ratio:.2f}") in text
    assert "Errors: those of the first arm over those of the second." in " ".join(
        Page(render(family)).text.split()
    )


def test_failures_of_both_arms_stand_among_the_numbers(report_page: str) -> None:
    text = " ".join(Page(report_page).text.split())
    assert "Failed 0 and 1 of 6 0 of 6 seeds (95% interval 0% to 46%); 1 of 6 seeds" in text
    assert "Seeds 5 (1 failed)" in text
    assert "Equal failing p = 1.00" in text
    assert "Comes out ahead 100%" in text


def test_interim_shows_no_p_and_no_verdict(interim_page: str) -> None:
    text = Page(interim_page).text
    assert "interim 6/8" in text
    assert not re.search(r"\bp\s*[=<(]|better|worse|equivalent|negligible|inconclusive|sign-flip|Holm", text)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_have_values_but_no_interval(tmp_path: Path, seeds: int) -> None:
    report = build(make_results(tmp_path, make_study(seeds=seeds)))
    text = Page(render(report)).text
    assert "needs 3 seeds" in text
    assert not re.search(r"\bp [=<]", text)
    assert ("McNemar" in text) == (seeds == 1)
    assert all(f"{100 * value:.2f}" in text for arm in report.arms for value in arm.values)


@pytest.mark.usefixtures("undrawn")
def test_a_report_is_written_whole_or_not_at_all(results: Results, tmp_path: Path) -> None:
    path = write_html(results, tmp_path / "report.html")
    first = path.read_bytes()
    assert write_html(build(results), path).read_bytes() == first
    assert [file.name for file in tmp_path.iterdir() if "report" in file.name] == ["report.html"]


@pytest.mark.usefixtures("undrawn")
def test_a_path_that_cannot_be_written_is_an_error_of_one_line(results: Results, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "missing" / "report.html"):
        with pytest.raises(UsageError, match=r"cannot be written \(.+\)$") as error:
            write_html(results, path)
        assert str(path) in str(error.value)
    with pytest.raises(UsageError, match=r"cannot be written \(.*null.*\)$"):
        write_html(results, tmp_path / "nul\0.html")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder"]
