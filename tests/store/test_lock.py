"""One writer at a time, and whoever looks in does not disturb it."""

import multiprocessing
from pathlib import Path

import pytest
from elsewhere import hold

from assay.errors import StoreError
from assay.store.lock import folder_lock, is_held

server = multiprocessing.get_context("forkserver")


def test_a_lock_is_held_while_its_process_lives(tmp_path: Path):
    assert not is_held(tmp_path)
    assert not list(tmp_path.iterdir()), "looking leaves nothing behind"
    ear, mouth = multiprocessing.Pipe()
    process = server.Process(target=hold, args=(tmp_path, mouth))
    process.start()
    ear.recv()
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
