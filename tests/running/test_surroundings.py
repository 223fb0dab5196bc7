"""A study finds the same wherever and whenever it runs, or is refused in one line."""

import errno
import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny import outcome, tiny_study, tiny_tables

from assay.errors import StoreError
from assay.results import Results
from assay.running.events import EpochEnded
from assay.running.run import run
from assay.store import lock, sqlite
from assay.store.lock import folder_lock, is_held
from assay.study.toml import dumps as to_toml

SHORT = {"seeds": [0], "training": {"epochs": 2, "batch_size": 50}}


@pytest.fixture(scope="module")
def expected(characters: str, tmp_path_factory: pytest.TempPathFactory):
    """What the study finds in a plain folder."""
    return ran(characters, tmp_path_factory.mktemp("plain"))


def ran(characters: str, folder: Path, on_event=lambda event: None):
    study = tiny_study(characters, **SHORT)
    with run(study, folder, workers=1, progress=False, on_event=on_event) as results:
        assert results.complete
        return outcome(results)


NAMES = [
    "a b",
    'it\'s "q"',
    "new\nline",
    "☃😀",
    "100%?#&=;",
    "u\u0308",
    "a\\b",
    "-dash",
    " ",
    "...",
    "~",
    "y" * 255,
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_folder_of_any_name(name: str, characters: str, expected, tmp_path: Path):
    folder = tmp_path / name
    assert ran(characters, folder) == expected
    with Results.open(folder) as results:
        assert results.complete


def test_a_folder_by_a_link(characters: str, expected, tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert ran(characters, tmp_path / "link") == expected
    with Results.open(tmp_path / "real") as results:
        assert outcome(results) == expected


@pytest.mark.parametrize("length", [1500, 3900, 4090, 5000])
def test_a_path_that_is_too_long_is_refused_in_one_line(length: int, characters: str, tmp_path: Path):
    folder = tmp_path
    while len(str(folder)) < length - 201:
        folder = folder / ("x" * 200)
    folder = folder / ("x" * (length - len(str(folder)) - 1))
    with pytest.raises(StoreError, match=r"may be too long|File name too long") as caught:
        ran(characters, folder)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(days=366)], ids=str)
def test_a_clock_that_is_set_in_the_middle(jump: timedelta, characters: str, expected, tmp_path, monkeypatch):
    """Locks, records and the order of epochs hang on no time of day."""
    folder = tmp_path / "out"
    now = time.time

    class Jumped(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + jump

    def set_the_clock(event):
        if isinstance(event, EpochEnded):
            monkeypatch.setattr(time, "time", lambda: now() + jump.total_seconds())
            monkeypatch.setattr(sqlite, "datetime", Jumped)
            assert is_held(folder)
            with pytest.raises(StoreError, match="already at work"), folder_lock(folder):
                pass

    assert ran(characters, folder, set_the_clock) == expected
    assert not is_held(folder)
    with Results.open(folder, watch=True) as results:
        assert outcome(results) == expected
        opened = [at for (at,) in results.store.database.read("SELECT at FROM test_opening")]
    hours = [(datetime.fromisoformat(at) - datetime.now(UTC)) / timedelta(hours=1) for at in opened]
    assert hours == pytest.approx([jump / timedelta(hours=1)] * 2, abs=0.1), "the clock was set"


BARE = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
TURKISH = {"LC_ALL": "tr_TR.ISO-8859-9", "PYTHONIOENCODING": "iso8859-9", "TZ": "Europe/Istanbul"}
PLACES = {
    "C": {**BARE, "LC_ALL": "C"},
    "Turkish": {**BARE, **TURKISH},
    "German": {"LC_ALL": "de_DE.UTF-8", "TZ": "Pacific/Kiritimati"},
}
ABROAD = """
import sys, assay
from assay.cli import main
assay.run(assay.load_study("tiny.toml"), sys.argv[1], workers=1).close()
sys.exit(main(["results", sys.argv[1], "--format", "csv"]))
"""


@pytest.mark.parametrize("place", PLACES)
def test_a_machine_of_any_language(place: str, characters: str, expected, tmp_path: Path):
    """In a process of its own; whether or not the machine has the language."""
    (tmp_path / "tiny.toml").write_text(to_toml(tiny_tables(characters, **SHORT)), "utf-8")
    environment = {**os.environ, **PLACES[place], "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", ABROAD, "ü😀"]
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert said.returncode == 0, said.stderr
    with Results.open(tmp_path / "ü😀") as results:
        assert outcome(results) == expected
        assert f"{results.runs[0].test_accuracy}".encode() in said.stdout, "with a point, not a comma"


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS], ids=errno.errorcode.get)
def test_a_file_system_without_locks_is_refused(code: int, characters: str, tmp_path: Path, monkeypatch):
    def flock(*_: object):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(StoreError, match=r"cannot be locked \(.*; choose an --out on a disk with locks\)"):
        ran(characters, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_what_lies_on_a_file_system_without_locks_is_read(characters: str, expected, tmp_path, monkeypatch):
    """As it may have been copied there; nobody can be at work."""
    ran(characters, tmp_path)
    monkeypatch.setattr(lock, "hold", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOLCK, "")))
    with Results.open(tmp_path, watch=True) as results:
        assert outcome(results) == expected


def test_a_file_system_without_shared_memory_is_refused(characters: str, tmp_path: Path, monkeypatch):
    """SQLite's own stand-in for such a file system has no write-ahead log."""
    connect = sqlite3.connect

    def elsewhere(place: str, **options):
        return connect(f"{place}&vfs=unix-dotfile" if place.startswith("file:") else place, **options)

    monkeypatch.setattr(sqlite3, "connect", elsewhere)
    with pytest.raises(StoreError, match="found 'delete' instead of its write-ahead log") as caught:
        ran(characters, tmp_path / "out")
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "out" / "results.db").exists()


def test_the_current_folder_may_change_while_a_study_runs_in_another_thread(
    characters: str, expected, tmp_path: Path, monkeypatch
):
    """And what it returns is read in the thread that asked, as after ``asyncio.to_thread``."""
    monkeypatch.chdir(tmp_path)

    def leave(event):
        if isinstance(event, EpochEnded):
            os.chdir("/")

    study = tiny_study(characters, **SHORT)
    with ThreadPoolExecutor(1) as pool:
        results = pool.submit(run, study, "out", workers=1, progress=False, on_event=leave).result()
    with results:
        assert outcome(results) == expected


@pytest.mark.parametrize("act", [shutil.rmtree, lambda folder: folder.rename(f"{folder}-moved")])
def test_a_folder_that_is_moved_or_removed_stops_its_study(act, characters: str, tmp_path: Path):
    """Otherwise what is trained from then on would be lost, or told of another study's folder."""
    ended = []

    def take_away(event):
        if isinstance(event, EpochEnded):
            ended.append(event)
            if len(ended) == 1:
                act(tmp_path / "out")

    with pytest.raises(StoreError, match="was moved or removed while it was written"):
        ran(characters, tmp_path / "out", take_away)
    assert len(ended) == 1


@pytest.mark.parametrize(
    "stream", [None, SimpleNamespace(write=len, flush=lambda: None)], ids=["none", "odd"]
)
def test_progress_without_a_console(stream, characters: str, expected, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    with run(tiny_study(characters, **SHORT), tmp_path / "out", workers=1) as results:
        assert outcome(results) == expected
