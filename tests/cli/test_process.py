"""Ctrl-C at any time, and standard output that is full or closed: each is a status, and no traceback."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from endings import environment
from patience import PATIENCE

COMMAND = (sys.executable, "-m", "assay")
FULL = Path("/dev/full")
CLOSED = (
    "import os, sys; os.close(int(sys.argv[1])); os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
)

ENTERED = """\
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit a deaf ear
sys.argv = ["assay", *sys.argv[1:]]
class Entering:
    def find_spec(self, name, *_):
        if name == {module!r}:
            sys.meta_path.remove(self)
            {act}
sys.meta_path.insert(0, Entering())
from assay.cli import main
sys.exit(main())
"""


Interrupted = Callable[..., tuple[int, str, str]]


@pytest.fixture
def interrupted(tmp_path: Path) -> Interrupted:
    """What ``assay studies`` ends with that gets Ctrl-C when it begins to import a module."""

    def call(module: str, act: str = "os.kill(os.getpid(), signal.SIGINT)") -> tuple[int, str, str]:
        (tmp_path / "entered.py").write_text(ENTERED.format(module=module, act=act))
        command = [sys.executable, "-m", "entered", "studies"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        return done.returncode, done.stdout, done.stderr

    return call


@pytest.mark.parametrize("module", ["typer", "assay.cli.run", "rich", "assay.study.builtin"])
def test_ctrl_c_while_the_command_starts_is_no_traceback(module: str, interrupted: Interrupted):
    assert interrupted(module) == (130, "", "")


def test_ctrl_c_is_not_lost_where_python_ignores_exceptions(interrupted: Interrupted):
    """As in the callbacks that Python runs at the end of an import."""
    act = "type('D', (), {'__del__': lambda _: os.kill(os.getpid(), signal.SIGINT)})()"
    assert interrupted("typer", act) == (130, "", "")


def test_ctrl_c_that_meets_a_class_being_made_ends_with_its_status(interrupted: Interrupted):
    """Python remembers an interrupted ``exec``, and with ``-m`` would end by the signal."""
    assert interrupted("rich", "exec('os.kill(os.getpid(), signal.SIGINT)')") == (130, "", "")


def test_sigterm_has_its_own_status_wherever_it_meets_a_command(interrupted: Interrupted):
    assert interrupted("rich", "os.kill(os.getpid(), signal.SIGTERM)") == (143, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(("typed", "status"), [("\x04", 2), ("SIGINT", 130)])
def test_a_question_that_nobody_answers_is_no_bug(typed: str, status: int, tmp_path: Path):
    ours, theirs = os.openpty()
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from assay.cli import main\nsys.argv = ['assay', 'init', 'a.toml']\nsys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.read(4) == "What"
    if typed == "SIGINT":
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
    else:
        os.write(ours, typed.encode())
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == status
    assert err.count("\n") <= 1
    assert ("ended before an answer" in err) == (status == 2)
    assert not list(tmp_path.iterdir())
    for descriptor in (ours, theirs):
        os.close(descriptor)


def test_ctrl_c_twice_ends_at_once_and_says_so(interrupted: Interrupted):
    act = "\n            ".join(
        ["try:", "    os.kill(os.getpid(), signal.SIGINT)", "finally: os.kill(os.getpid(), signal.SIGINT)"]
    )
    assert interrupted("rich", act) == (130, "", "assay: stopped at once\n")


def test_ctrl_c_twice_while_training_ends_with_status_130(study_file: str, tmp_path: Path):
    words = ("run", study_file, "--epochs", "200", "--out", str(tmp_path / "out"))
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from assay.cli import main\nsys.argv[0] = 'assay'\nsys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(tmp_path, {0: "wait"}),
    )  # fmt: skip
    assert process.stdout is not None
    next(line for line in process.stdout if "epoch 1/200" in line)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    (tmp_path / "go").touch()
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err in ("", "assay: stopped at once\n")
    assert "stopped" in out + err


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["studies"], ["--help"], ["studies", "--format", "json"]], ids=" ".join)
def test_a_full_device_is_one_line(words: list[str]):
    with FULL.open("w") as full:
        done = subprocess.run([*COMMAND, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("assay: error: cannot write: No space left on device")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("closed", [1, 2])
@pytest.mark.parametrize(("word", "status"), [("pooling", 0), ("poling", 2)])
def test_a_closed_stream_is_no_error(word: str, status: int, closed: int):
    """What stands on the other stream is what always stands there."""
    words = ["-m", "assay", "run" if status else "studies", *([word] if status else [])]
    done = subprocess.run(
        [sys.executable, "-c", CLOSED, str(closed), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == status
    assert ("did you mean 'pooling'" in done.stderr) == (bool(status) and closed == 1)
    assert (word in done.stdout) == (not status and closed == 2)
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_an_error_that_cannot_be_told_has_its_status():
    with FULL.open("w") as full:
        done = subprocess.run([*COMMAND, "run", "poling"], stdout=full, stderr=full, check=False)
    assert done.returncode == 2


def test_a_file_is_not_opened_in_a_closed_streams_place(study_file: str, tmp_path: Path):
    words = ["-m", "assay", "run", study_file, "--quick", "--out", str(tmp_path / "a")]
    done = subprocess.run([sys.executable, "-c", CLOSED, "1", *words], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "a" / "report.html").exists()
