"""How far a command has come through many files."""

import io
import sys

import pytest

from assay.cli.counted import counted


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def _counted(items: str, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], str]:
    """Return what comes of the items, and what a terminal is shown meanwhile."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    return [*counted(items, "reading")], stream.getvalue()


def test_a_terminal_shows_how_many_are_done(monkeypatch):
    items, shown = _counted("abc", monkeypatch)
    assert items == ["a", "b", "c"]
    assert "reading" in shown
    assert "100%" in shown


def test_one_alone_has_no_bar(monkeypatch):
    assert _counted("a", monkeypatch) == (["a"], "")


def test_a_file_is_left_alone(capsys):
    assert [*counted("abc", "reading")] == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")
