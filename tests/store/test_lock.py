"""One writer at a time, and whoever looks in does not disturb it."""

import json
import os
import socket
from pathlib import Path

import pytest
from holding import holding

from assay.errors import StoreError
from assay.store.lock import NOTE, folder_lock, holder, is_held


def test_a_lock_is_held_while_its_process_lives(tmp_path: Path):
    assert not is_held(tmp_path)
    assert not list(tmp_path.iterdir()), "looking leaves nothing behind"
    with holding(tmp_path) as process:
        assert is_held(tmp_path)
        with pytest.raises(StoreError, match="a run is already at work here"), folder_lock(tmp_path):
            pass
        process.kill()
        process.join()
        assert not is_held(tmp_path)
        with folder_lock(tmp_path):
            assert is_held(tmp_path)
        assert not is_held(tmp_path)


def test_a_folder_that_is_not_there_is_not_held(tmp_path: Path):
    assert not is_held(tmp_path / "absent")


@pytest.fixture
def held(tmp_path):
    """A folder that another process holds."""
    with holding(tmp_path) as process:
        yield tmp_path, process.pid


def refusal(folder: Path) -> str:
    with pytest.raises(StoreError) as caught, folder_lock(folder):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_removing_every_file_lets_no_second_run_in(held):
    folder, pid = held
    assert f"process {pid} on {socket.gethostname()}, since 20" in refusal(folder)
    for path in folder.iterdir():
        path.unlink()
    assert refusal(folder) == f"{folder}: a run is already at work here (wait for it, or stop it)"
    assert is_held(folder)


@pytest.mark.parametrize("name", [NOTE, "lock"])
@pytest.mark.parametrize("what", ["pipe", "folder", "link", "junk"])
def test_odd_things_in_the_places_of_its_files(tmp_path, name, what):
    path = tmp_path / name
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        (path / "in it").mkdir(parents=True)
    elif what == "link":
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(b"[" * 5000)
    assert holder(tmp_path) is None
    assert not is_held(tmp_path)
    with folder_lock(tmp_path):
        assert is_held(tmp_path)
        refusal(tmp_path)
    assert not is_held(tmp_path)


def test_a_note_that_was_left_behind_names_nobody(held):
    folder, pid = held
    note = json.loads((folder / NOTE).read_text())
    assert holder(folder).pid == pid
    for change in (
        {"boot": "another"},
        {"started": "1"},
        {"pid": "1"},
        {"pid": True},
        {"host": "\x1b[31m"},
        {"x": 1},
    ):
        (folder / NOTE).write_text(json.dumps({**note, **change}))
        assert holder(folder) is None, change
    (folder / NOTE).write_text(json.dumps({**note, "host": "elsewhere", "pid": 1}))
    assert "process 1 on elsewhere" in refusal(folder)
