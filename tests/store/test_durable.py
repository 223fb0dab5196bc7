"""What a writer that was killed left behind is removed by the next."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.report.files import write_whole
from assay.store.lock import folder_lock

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there nothing is known of other processes")

KILLED = """\
import os, signal, sys
from assay.store import durable
durable.move_flushed = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from assay.report.files import write_whole
write_whole(sys.argv[1], "new")
"""


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path):
    """Only of the same file, and only where the process is gone."""
    report = tmp_path / "report.html"
    write_whole(report, "old")
    subprocess.run([sys.executable, "-c", KILLED, str(report)], check=False)
    [left] = [path for path in tmp_path.iterdir() if path != report]
    assert left.name.startswith(".report.html.")
    assert report.read_text() == "old"
    others = [f".report.html.{os.getppid()}", ".report.html.x", ".report.tex.99999999", ".report.html."]
    for name in others:
        (tmp_path / name).touch()
    write_whole(report, "newer")
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", *others}
    assert report.read_text() == "newer"


def test_so_is_the_note_of_one_that_was_killed_while_it_wrote_it(tmp_path: Path):
    (tmp_path / f".running.json.{2**22 + 1}").touch()
    with folder_lock(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == ["running.json"]
