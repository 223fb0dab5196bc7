"""The store in SQLite keeps the contract of a store; the contract's tests fail where one does not."""

from dataclasses import replace

import pytest

from assay.records.runs import Status
from assay.store import SQLiteStore
from assay.testing import StoreConformance


class TestSQLiteStore(StoreConformance):
    kind = SQLiteStore

    def create(self, folder, header):
        return self.kind.create(folder / "results.db", header)

    def reopen(self, folder, *, write):
        return self.kind.open(folder / "results.db", write=write)


class Forgetful(SQLiteStore):
    def add_epoch(self, run, record, layers=()):
        super().add_epoch(run, record)


class Clinging(SQLiteStore):
    def drop_epochs(self, run, after):
        del run, after


class Careless(SQLiteStore):
    def add_run(self, run):
        super().add_run(
            replace(run, status=Status.RUNNING, stuck=False) if run.status is Status.DONE else run
        )


class Uncounted(SQLiteStore):
    def test_openings(self):
        return 0


class Writable(SQLiteStore):
    @classmethod
    def open(cls, path, *, write=False):
        return super().open(path, write=True)


class Unsorted(SQLiteStore):
    def epochs(self, run):
        return super().epochs(run)[::-1]


class ByName(SQLiteStore):
    def runs(self):
        return sorted(super().runs(), key=lambda run: run.arm)


BROKEN = {
    Forgetful: "test_what_was_accepted_is_there",
    Clinging: "test_epochs_are_dropped_from_the_end",
    Careless: "test_a_run_is_done_only_with_its_result",
    Uncounted: "test_only_a_finished_run_has_answers",
    Writable: "test_reading_changes_nothing",
    Unsorted: "test_epochs_come_in_order",
    ByName: "test_runs_keep_the_order_in_which_they_were_added",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_store_fails(kind):
    conformance = TestSQLiteStore()
    conformance.kind = kind
    with pytest.raises(AssertionError):
        getattr(conformance, BROKEN[kind])()
