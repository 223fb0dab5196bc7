"""Twelve ways for a run to end, in threads and in processes: each its status, and none a lie."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from endings import VARIABLE, WAYS, environment, install
from patience import eventually
from tiny import outcome, tiny_tables

from assay.engines.reference import ReferenceSession
from assay.errors import StoreError, UsageError
from assay.records.runs import RunId, RunRecord, Status
from assay.results import Results
from assay.running.deaths import Death, deaths
from assay.running.processes import Processes
from assay.running.run import run
from assay.running.tracebacks import traceback_of
from assay.store.lookup import DATABASE
from assay.study.study import Study
from assay.study.toml import dumps as to_toml

EXCEPTIONS = {
    "exception": "ValueError: no luck",
    "sys.exit(0)": "SystemExit: 0",
    "sys.exit(1)": "SystemExit: 1",
    "memory": "MemoryError: ",
    "full disk": "OSError: [Errno 28] No space left on device",
}
"""What is said of a run that an exception ends, wherever it is trained."""
LOST = {
    "os._exit(0)": "its process ended itself with exit status 0",
    "SIGKILL": "its process was ended by SIGKILL (perhaps memory was short)",
    "SIGSEGV": "its process was ended by SIGSEGV",
}
IGNORED = ("return", "SIGTERM", "SIGINT")
"""A worker's process leaves these two signals to its parent, which gets them too."""
SEEDS = {seed: way for seed, way in enumerate(WAYS) if way not in ("hang", "wait")}
STATUSES = {
    "os._exit(0)": 0, "SIGTERM": 143, "SIGINT": 130, "SIGKILL": -signal.SIGKILL, "SIGSEGV": -signal.SIGSEGV,
}  # fmt: skip
"""With what ``assay run`` ends when its own process is ended so."""


def tables(source, seeds):
    return {**tiny_tables(source), "factors": {}, "control": None, "seeds": list(seeds)}


def study(source, seeds):
    return Study.from_tables(tables(source, seeds))


@pytest.fixture(scope="module")
def unharmed(characters, tmp_path_factory):
    with run(study(characters, [0]), tmp_path_factory.mktemp("unharmed")) as results:
        return outcome(results)


def test_in_processes_every_end_costs_its_run_alone(characters, unharmed, tmp_path, monkeypatch):
    for name, value in environment(tmp_path, SEEDS).items():
        monkeypatch.setenv(name, value)
    with run(study(characters, SEEDS), tmp_path / "out", executor=Processes(2)) as results:
        found = {SEEDS[record.seed]: record for record in results.runs}
        assert outcome(results).items() >= unharmed.items()
    assert {way for way, record in found.items() if record.status is Status.DONE} == {*IGNORED}
    for way, message in {**EXCEPTIONS, **LOST}.items():
        assert found[way].status is Status.FAILED
        assert found[way].message.startswith(message)
        assert found[way].epochs == 1, "what was stored before is kept"
    kept = {way: traceback_of(tmp_path / "out", found[way].id) for way in (*EXCEPTIONS, *LOST)}
    assert "Segmentation fault" in kept["SIGSEGV"]
    assert "endings.py" in kept["SIGSEGV"], "it says where"
    assert kept["SIGKILL"] == "Its process left no traceback.\n"
    assert kept["exception"].startswith("Traceback")


def test_a_run_that_takes_too_long_has_failed(characters, tmp_path, monkeypatch):
    for name, value in environment(tmp_path, {0: "hang"}).items():
        monkeypatch.setenv(name, value)
    with run(study(characters, [0]), tmp_path / "out", executor=Processes(1, timeout=3)) as results:
        (record,) = results.runs
    assert (record.status, record.message) == (
        Status.FAILED,
        "took longer than 3.0 s, the time limit of a run",
    )


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_time_limit_is_above_0(timeout):
    with pytest.raises(UsageError, match="timeout must be > 0 seconds"):
        Processes(1, timeout)


def test_in_threads_an_exception_costs_its_run_alone(characters, unharmed, tmp_path, monkeypatch):
    ways = dict(enumerate(["return", *EXCEPTIONS]))
    monkeypatch.setattr(ReferenceSession, "train_epoch", ReferenceSession.train_epoch)  # put back at the end
    monkeypatch.setenv(VARIABLE, ",".join(f"{seed}:{way}" for seed, way in ways.items()))
    install()
    with run(study(characters, ways), tmp_path / "out", workers=2) as results:
        found = {ways[record.seed]: record for record in results.runs}
        assert outcome(results).items() >= unharmed.items()
    assert found["return"].status is Status.DONE
    for way, message in EXCEPTIONS.items():
        assert found[way].status is Status.FAILED
        assert found[way].message.startswith(message)


def command(source, folder, way, *options, seeds=(0,)):
    """Run a study from the command line; its run of seed 0 ends its way."""
    path = folder / "study.toml"
    path.write_text(
        to_toml({key: value for key, value in tables(source, seeds).items() if value is not None})
    )
    words = [sys.executable, "-m", "assay", "run", str(path), "--out", str(folder / "out"), *options]
    return subprocess.run(
        words, capture_output=True, text=True, check=False, env=environment(folder, {0: way})
    )


@pytest.mark.parametrize("way", ["os._exit(0)", "SIGTERM"])  # the others: tests/long/endings.py
def test_in_threads_the_end_of_the_process_stops_the_study(way, characters, tmp_path):
    ended = command(characters, tmp_path, way)
    assert (ended.returncode, ended.stderr) == (STATUSES[way], "")
    assert ("stopped; the same command continues it" in ended.stdout) == (way == "SIGTERM")
    with Results.open(tmp_path / "out", watch=True) as results:
        assert [(record.status, record.epochs) for record in results.runs] == [(Status.STOPPED, 1)]


def test_what_ends_the_process_twice_gets_one_of_its_own(characters, tmp_path):
    """Then it fails, and the study comes to its end."""
    for _ in range(2):
        ended = command(characters, tmp_path, "SIGSEGV", "--workers", "1", seeds=(0, 1))
        assert ended.returncode == -signal.SIGSEGV
        assert "the process died" not in ended.stdout or "died while training it, once" in ended.stdout
    ended = command(characters, tmp_path, "SIGSEGV", "--workers", "1", seeds=(0, 1))
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "tiny, seed 0: the process died while training it, 2 times in epoch 2" in ended.stdout
    assert "so every run is trained in a process of its own" in ended.stdout
    with Results.open(tmp_path / "out") as results:
        failed, done = results.runs
        assert (failed.status, failed.message) == (Status.FAILED, "its process was ended by SIGSEGV")
        assert done.status is Status.DONE
        assert deaths(tmp_path / "out", results.runs, died=False) == []


def record(seed, status, epochs):
    return RunRecord("a", seed, status, "reference", 1, 1, 0, "computed", epochs)


def test_deaths_are_counted_as_long_as_a_run_comes_no_further(tmp_path):
    one = record(0, Status.RUNNING, 1)
    assert deaths(tmp_path, [one], died=False) == []
    assert deaths(tmp_path, [one, record(1, Status.PENDING, 0)], died=True) == [Death(RunId("a", 0), 1, 1)]
    assert deaths(tmp_path, [one], died=False) == [Death(RunId("a", 0), 1, 1)], "a clean stop is none"
    (found,) = deaths(tmp_path, [one], died=True)
    assert (found.times, found.suspect) == (2, True)
    (found,) = deaths(tmp_path, [record(0, Status.RUNNING, 2)], died=True)
    assert (found.times, found.suspect) == (1, False)
    assert deaths(tmp_path, [record(0, Status.DONE, 3)], died=True) == []
    (tmp_path / "failures" / "deaths.json").write_text("[[1, 2], {}]")
    assert deaths(tmp_path, [one], died=False) == []


UPDATES = {
    "the status": "status = 'done'",
    "the status and the result": "status = 'done', test_loss = 0.5, test_correct = 61, test_total = 61",
}


@pytest.mark.parametrize("answers", [False, True])
@pytest.mark.parametrize("change", UPDATES)
def test_no_update_alone_makes_a_run_done(change, answers, characters, tmp_path):
    """SQLite refuses the status alone; one with a result is not believed without answers and every epoch."""

    def stop(event):
        if type(event).__name__ == "EpochEnded":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(study(characters, [0]), tmp_path, workers=1, on_event=stop)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as database:
        if answers:
            database.execute("INSERT INTO answer VALUES ('tiny', 0, zeroblob(8), zeroblob(61), x'')")
        if change == "the status":
            with pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed"):
                database.execute(f"UPDATE run SET {UPDATES[change]}")
            return
        database.execute(f"UPDATE run SET {UPDATES[change]}")
        database.commit()
    with pytest.raises(
        StoreError, match=r"says 1 epochs, but 1 of 3 are there" if answers else "cannot be believed"
    ):
        Results.open(tmp_path)
    Path(tmp_path / DATABASE).unlink()


def test_a_process_ends_with_its_parent(characters, tmp_path):
    """Also where it hangs."""
    path = tmp_path / "study.toml"
    path.write_text(
        to_toml({key: value for key, value in tables(characters, [0]).items() if value is not None})
    )
    words = [sys.executable, "-m", "assay", "run", str(path), "--out", str(tmp_path / "out"), "--isolate"]
    parent = subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env=environment(tmp_path, {0: "hang"})
    )
    assert parent.stdout is not None
    next(line for line in parent.stdout if "epoch 1/3" in line)
    (child,) = map(int, Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    if not eventually(lambda: not _alive(child)):
        os.kill(child, signal.SIGKILL)
        pytest.fail("it is still there")


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
