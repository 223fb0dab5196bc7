"""Garbage in cycles: looked for seldom in a command's process, and in nobody else's."""

import gc
import subprocess
import sys

from assay.cli import main

AT_THE_END = """
import gc
from assay.records.garbage import collect_seldom

class Cycle:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("looked through")

collect_seldom()
cycle = Cycle()
"""


def _said(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_nothing_is_looked_through_when_a_process_ends():
    assert _said(AT_THE_END.replace("\ncollect_seldom()", "")) == "looked through\n"
    assert not _said(AT_THE_END)


def test_a_command_called_from_python_leaves_it_as_it_is(capsys):
    before = gc.get_threshold()
    assert main(["--version"]) == 0
    assert gc.get_threshold() == before
    assert capsys.readouterr().out


def test_a_process_of_a_command_looks_seldom():
    code = "import gc, sys; from assay.cli import main; main(); print(gc.get_threshold()[0])"
    found = subprocess.run(
        [sys.executable, "-c", code, "--version"], capture_output=True, text=True, check=True
    )
    assert int(found.stdout.split()[-1]) > 10_000
