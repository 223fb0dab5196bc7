"""A new store appears whole, once all that belongs in it is there, or not at all."""

from contextlib import closing, suppress

import pytest

from assay.errors import StoreError
from assay.records.runs import RunId, RunRecord, Status
from assay.store import Header, SQLiteStore
from assay.store.creating import new_store

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
    with (
        pytest.raises(StoreError, match=r"results\.db: is missing, and 1 of the networks .* \(put it back, "),
        new_store(path, HEADER),
    ):
        pass
    assert not path.exists()
    weights.rename(tmp_path / "elsewhere")
    with new_store(path, HEADER):
        pass
    assert path.exists()
