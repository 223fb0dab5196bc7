"""A new store appears whole, once all that belongs in it is there, or not at all."""

import os
import shutil
from contextlib import closing, suppress

import numpy as np
import pytest
from safetensors.numpy import save_file

from assay.errors import StoreError
from assay.records.runs import RunId, RunRecord, Status
from assay.store import Header, SQLiteStore
from assay.store.creating import new_store
from assay.store.remains import remains_of

HEADER = Header(
    study={"name": "tiny", "seeds": [0]},
    digest="ab" * 32,
    data_digest="cd" * 32,
    classes=("0", "1"),
    synthetic=True,
    sizes={"train": 100, "valid": 20, "test": 11},
    versions={"python": "3.11"},
)
RUN = RunRecord("max", 0, Status.PENDING, "reference", 10, 20, 30, "computed")


def test_a_new_store_is_there_with_all_that_the_block_put_into_it(tmp_path):
    path = tmp_path / "results.db"
    with new_store(path, HEADER) as store:
        store.add_run(RUN)
        assert not path.exists()
    assert [found.name for found in tmp_path.iterdir()] == ["results.db"]
    with closing(SQLiteStore.open(path)) as store:
        assert store.header == HEADER
        assert [run.id for run in store.runs()] == [RunId("max", 0)]


def test_a_store_whose_block_fails_is_not_there_and_what_it_left_is_cleared_away(tmp_path):
    path = tmp_path / "results.db"
    with suppress(KeyError), new_store(path, HEADER) as store:
        store.add_run(RUN)
        raise KeyError
    assert not path.exists()
    (tmp_path / "results.new-wal").write_text("of another store")
    with new_store(path, HEADER):
        pass
    assert [found.name for found in tmp_path.iterdir()] == ["results.db"]
    with closing(SQLiteStore.open(path)) as store:
        assert not list(store.runs())


def test_weights_of_a_store_that_is_gone_are_not_written_over(tmp_path):
    path, weights = tmp_path / "results.db", tmp_path / "weights"
    weights.mkdir()
    (weights / "max-0.safetensors").write_text("of somebody's")
    expected = (
        r"results\.db: is missing, and \S*weights seems to hold its networks \(put it back, move \S*weights "
    )
    with pytest.raises(StoreError, match=expected), new_store(path, HEADER):
        pass
    assert not path.exists()
    weights.rename(tmp_path / "elsewhere")
    with new_store(path, HEADER):
        pass
    assert path.exists()


@pytest.mark.parametrize(
    ("name", "metadata", "counts"),
    [
        ("model.safetensors", None, False),
        ("model.safetensors", {"format": "pt"}, False),
        ("model-00001-of-00002.safetensors", {"format": "pt"}, False),
        ("model.safetensors", {"assay": "0 {}"}, True),  # renamed by hand
        ("max-0.safetensors", {"format": "pt"}, True),  # would be written over
        ("max-0.part.safetensors", None, True),
    ],
)
def test_weights_of_another_program_are_in_nobodys_way(name, metadata, counts, tmp_path):
    (tmp_path / "weights").mkdir()
    save_file({"w": np.zeros(3, np.float32)}, tmp_path / "weights" / name, metadata=metadata)
    assert bool(remains_of(tmp_path / "results.db")) == counts


@pytest.mark.parametrize("kind", ["pipe", "folder", "empty"])
def test_what_cannot_be_read_may_be_a_network(kind, tmp_path):
    (tmp_path / "weights").mkdir()
    path = tmp_path / "weights" / "model.safetensors"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir() if kind == "folder" else path.touch()
    assert remains_of(tmp_path / "results.db")


def test_all_that_is_left_is_named(tmp_path):
    """So that one who moves it away is not refused again for the next."""
    (tmp_path / "weights").mkdir()
    left = [tmp_path / name for name in ("weights/max-0.safetensors", "results.db-wal", "results.db-journal")]
    for path in left:
        path.write_text("of a store")
    with pytest.raises(StoreError) as refused, new_store(tmp_path / "results.db", HEADER):
        pass
    log, journal, weights = left[1], left[2], tmp_path / "weights"
    assert f"move {weights} and {log} and {journal} elsewhere" in str(refused.value)
    assert f"{weights} seems to hold its networks and {log} holds a part of it and " in str(refused.value)


@pytest.mark.parametrize("end", ["-wal", "-journal"])
def test_no_store_is_made_beside_the_log_of_one_that_is_gone(end, tmp_path):
    """SQLite would write what is in it into the new one."""
    (tmp_path / "gone").mkdir()
    path, log = tmp_path / "gone" / "results.db", tmp_path / "gone" / f"results.db{end}"
    with closing(SQLiteStore.create(tmp_path / "live.db", HEADER)) as store:
        store.add_run(RUN)
        shutil.copy(tmp_path / "live.db-wal", log)
    refused = pytest.raises(StoreError, match=rf"{end} holds a part of it \(put it back, move \S*{end} ")
    with refused, new_store(path, HEADER):
        pass
    assert list(path.parent.iterdir()) == [log]
    log.write_bytes(b"")
    with new_store(path, HEADER):
        pass
    with closing(SQLiteStore.open(path)) as store:
        assert store.runs() == []
