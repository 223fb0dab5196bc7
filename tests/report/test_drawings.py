"""Every figure as a file of its own."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from assay.errors import UsageError
from assay.findings.findings import Findings
from assay.report.canvas import Drawing
from assay.report.drawings import Drawings, draw, write_figures
from assay.report.figures import curve_plot, effect_plot
from assay.report.palette import COLOURS


@pytest.fixture(scope="module")
def drawn(looked: Findings) -> Drawings:
    return draw(looked)


def test_every_figure_is_written_as_svg_and_pdf(drawn: Drawings, tmp_path: Path) -> None:
    drawings = list(drawn)
    paths = write_figures(drawings, tmp_path / "new" / "folder")
    assert sorted(path.name for path in paths) == sorted(
        f"{drawing.key}.{format}" for drawing in drawings for format in ("svg", "pdf")
    )
    assert len(set(paths)) == len(paths)
    assert {"effect", "valid_accuracy", "confusion", "kernels", "image", "maps0", "mistake0a"} <= {
        path.stem for path in paths
    }
    for path in paths:
        if path.suffix == ".svg":
            assert "var(" not in path.read_text()
            ET.parse(path)
        else:
            assert path.read_bytes().startswith(b"%PDF")


def test_the_same_figure_is_the_same_file(report: Findings, tmp_path: Path) -> None:
    first, second = (
        write_figures([effect_plot(report), curve_plot(report, "valid_loss")], tmp_path / name)
        for name in "ab"
    )
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_an_arm_has_its_colour_in_every_figure_that_shows_arms(
    looked: Findings, family: Findings, drawn: Drawings
) -> None:
    for drawing in (drawn.effects, *drawn.curves):
        assert f"var(--arm0, {COLOURS[0]})" in drawing.svg
    place = looked.place(looked.inside.arm)
    assert f"var(--arm{place}, {COLOURS[place]})" in drawn.confusion.svg
    marks = set(re.findall(r"var\(--arm(\d)", effect_plot(family).svg))
    others = [
        arm.name for arm in family.arms if arm.name != "max"
    ]  # the control, which has no mark of its own
    assert marks == {str(family.place(name)) for name in others}


def test_figures_of_a_page_have_ids_of_their_own(drawn: Drawings) -> None:
    ids = [
        found
        for drawing in drawn
        if isinstance(drawing, Drawing)
        for found in re.findall(r' id="([^"]+)"', drawing.svg)
    ]
    assert len(ids) == len(set(ids))


def test_a_folder_that_cannot_be_made_is_an_error_of_one_line(report: Findings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", str(tmp_path / "a\0b")):
        with pytest.raises(UsageError, match=r"figures cannot be written \(.+\)$"):
            write_figures([effect_plot(report)], folder)
