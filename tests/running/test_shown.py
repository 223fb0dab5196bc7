"""Whoever calls ``assay.run`` sees how far it is, in the way that fits where they sit, or not at all."""

import io
import sys
from types import ModuleType, SimpleNamespace

import pytest
from tiny import tiny_study
from watched import ended, epoch, started

from assay.records.runs import Status
from assay.running.events import Compiling, EpochEnded, Loading
from assay.running.progress import show
from assay.running.progress.bars import NotebookBars
from assay.running.progress.live import LiveTable
from assay.running.progress.watcher import PlainLines
from assay.running.repeat import repeat
from assay.running.run import run
from assay.running.until_resolved import run_until_resolved


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def one(characters):
    return tiny_study(characters, seeds=1, training={"epochs": 1})


def test_a_run_writes_lines_to_stderr_where_nobody_watches(one, tmp_path, capsys):
    heard = []
    run(one, tmp_path, workers=1, on_event=heard.append).close()
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert said.out == ""
    assert lines[0].startswith("reading idx:")
    assert lines[1] == "2 runs to train, 1 at a time"
    assert [line.partition(":")[0] for line in lines[2:]] == ["max, seed 0"] * 2 + ["average, seed 0"] * 2
    assert heard
    run(one, tmp_path, workers=1).close()
    assert capsys.readouterr().err == ""


def test_without_progress_nothing_is_said(one, tmp_path, capsys):
    heard = []
    run(one, tmp_path / "a", workers=1, progress=False, on_event=heard.append).close()
    repeat(one, tmp_path, workers=1, progress=False).close()
    assert capsys.readouterr() == ("", "")
    assert heard


def test_looks_are_one_story(characters, tmp_path, capsys):
    study = tiny_study(characters, seeds=3, training={"epochs": 1}, engine="numba")
    with run_until_resolved(study, tmp_path, workers=2):
        said = capsys.readouterr().err
    assert "3 seeds: " in said
    assert said.count(", seed 0: done") == 2


@pytest.mark.parametrize(
    ("stream", "term", "kind"),
    [(Terminal, "xterm", LiveTable), (Terminal, "dumb", PlainLines), (io.StringIO, "xterm", PlainLines)],
)
def test_a_terminal_gets_a_table_and_what_cannot_move_its_cursor_gets_lines(stream, term, kind, monkeypatch):
    monkeypatch.setenv("TERM", term)
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    with show.watcher(stream()) as watching:
        assert type(watching) is kind


class Output:
    """A cell's output: what was displayed, and drawn over it."""

    def __init__(self):
        self.drawn = []

    def update(self, picture):
        self.drawn.append(picture)


@pytest.fixture
def notebook(monkeypatch):
    """A kernel, as IPython's modules look in one."""
    output = Output()

    def display(picture, display_id):
        assert display_id is True
        output.update(picture)
        return output

    ipython, pictures = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
    pictures.HTML, pictures.display = str, display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", pictures)
    return output


def test_a_notebook_gets_a_bar_an_arm(one, notebook, tmp_path, capsys):
    run(one, tmp_path, workers=1).close()
    assert capsys.readouterr() == ("", "")
    assert "reading idx:" in notebook.drawn[0]
    last = notebook.drawn[-1]
    assert last.count('<progress max="1" value="1.000">') == 2
    assert last.count("<td>done</td>") == 2


def test_ipython_in_a_terminal_is_no_notebook(notebook, monkeypatch):
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", SimpleNamespace)
    with show.watcher(io.StringIO(), notebook=True) as watching:
        assert type(watching) is PlainLines


def test_bars_say_what_went_wrong_and_what_is_waited_for_and_nothing_of_it_is_markup(notebook):
    bars = NotebookBars()
    event = started()
    bars(Loading("<b>"))
    bars(event)
    bars(Compiling("average", 1, 9))
    bars(Compiling("average", 2, 9))
    bars(EpochEnded(event.plan.runs[0], epoch(1)))
    bars(ended(event.plan.runs[1], Status.FAILED))
    bars.close()
    assert "&lt;b&gt;" in notebook.drawn[0]
    last = notebook.drawn[-1]
    assert 'value="0.167"' in last
    assert "<td>25.00</td>" in last
    assert "average: compiling kernels (once), 2 of 9, " in last
    assert f"{event.plan.runs[1]}: failed, why" in last


def test_bars_are_not_drawn_more_often_than_anyone_can_see(notebook):
    bars = NotebookBars()
    event = started()
    bars(Loading("there"))
    bars(event)
    for _ in range(1000):
        bars(EpochEnded(event.plan.runs[0], epoch(1)))
    assert len(notebook.drawn) < 50
