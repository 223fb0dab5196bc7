"""Every figure as a file of its own."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from assay.errors import UsageError
from assay.report.drawing import COLOURS, Drawing
from assay.report.drawings import draw, write_figures
from assay.report.model import Report


def test_every_figure_is_written_as_svg_and_pdf(looked: Report, tmp_path: Path) -> None:
    drawings = list(draw(looked))
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


def test_the_same_figure_is_the_same_file(report: Report, tmp_path: Path) -> None:
    first = write_figures(draw(report).main, tmp_path / "a")
    second = write_figures(draw(report).main, tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_an_arm_has_its_colour_in_every_figure_that_shows_arms(looked: Report, family: Report) -> None:
    drawings = draw(looked)
    for drawing in (drawings.effects, *drawings.curves):
        assert f"var(--arm0, {COLOURS[0]})" in drawing.svg
    place = looked.place(looked.inside.arm)
    assert f"var(--arm{place}, {COLOURS[place]})" in drawings.confusion.svg
    for index, arm in enumerate(arm for arm in family.arms if arm.name != "max"):
        marks = re.findall(r"var\(--arm(\d)", draw(family).effects.svg)
        assert str(family.place(arm.name)) in marks
        assert str(index) in marks or index == 0  # the control is compared with, not drawn


def test_figures_of_a_page_have_ids_of_their_own(looked: Report) -> None:
    ids = [
        found
        for drawing in draw(looked)
        if isinstance(drawing, Drawing)
        for found in re.findall(r' id="([^"]+)"', drawing.svg)
    ]
    assert len(ids) == len(set(ids))


def test_a_folder_that_cannot_be_made_is_an_error_of_one_line(report: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", str(tmp_path / "a\0b")):
        with pytest.raises(UsageError, match=r"figures cannot be written \(.+\)$"):
            write_figures(draw(report), folder)
