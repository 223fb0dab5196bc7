"""``assay report``: its documents and what can be chosen."""

import json
from pathlib import Path

import pytest
from said import Assay

from assay.running.run import run
from assay.study.builtin import load_study


@pytest.fixture(scope="module")
def folder(study_file: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny study that was run."""
    folder = tmp_path_factory.mktemp("report") / "out"
    run(load_study(study_file), folder).close()
    return folder


@pytest.mark.usefixtures("undrawn")
def test_the_page_shows_the_chosen_arm_and_image(folder: Path, assay: Assay):
    said = assay("report", str(folder), "--arm", "average", "--image", "5")
    assert (said.status, said.out, said.err) == (0, f"{folder / 'report.html'}\n", "")
    page = (folder / "report.html").read_text()
    assert "Confusion matrix of average" in page
    assert "Test image 5, " in page
    assert "Of average, seed " in page


def test_a_latex_document_has_its_figures_beside_it(folder: Path, assay: Assay):
    said = assay("report", str(folder), "--format", "latex")
    assert (said.status, said.out, said.err) == (0, f"{folder / 'report.tex'}\n", "")
    assert "\\begin{document}" in (folder / "report.tex").read_text()
    assert (folder / "report-figures" / "effect.pdf").read_bytes().startswith(b"%PDF")


def test_json_has_the_answer(folder: Path, assay: Assay):
    assert assay("report", str(folder), "--format", "json").out == f"{folder / 'report.json'}\n"
    assert json.loads((folder / "report.json").read_text())["done"] == 4


@pytest.mark.usefixtures("undrawn")
def test_figures_are_written_where_they_are_wanted(folder: Path, tmp_path: Path, assay: Assay):
    said = assay("report", str(folder), "--figures", str(tmp_path / "figures"))
    assert said.out.splitlines()[-1] == str(tmp_path / "figures")
    suffixes = [path.suffix for path in (tmp_path / "figures").iterdir()]
    assert suffixes.count(".svg") == suffixes.count(".pdf") > 10


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--image", "61"), "image 61: the test set has images 0 to 60"),
        (("--image", "-1"), "image -1"),
        (("--arm", "maxx"), "did you mean 'max'"),
        (("--format", "pdf"), "pdf"),
    ],
)
def test_what_cannot_be_is_an_error_of_one_line(
    folder: Path, assay: Assay, words: tuple[str, ...], expected: str
):
    said = assay("report", str(folder), *words)
    assert said.status == 2
    assert expected in said.err
    assert len(said.err.splitlines()) == 1
