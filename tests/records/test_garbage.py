"""Garbage in cycles: looked for seldom in a command's process, and in nobody else's."""

import gc
import subprocess
import sys

import pytest

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


def test_what_a_users_own_code_left_is_looked_through():
    code = AT_THE_END.replace("\ncollect_seldom()", "\ncollect_seldom()\ncollect_as_usual()")
    assert _said(code.replace("import collect_seldom", "import collect_as_usual, collect_seldom")) == (
        "looked through\n"
    )


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


OWN_CODE = """
import gc, sys
from pathlib import Path
from assay.records.garbage import collect_seldom
from assay.study import own_modules

usual = gc.get_threshold()
if sys.argv[2:]:
    collect_seldom()
own_modules.read(Path(sys.argv[1]), "own.py").module("own.py")
print(gc.get_threshold() == usual)
gc.set_threshold(123)
own_modules.read(Path(sys.argv[1]), "other.py").module("other.py")
print(gc.get_threshold()[0] == 123)
"""


@pytest.mark.parametrize(("seldom", "said"), [(["seldom"], ["True", "False"]), ([], ["True", "True"])])
def test_where_a_users_own_code_is_run_it_is_looked_for_as_usual(tmp_path, seldom, said):
    """Such as a network whose every step makes a cycle: it would keep what 20,000 objects hold."""
    for name in ("own.py", "other.py"):
        (tmp_path / name).write_text("width = 3\n")
    words = [sys.executable, "-c", OWN_CODE, str(tmp_path), *seldom]
    found = subprocess.run(words, capture_output=True, text=True, check=True)
    assert found.stdout.split() == said


def test_where_coursework_is_checked_it_is_looked_for_as_usual(tmp_path):
    (tmp_path / "layers.py").write_text("width = 3\n")
    code = (
        "import gc, sys; from pathlib import Path; from assay.records.garbage import collect_seldom\n"
        "from assay.testing.modules import importable, run\n"
        "usual, path = gc.get_threshold(), Path(sys.argv[1])\n"
        "collect_seldom()\n"
        "with importable(path):\n"
        "    run(path)\n"
        "print(gc.get_threshold() == usual)"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "layers.py")]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "True\n"
