"""A user's script is typed as it reads, and does what it says."""

import os
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import assay

SCRIPT = Path(__file__).with_name("user_script.py")
ROOT = SCRIPT.parents[2]
SOURCE = Path(assay.__file__).parents[1]
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


def mypy(script: Path, cache: Path) -> tuple[int, str]:
    """Check a script as strictly as can be; of assay itself nothing is said."""
    options = ("--strict", "--follow-imports=silent", "--config-file=", f"--cache-dir={cache}", "--no-pretty")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(script)],
        env={**os.environ, "MYPYPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("mypy")


def test_mypy_finds_nothing(cache):
    status, said = mypy(SCRIPT, cache)
    assert (status, said) == (0, "Success: no issues found in 1 source file\n")


def test_mypy_finds_each_mistake(cache, tmp_path):
    """Were a public name of no type, anything could be done with it."""
    (tmp_path / "wrong.py").write_text(WRONG)
    status, said = mypy(tmp_path / "wrong.py", cache)
    assert status == 1
    assert {int(line.split(":")[1]) for line in said.splitlines() if ": error: " in line} == {
        2,
        3,
        4,
        5,
        6,
        8,
        9,
    }


def pyright(script: Path) -> subprocess.CompletedProcess[str]:
    """Check a script with pyright, which comes with the Node.js that it needs."""
    program = Path(sys.executable).with_name("pyright")
    if not program.exists():
        pytest.skip("pyright is not installed: pip install 'pyright[nodejs]'")
    command = [program, "--pythonpath", sys.executable, script]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_pyright_finds_nothing():
    done = pyright(SCRIPT)
    assert (done.returncode, done.stdout) == (0, "0 errors, 0 warnings, 0 informations\n")


def test_pyright_finds_mistakes(tmp_path):
    (tmp_path / "wrong.py").write_text(WRONG)
    done = pyright(tmp_path / "wrong.py")
    assert done.returncode == 1
    assert {int(line.split(":")[1]) for line in done.stdout.splitlines() if " - error: " in line} >= {
        2,
        3,
        4,
        8,
    }


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
