"""``assay view`` and ``assay run --view``: one address on standard output, and a page behind it."""

import http.client
import re
import signal
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest
from endings import environment
from factories import make_results
from patience import PATIENCE

from assay.cli import main
from assay.view.shelf import identity

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43})\n")
OF_A_STUDY = re.compile(r"http://127\.0\.0\.1:(\d+)/study/([0-9a-f]{12})\?token=([\w-]{43})\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_results(tmp_path / "study").close()
    return tmp_path / "study"


def start(*words: object, **more: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "assay", *map(str, words)]
    more |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, preexec_fn=_listen, **more)  # noqa: PLW1509, here is one thread


def _listen() -> None:
    """Undo the deaf ear for Ctrl-C that a shell's background jobs inherit."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def status(address: str) -> int:
    parts = urllib.parse.urlsplit(address.strip())
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_it_prints_the_address_alone_and_ends_with_ctrl_c(folder: Path) -> None:
    process = start("view", folder, "--no-open")
    address = process.stdout.readline()
    assert ADDRESS.fullmatch(address)
    assert status(address) == 303
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, rest, errors) == (130, "", "")


def test_a_run_shows_itself_and_takes_the_page_with_it(tmp_path: Path, characters: str) -> None:
    words = (
        "pooling",
        "--quick",
        "--data",
        characters,
        "--seeds",
        1,
        "--epochs",
        3,
        "--engine",
        "reference",
    )
    sizes = [f"--set=data.{part}={size}" for part, size in (("train", 60), ("valid", 20), ("test", 20))]
    env = environment(tmp_path, {0: "wait"})
    process = start("run", *words, *sizes, "--view", "--out", tmp_path / "out", env=env)
    address = process.stdout.readline()
    assert OF_A_STUDY.fullmatch(address)[2] == identity(tmp_path / "out")
    seen = status(address)
    (tmp_path / "go").touch()
    rest, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "")
    assert seen == 303
    assert rest.endswith(f"{tmp_path / 'out' / 'report.html'}\n")
    with pytest.raises(OSError, match="refused"):
        status(address)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--host", "0.0.0.0"], r"--host 0\.0\.0\.0: is not this machine alone.*--allow-remote"),
        (["--port", "70000"], "--port 70000: expected 0 to 65535"),
        (["--port", "x"], "expected a whole number"),
        (["nowhere"], "nowhere: no such folder"),
        (["stydy"], r"stydy: no such folder \(did you mean 'study'\?\)"),
    ],
    ids=["host", "port", "word", "folder", "near"],
)
def test_what_it_cannot_do_is_said_in_a_line(
    words: list[str], why: str, folder: Path, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(folder.parent)
    assert main(["view", "--no-open", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert re.search(why, err)


def test_without_the_extra_it_says_how_to_get_it(folder: Path, monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "assay.view.server", None)
    monkeypatch.setitem(sys.modules, "assay.view", None)
    assert main(["view", str(folder), "--no-open"]) == 2
    assert "pip install 'assay[view]'" in capsys.readouterr().err
