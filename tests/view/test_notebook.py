"""A study in a real notebook: the cell is drawn anew while it trains, and what stays is plain HTML."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE
from serving import chromium

JUPYTER = ("nbformat", "nbclient", "ipykernel")

RUN = """
from pathlib import Path
import assay
from tiny import tiny_study
folder = Path({folder!r})
results = assay.run(tiny_study({characters!r}), folder)
"""
FOLLOWED = "assay.Results.open(folder).follow()"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory, characters: str) -> tuple[Any, list[str]]:
    """A notebook that trains a study, shows its results and follows it; and what each cell was sent."""
    why = "Jupyter is not installed: no notebook is run"
    nbformat, nbclient, _ = (pytest.importorskip(name, reason=why) for name in JUPYTER)
    sent: list[str] = []

    class Watching(nbclient.NotebookClient):
        def process_message(self, message: Any, cell: Any, index: int) -> Any:
            sent.append(f"{index} {message['msg_type']}")
            return super().process_message(message, cell, index)

    folder = tmp_path_factory.mktemp("notebook")
    code = [RUN.format(folder=str(folder / "study"), characters=characters), "results", FOLLOWED]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(part) for part in code])
    here = [str(Path(__file__).parents[1] / "helpers"), *filter(None, sys.path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(here), "JUPYTER_PLATFORM_DIRS": "1"}
    Watching(
        book, timeout=2 * PATIENCE, startup_timeout=PATIENCE, resources={"metadata": {"path": str(folder)}}
    ).execute(env=environment)
    return book, sent


def html(cell: Any) -> str:
    assert [output for output in cell.outputs if output.output_type in ("error", "stream")] == []
    [shown] = [output for output in cell.outputs if "text/html" in output.get("data", {})]
    return str(shown.data["text/html"])


def test_the_cell_grows_while_the_study_trains(notebook: tuple[Any, list[str]]) -> None:
    """One output, replaced again and again: from what is read, to a bar and a curve for every run."""
    book, sent = notebook
    assert sent.count("0 display_data") == 1
    assert sent.count("0 update_display_data") >= 4
    last = html(book.cells[0])
    assert last.count('<progress max="1" value="1.000">') == 2
    assert last.count("<polyline") == 4


def test_results_and_follow_show_the_answer(notebook: tuple[Any, list[str]]) -> None:
    book, _ = notebook
    shown, followed = (html(cell) for cell in book.cells[1:])
    assert "<table" in shown
    assert "<svg" in shown
    assert followed == shown


def test_a_saved_notebook_needs_no_script_and_no_network(
    notebook: tuple[Any, list[str]], browser: Any, tmp_path: Path
) -> None:
    """What a saved notebook holds is drawn by a browser that may run and fetch nothing."""
    assert chromium()
    book, _ = notebook
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    fetched: list[str] = []
    for cell in book.cells:
        text = html(cell)
        assert "<script" not in text
        page = context.new_page()
        page.on("request", lambda request: fetched.append(request.url))
        page.set_content(text)
        assert page.locator("table").first.bounding_box()["height"] > 40
        assert page.locator("svg").first.bounding_box()["height"] > 80
    context.close()
    assert [url for url in fetched if not url.startswith(("data:", "about:"))] == []
