"""Where memory does not suffice, a command says so in one line before it takes any."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from assay.cli.process import is_out_of_memory
from assay.data import load
from assay.data.outline import Outline
from assay.errors import UsageError
from assay.records import free_memory
from assay.running.capacity import that_fit
from assay.running.plan import make_plan
from assay.running.processes import Processes
from assay.study.builtin import load_study

WIDE = """\
name = "wide"
question = "Too wide?"
network = {{ family = "Dense", hidden = [{hidden}] }}
optimizer = {{ rule = "Adam", lr = 0.001 }}
seeds = [0]
data = {{ source = "glyphs", train = {train}, valid = 100, test = 100 }}
"""


MEASURED = """\
import sys
from assay.cli import main
status = main(sys.argv[1:])
if status != 2:
    sys.exit(status)
from pathlib import Path
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
sys.exit(status)
"""


def limited(mebibytes: int, *words: str) -> tuple[int, str, int]:
    """Return the status, stderr and peak memory in MiB of a command that is refused for its memory."""
    limit = ["sh", "-c", f'ulimit -v {mebibytes << 10}; exec "$@"', "sh"]
    command = [*limit, sys.executable, "-c", MEASURED, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr, int(done.stdout) >> 10


@pytest.mark.parametrize("mebibytes", [100, 300, 400, 500])
def test_a_small_limit_is_one_line(mebibytes: int, tmp_path: Path):
    """The libraries themselves would hang, or end the process; all of it: tests/long/limits.py."""
    status, said, _ = limited(mebibytes, "run", "pooling", "--quick", "--out", str(tmp_path / "out"))
    assert status == 2
    assert said.startswith("assay: error: ")
    assert (said.count("\n"), f"`ulimit -v` allows {mebibytes} MiB" in said) == (1, True)


@pytest.mark.parametrize(
    ("command", "hidden", "train"),
    [("show", 400_000, 100), ("plan", 10, 3_000_000), ("run", 400_000, 100), ("run", 10, 3_000_000)],
)
def test_what_cannot_fit_is_refused_before_anything_is_allocated(command, hidden, train, tmp_path: Path):
    path = tmp_path / "wide.toml"
    path.write_text(WIDE.format(hidden=hidden, train=train))
    status, said, peak = limited(2000, command, str(path))
    assert (status, said.count("\n")) == (2, 1)
    assert ("a run takes about" if hidden > train else "the images take") in said
    assert "MiB are free" in said
    assert peak < 200


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 8 GiB free, whose control groups are files here."""
    monkeypatch.setattr(free_memory, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(free_memory, "MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(free_memory, "MACHINE", tmp_path / "meminfo")
    (tmp_path / "meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {2**22} kB\nSwapFree: {2**22} kB\n")
    return tmp_path


def put(folder: Path, **contents: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


def test_free_memory_and_swap_are_what_there_is(groups: Path):
    assert free_memory.available() == 2**33
    (groups / "meminfo").unlink()
    assert 2**26 < free_memory.available() < free_memory.UNKNOWN, "all of the machine's"


def test_a_control_group_and_those_around_it_limit(groups: Path):
    (groups / "membership").write_text("0::/a/b\n")
    outer, inner = groups / "groups" / "a", groups / "groups" / "a" / "b"
    put(inner, memory__max="max", memory__current=2**30)
    assert free_memory.available() == 2**33
    put(outer, memory__max=2**32, memory__current=2**31, memory__stat=f"anon 5\ninactive_file {2**20}")
    assert free_memory.available() == 2**31 + 2**20
    put(inner, memory__max=2**30 + 2**25, memory__current=2**30)
    assert free_memory.available() == 2**25


def test_so_does_one_of_the_first_version(groups: Path):
    (groups / "membership").write_text("9:name=systemd:/\n4:cpu,memory:/x\n3:memory:/not/seen/from/here\n")
    stat = f"total_inactive_file {2**40}"
    put(
        groups / "groups" / "memory",
        memory__limit_in_bytes=2**31,
        memory__usage_in_bytes=2**30,
        memory__stat=stat,
    )
    assert free_memory.available() == 2**31, "what can be freed is at most what is used"


def test_a_limit_of_the_shell_counts_with_what_libraries_take(groups: Path, monkeypatch: pytest.MonkeyPatch):
    used = int(free_memory.USED.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limit = used + free_memory.LIBRARIES + 2**31
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, resource.RLIM_INFINITY))
    assert abs(2**31 - free_memory.available()) < 2**26
    assert f"`ulimit -v` allows {limit >> 20:,} MiB" in free_memory.described()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (2**28, 2**28))
    assert free_memory.available() == 0


def test_as_many_runs_are_trained_at_once_as_fit(groups: Path, monkeypatch: pytest.MonkeyPatch):
    path = groups / "wide.toml"
    path.write_text(WIDE.format(hidden=1000, train=100).replace("[0]", "8"))
    plan = make_plan(load_study(path))
    monkeypatch.setattr("assay.running.capacity.processors", lambda: 8)
    assert that_fit(plan, None) == 8
    monkeypatch.setattr(free_memory, "available", lambda: 100 << 20)
    few = that_fit(plan, None)
    assert 1 <= few < 4
    assert that_fit(plan, few) == few
    assert that_fit(plan, None, beside=99 << 20) == 1
    with pytest.raises(UsageError, match=rf"--workers 8: 8 runs at once take .* \(use at most {few}\)"):
        that_fit(plan, 8)


def test_processes_hold_the_images_once_each(groups: Path, monkeypatch: pytest.MonkeyPatch):
    """Beside what a run takes: with images of 1 GiB, 8 processes do not fit where 8 threads do."""
    path = groups / "small.toml"
    path.write_text(WIDE.format(hidden=10, train=100).replace("[0]", "8"))
    monkeypatch.setattr("assay.running.capacity.processors", lambda: 8)
    monkeypatch.setattr(free_memory, "available", lambda: 4 << 30)
    plan, data = make_plan(load_study(path)), load(load_study(path).data)
    assert that_fit(plan, None) == Processes().fitted(plan, data).at_once == 8
    images = Outline(2**30 // (784 + 8), 1, 1)
    monkeypatch.setattr(Outline, "of", lambda _: images)
    assert Processes(timeout=5).fitted(plan, data).at_once == 3
    assert Processes(3, timeout=5).fitted(plan, data).timeout == 5
    with pytest.raises(UsageError, match=r"--workers 4: 4 runs at once take .* \(use at most 3\)"):
        Processes(4).fitted(plan, data)


def _caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (MemoryError(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (ImportError("libx.so: failed to map segment from shared object"), True),
        (RuntimeError("can't start new thread"), True),
        (_caused(OSError("could not load"), ImportError("a.so: failed to map segment from x")), True),
        (ValueError("out of memory"), False),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (RuntimeError("no luck"), False),
    ],
)
def test_errors_that_say_that_memory_is_short(error: BaseException, short: bool):
    assert is_out_of_memory(error) == short
