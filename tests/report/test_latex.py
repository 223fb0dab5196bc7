"""The LaTeX document, compiled where there is a TeX."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from factories import make_results, make_study
from patience import PATIENCE

from assay.findings.findings import Findings, build
from assay.records.runs import Status
from assay.report.drawings import draw
from assay.report.latex import FIGURES, render, write_latex

HOSTILE = r"Does 50% of $x_1$ & \input{/etc/passwd} #1 ~ ^ {help}, “naïve” µ → 日本?"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """A report whose every text tries to be something else."""
    study = make_study(
        ("max", "w" * 64, "a--b_c"), 3, control="max", question=HOSTILE, source=f"{HOSTILE} ''quoted''"
    )
    statuses = {("a--b_c", 2): Status.DIVERGED}
    return build(make_results(tmp_path_factory.mktemp("hostile"), study, statuses=statuses))


@pytest.fixture(scope="module")
def documents(
    looked: Findings, hostile: Findings, factors: Findings, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Three reports, written with their figures, which takes seconds."""
    reports = {"looked": looked, "hostile": hostile, "factors": factors}
    return {
        name: write_latex(report, tmp_path_factory.mktemp(name) / "report.tex")
        for name, report in reports.items()
    }


def compiled(path: Path) -> str:
    """Compile a document and return the text of its pages in one line; skip where there is no TeX."""
    tools = [shutil.which(tool) for tool in ("pdflatex", "pdftotext")]
    if None in tools:
        assert not os.environ.get("CI"), "make installs pdflatex and pdftotext for the tests in CI"
        pytest.skip("pdflatex or pdftotext is not installed: the document is not compiled")
    flags = ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    subprocess.run(
        [tools[0], *flags, path.name], cwd=path.parent, check=True, capture_output=True, timeout=2 * PATIENCE
    )
    command = [tools[1], "-raw", "-enc", "UTF-8", str(path.with_suffix(".pdf")), "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return re.sub(r"\s+", " ", done.stdout).replace("’", "'")


def test_a_full_report_compiles_and_says_what_it_says(looked: Findings, documents: dict[str, Path]) -> None:
    text = compiled(documents["looked"])
    for words in (looked.question, looked.answer, "What is taken for what", "Inside one network"):
        assert words in text
    for arm in looked.arms:
        assert f"{100 * arm.test.mean:.2f}" in text


def test_a_claim_on_the_best_validation_accuracy_shows_the_verdict_by_test_accuracy(tmp_path: Path) -> None:
    claim = {"sentence": "So.", "expect": ["max > average"], "metric": "valid_best"}
    report = build(make_results(tmp_path, make_study(claims=[claim])))
    assert f"(by test accuracy: {report.claims[0].also.verdict})" in render(report, draw(report))


def test_whatever_a_text_holds_it_is_printed(documents: dict[str, Path]) -> None:
    text = compiled(documents["hostile"])
    assert HOSTILE.replace("日本", "[U+65E5][U+672C]").replace("→", "[U+2192]").replace(
        "µ", "[U+00B5]"
    ) in text.replace("- ", "-")
    assert "a--b_c" in text.replace("- ", "-")
    assert "w" * 64 in text.replace(" ", "")
    assert "1 diverged" in text


def test_factors_and_single_seeds_compile(
    factors: Findings, documents: dict[str, Path], tmp_path: Path
) -> None:
    text = compiled(documents["factors"])
    effect = factors.factorial.effects[0]
    assert f"{effect.name} {100 * effect.mean:+.2f}".replace("-", "−") in text.replace("-", "−")
    single = build(make_results(tmp_path / "results", make_study(seeds=1)))
    path = write_latex(single, tmp_path / "report.tex")
    assert "two networks, not two methods" in compiled(path)


def test_every_figure_of_the_document_lies_beside_it(documents: dict[str, Path]) -> None:
    path = documents["looked"]
    named = set(re.findall(rf"\{{({FIGURES}/[^}}]+)\}}", path.read_text()))
    assert named == {str(file.relative_to(path.parent)) for file in (path.parent / FIGURES).iterdir()}
    assert len(named) >= 8


def test_groups_and_environments_are_closed(documents: dict[str, Path]) -> None:
    """What can be checked without a TeX."""
    for path in documents.values():
        document = path.read_text("utf-8")
        bare = re.sub(r"\\[\\{}]", "", document)
        assert bare.count("{") == bare.count("}")
        begun, ended = (sorted(re.findall(rf"\\{word}{{(\w+)}}", document)) for word in ("begin", "end"))
        assert begun == ended
        assert len(begun) > 3
        assert "\\input" not in document
        for rows in re.findall(r"\\toprule\n(.*?)\\bottomrule", document, re.DOTALL):
            cells = {len(re.findall(r"(?<!\\)&", row)) for row in rows.splitlines() if row.endswith(r"\\")}
            assert len(cells) == 1


def test_the_parts_stand_in_the_order_of_the_page(looked: Findings, documents: dict[str, Path]) -> None:
    document = documents["looked"].read_text("utf-8")
    parts = [looked.answer.replace("%", r"\%"), "The difference", "What each arm reached", "Epoch by epoch",
             "What is taken for what", "Inside one network", "What the data cannot say",
             "How to run it again"]  # fmt: skip
    places = [document.index(part) for part in parts]
    assert places == sorted(places)
