"""A user's script is typed as it reads, and does what it says."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import assay

SCRIPT = Path(__file__).with_name("user_script.py")
ROOT = SCRIPT.parents[2]
WRONG = """\
import assay
assay.Study("a", "?", network=3)
assay.run("pooling")
assay.Study("a", "?", netwrok=assay.Dense())
assay.make_plan(assay.load_study("pooling"), (1, 28, 28), 47)
assay.Factor(3, [1])
with assay.run(assay.load_study("pooling")) as results:
    results.fame()
assay.optim.Adma()
"""


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.py"
    path.write_text(WRONG)
    return path


def checked(command: Sequence[str | Path], mark: str) -> tuple[set[str], set[int]]:
    """Return the files in which a type checker finds mistakes, and the lines; a start takes seconds."""
    environment = {**os.environ, "MYPYPATH": "src"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    found = [line.strip().split(":") for line in done.stdout.splitlines() if mark in line]
    return {Path(words[0]).name for words in found}, {int(words[1]) for words in found}


def test_mypy_finds_each_mistake_and_nothing_else(wrong: Path):
    """As strictly as can be. Were a public name of no type, anything could be done with it.

    With the settings of assay itself, so that what was found out of its modules is still in mypy's cache.
    """
    command = [sys.executable, "-m", "mypy", "--no-pretty", str(SCRIPT), str(wrong)]
    assert checked(command, ": error: ") == ({"wrong.py"}, {2, 3, 4, 5, 6, 8, 9})


def test_pyright_finds_mistakes_and_nothing_else(wrong: Path):
    """With the Node.js that it comes with."""
    program = Path(sys.executable).with_name("pyright")
    if not program.exists():
        pytest.skip("pyright is not installed: pip install 'pyright[nodejs]'")
    files, lines = checked([program, "--pythonpath", sys.executable, SCRIPT, wrong], " - error: ")
    assert files == {"wrong.py"}
    assert lines >= {2, 3, 4, 8}


def test_it_does_what_it_says(tmp_path):
    pytest.importorskip("pandas", reason="an extra")
    spec = spec_from_file_location("user_script", SCRIPT)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.main(tmp_path)
    assert found[:2] == ["narrow-0.01", "narrow-0.01"]
    assert "pooling" in found


def test_the_marker_of_types_is_part_of_the_package():
    assert (Path(assay.__file__).parent / "py.typed").is_file()
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel == {"packages": ["src/assay"]}  # whole, so the marker with it
