"""Curves in a notebook's cell: right, well formed, and kept up to date until nothing trains any more."""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from factories import make_results

from assay.records.runs import Status
from assay.report import notebook, sketch
from assay.report.palette import COLOURS
from assay.results import Results
from assay.store.lock import folder_lock


def drawn(lines: list[sketch.Trail]) -> ET.Element:
    return ET.fromstring(f"<div>{sketch.sketch(lines)}</div>")


def tags(page: ET.Element, name: str) -> list[ET.Element]:
    return [item for item in page.iter() if item.tag.rpartition("}")[2] == name]


def test_a_line_goes_through_its_values() -> None:
    """The lowest value at the bottom, the highest at the top, epochs evenly from left to right."""
    page = drawn(
        [sketch.Trail("a", 0, 0, [(1, 10.0), (2, 20.0), (3, 30.0)]), sketch.Trail("<b>", 0, 1, [(1, 20.0)])]
    )
    [line] = tags(page, "polyline")
    xs, ys = zip(*(map(float, point.split(",")) for point in line.get("points").split()), strict=True)
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1])
    assert ys[0] - ys[1] == pytest.approx(ys[1] - ys[2])
    assert (ys[2], ys[0]) == (sketch.ABOVE, sketch.HEIGHT - sketch.BELOW)
    [dot] = tags(page, "circle")
    assert float(dot.get("cy")) == ys[1]
    assert [line.get("stroke"), dot.get("fill")] == list(COLOURS[:2])
    assert "".join(page.itertext()).count("<b>") == 3  # in both titles and beside the dot, as text
    assert [title.text for title in line] == ["a, seed 0, epoch 3: 30.00"]
    assert [item.text for item in tags(page, "text")][:2] == ["30.0", "10.0"]


def test_nothing_is_drawn_of_nothing() -> None:
    assert sketch.sketch([]) == ""
    assert sketch.sketch([sketch.Trail("a", 0, 0, [(1, float("nan"))])]) == ""


def test_results_are_drawn_run_by_run(interim: Results) -> None:
    lines = sketch.validation(interim)
    assert [len(line.points) for line in lines] == [8, 8, 8, 8, 8, 4, 0, 8]
    page = drawn(lines)
    assert len(tags(page, "polyline")) == 7


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is shown in a notebook, the first drawing and each that replaces it."""
    shown: list[str] = []
    module = ModuleType("IPython.display")
    module.HTML = str
    module.display = lambda picture, display_id: shown.append(picture) or SimpleNamespace(update=shown.append)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(version_info=(9, 0)))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return shown


def test_a_study_is_followed_until_nothing_trains_it(
    tmp_path: Path, cells: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = make_results(tmp_path, statuses={("average", 4): Status.RUNNING})
    hold = folder_lock(tmp_path)
    hold.__enter__()
    monkeypatch.setattr(notebook, "sleep", lambda _: hold.__exit__(None, None, None))
    results.follow()
    assert len(cells) == 2
    assert "<polyline" in cells[0]
    assert "stopped at 9/10" in cells[1]
    results.close()


def test_a_finished_study_shows_its_results(tmp_path: Path, cells: list[str]) -> None:
    with make_results(tmp_path) as results:
        results.follow()
        assert cells == [results._repr_html_()]
