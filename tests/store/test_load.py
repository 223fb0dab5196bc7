"""A store of many runs, and many at one store; ``tests/long/load.py`` has the full figures."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from crowd import crowd
from large_store import begun, write_large

from assay.findings.findings import build
from assay.records.runs import Status
from assay.report import html, run_tables
from assay.results import Results
from assay.store import SQLiteStore
from assay.store.lookup import DATABASE

ARMS, SEEDS, EPOCHS = 100, 11, 20


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred arms, more than a thousand runs; one diverged."""
    folder = write_large(tmp_path_factory.mktemp("large"), ARMS, SEEDS, EPOCHS)
    store = SQLiteStore.open(folder / DATABASE, write=True)
    run = next(run for run in store.runs() if run.arm == "rate-007")
    store.add_run(replace(run, status=Status.DIVERGED, test=None, message="the loss is no number"))
    store.close()
    return folder


def queries(results: Results) -> list[str]:
    """Have every query noted from now on, and return where."""
    noted: list[str] = []
    assert isinstance(results.store, SQLiteStore)
    results.store.database.connection.set_trace_callback(noted.append)
    return noted


def test_the_page_of_a_hundred_arms_is_small_and_says_what_it_leaves_out(large: Path):
    with Results.open(large) as results:
        page = html.render(build(results))
    assert len(page.encode()) < 2_000_000
    assert f"1 of {ARMS * SEEDS:,} runs" in page
    assert "rate-007, seed 0" in page
    assert "rate-008, seed 0" not in page
    assert "Lines: means over seeds. Dashed" in page


def test_who_asks_how_far_a_study_is_reads_no_epochs(large: Path):
    with Results.open(large) as results:
        noted = queries(results)
        run_tables.status_table(results)
        run_tables.results_table(results)
    assert len(noted) < 10
    assert not [query for query in noted if "FROM epoch" in query]


def test_the_epochs_of_a_run_are_found_by_an_index(large: Path):
    """However many other runs there are."""
    with Results.open(large) as results:
        noted = queries(results)
        assert len(results.epochs(results.runs[-1].id)) == EPOCHS
        [query] = [query for query in noted if "FROM epoch" in query]
    with sqlite3.connect(large / DATABASE) as connection:
        plan = " ".join(str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))
    connection.close()
    assert "SEARCH epoch USING INDEX" in plan
    assert "SCAN" not in plan


def test_a_thousand_runs_are_begun_in_one_transaction(large: Path, tmp_path: Path):
    """Each by itself would be flushed by itself."""
    write_large(tmp_path, 2, 3, 1, done=False)
    store = SQLiteStore.open(tmp_path / DATABASE, write=True)
    noted: list[str] = []
    store.database.connection.set_trace_callback(noted.append)
    store.add_runs(begun("rate-001", seed) for seed in range(1000))
    store.database.connection.set_trace_callback(None)
    assert noted.count("COMMIT") == 1
    assert len(store.runs()) == 1003
    store.close()


def test_a_crowd_of_writers_and_readers_finds_no_lock_in_its_way(tmp_path: Path):
    write_large(tmp_path, 2, 12, 20, done=False)
    found = crowd(tmp_path, writers=12, rows=20, readers=3, seconds=0.5, killed=1)
    assert found.errors == []
    assert len(found.writes) == 240
    assert found.reads
    with Results.open(tmp_path) as results:
        assert sum(len(results.epochs(run.id)) for run in results.runs) == 240
