"""Some of the commands and environments of tests/long/environments.py."""

import errno
import io
import logging
import os
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
from in_place import ended
from surroundings import PLACES

from assay.cli import main, process
from assay.data import load
from assay.data.remote import cache_folder
from assay.errors import DataError, UsageError
from assay.records import machine
from assay.report.text import console
from assay.results import Results
from assay.running.run import run
from assay.study.builtin import load_study
from assay.view.server import bound

RUN = ("run", "--workers", "1", "--quick", "--out", "ü😀")
TRIED = {
    "python -S": (("studies",), "the library typer is not installed for "),
    "libraries in the current folder": ((*RUN, "--isolate"), ""),
    "8 open files": ((*RUN, "--isolate"), "too many open files (`ulimit -n` allows too few: raise it)"),
    "1 process": (RUN, "can't start new thread (`ulimit -u` allows too few"),
    "HOME unset, unknown user": (("data", "list"), ""),
    "Numba without compiler": (
        (*RUN, "--engine", "numba"),
        "NUMBA_DISABLE_JIT is set, so nothing is compiled",
    ),
    "no /dev": (("studies",), ""),
}
"""What is called where, and what it says if it cannot be done."""


@pytest.mark.skipif(sys.platform != "linux", reason="limits and users as Linux has them")
@pytest.mark.parametrize("name", TRIED)
def test_a_command_is_done_or_says_why_not(name: str, study_file: str, tmp_path: Path):
    place, (words, expected) = PLACES[name], TRIED[name]
    if place.root and os.geteuid():
        pytest.skip("only root may become somebody else")
    here, bad = tmp_path / "plätze", tmp_path / "bad"
    here.mkdir()
    bad.mkdir()
    words = (words[0], study_file, *words[1:]) if words[0] == "run" else words
    found = ended(place, words, here, bad)
    if expected:
        assert found.status == 2, found
        assert found.err.startswith("assay: error: ")
        assert expected in found.err
        assert found.err.count("\n") == 1
    else:
        assert (found.status, found.err) == (0, ""), found


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FileNotFoundError(2, "No usable temporary directory found in ['/x']"), "(set TMPDIR to one"),
        (OSError(errno.EMFILE, "Too many open files", "a.toml"), "a.toml: too many open files (`ulimit -n`"),
        (BlockingIOError(errno.EAGAIN, "..."), "resource temporarily unavailable (`ulimit -u`"),
        (OSError(errno.EROFS, "..."), "read-only file system (name another folder)"),
        (FileNotFoundError(2, "No such file or directory", "x"), ""),
        (ValueError("1"), ""),
    ],
    ids=str,
)
def test_what_the_system_does_not_grant_is_no_bug(error: Exception, expected: str):
    """Nor where another error came of it."""
    later = RuntimeError("lost")
    later.__cause__ = error
    for each in (error, later):
        said = process.shortage(each)
        assert expected in said
        assert bool(said) == bool(expected)


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setattr("assay.cli.app.app", lambda *_, **__: __import__("scipy.stats"))
    assert main(["studies"]) == 2
    assert "the library scipy is not installed for" in capsys.readouterr().err


def test_nobody_knows_whose_home_that_is(monkeypatch: pytest.MonkeyPatch):
    """A folder that is not there, rather than an error of a library's."""
    monkeypatch.setenv("ASSAY_DATA", "~nobody-at-all/x")
    assert cache_folder() == Path("~nobody-at-all/x")
    with pytest.raises(DataError, match="No such file"):
        load("csv:~nobody-at-all/x.csv")


def test_a_terminal_of_unknown_width_is_written_to(monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "0")
    stream = Terminal()
    console(stream).print("some words")
    assert "some words" in stream.getvalue()


@pytest.mark.parametrize("told", ["\x1b[31mred", "x" * 1000, OSError()], ids=ascii)
def test_a_processor_without_a_name_is_no_reason_to_refuse_the_results(
    told, monkeypatch, study_file, tmp_path
):
    """As on many machines of Arm, and where a container has no /proc: the store wants names."""

    def read(path: Path, *_: str) -> str:
        if isinstance(told, OSError):
            raise told
        return f"model name : {told}\n"

    with monkeypatch.context() as patch:
        patch.setattr(machine, "Path", lambda path: SimpleNamespace(read_text=lambda *_: read(path)))
        patch.setattr("platform.processor", lambda: "")
        run(load_study(study_file).override({"seeds": [0]}), tmp_path, workers=1, progress=False).close()
    with Results.open(tmp_path) as results:
        assert results.complete
        assert results.header.versions["machine"] in ("unknown processor", "x" * 200)


def test_what_libraries_make_of_the_environment_is_left_out(monkeypatch: pytest.MonkeyPatch):
    """Words of Matplotlib's on its folders, of Numba's on its variables, and values that end an import."""
    logger = logging.getLogger("matplotlib")
    monkeypatch.setattr(logger, "level", logger.level)
    for name in ("MPLBACKEND", "SOURCE_DATE_EPOCH"):
        monkeypatch.setenv(name, "odd")
    with warnings.catch_warnings():
        process.tame_libraries()
        warnings.warn("Environment variable 'NUMBA_NUM_THREADS' is defined but 'x'", stacklevel=1)
    assert not {"MPLBACKEND", "SOURCE_DATE_EPOCH"} & {*os.environ}
    assert logger.level == logging.ERROR
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    process.tame_libraries()
    assert os.environ["SOURCE_DATE_EPOCH"] == "1"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits")
def test_a_page_says_that_too_few_files_may_be_open(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("resource.getrlimit", lambda _: (8, 8))
    with pytest.raises(UsageError, match="needs 32 open files or more, and `ulimit -n` allows 8"):
        bound()
