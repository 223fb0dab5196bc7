"""A study that is killed, wherever it stands, is continued to the same numbers, bit for bit."""

import os
import random
import sqlite3
from contextlib import closing

import pytest
from killing import last_words, start
from tiny import outcome, tiny_study, tiny_tables

from assay.results import Results
from assay.running.events import EpochEnded, RunEnded
from assay.running.run import run
from assay.store.readout import DATABASE
from assay.store.weights import path_of
from assay.training.checkpoints import load_progress

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")

EVERY = 5
"""One step in five is a study's last; all have been tried, and take a minute."""


def tables_of(characters, engine):
    """Return two runs of two epochs, whose reference engine tells of steps in the middle of each."""
    return tiny_tables(characters, engine=engine, seeds=[0], training={"batch_size": 8, "epochs": 2})


@pytest.fixture(scope="module")
def unharmed(characters, tmp_path_factory):
    """What the study finds when nobody kills it, and in how many steps, by engine."""
    found = {}

    def of(engine):
        if engine not in found:
            folder = tmp_path_factory.mktemp("unharmed")
            _, steps = last_words(*start(tables_of(characters, engine), folder))
            with Results.open(folder) as results:
                found[engine] = outcome(results), steps
        return found[engine]

    return of


def check_what_is_left(folder, told, expected):
    """The database is sound, holds what was told, all of it so, and no more than checkpoints do."""
    if not (folder / DATABASE).exists():
        assert told == []
        return
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with Results.open(folder) as results:
        for event in told:
            if isinstance(event, EpochEnded):
                assert event.record in results.epochs(event.run)
            if isinstance(event, RunEnded):
                assert event.record in results.runs
        header = results.header
        for record in results.runs:
            if stored := not record.status.ended and len(results.epochs(record.id)):
                identity = {"arm": record.arm, "seed": record.seed}
                identity |= {"study": header.digest, "data": header.data_digest}
                kept = load_progress(path_of(folder, record.id, unfinished=True), identity)
                assert len(kept.history) >= stored, "a checkpoint is behind the store"
        for key, value in outcome(results).items():
            if isinstance(key, tuple) and key[1] in ("epochs", "layers"):
                assert expected[key][: len(value)] == value
            elif isinstance(key, tuple) or value.test:
                assert expected[key] == value


def check_the_end(folder, expected):
    """The study is complete, every run once, and the same as if nothing had happened."""
    with Results.open(folder) as results:
        assert results.complete
        assert (
            results.store.test_openings() == len(results.runs) == len({record.id for record in results.runs})
        )
        assert outcome(results) == expected


def continued(tables, folder, expected):
    run(tiny_study(tables["data"]["source"], **tables), folder, workers=2).close()
    check_the_end(folder, expected)


def test_the_study_has_many_steps(engine, unharmed):
    assert unharmed(engine)[1] > 100


def test_killed_at_any_step_it_is_continued(characters, unharmed, tmp_path):
    expected, steps = unharmed("reference")
    tables = tables_of(characters, "reference")
    for at in range(1 + random.randrange(EVERY), steps + 1, EVERY):
        folder = tmp_path / str(at)
        told, finished = last_words(*start(tables, folder, at=at))
        assert finished is None, f"step {at} of {steps} should have been the last"
        check_what_is_left(folder, told, expected)
        continued(tables, folder, expected)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_killed_with_two_workers_and_either_engine(engine, share, characters, unharmed, tmp_path):
    expected, steps = unharmed(engine)
    tables = tables_of(characters, engine)
    told, finished = last_words(*start(tables, tmp_path, workers=2, at=int(share * steps)))
    assert finished is None
    check_what_is_left(tmp_path, told, expected)
    continued(tables, tmp_path, expected)


def test_killed_again_and_again_it_comes_to_its_end(characters, unharmed, tmp_path):
    """The first life ends at its twentieth step, before the first epoch does; then each a little later."""
    expected, steps = unharmed("reference")
    told, finished, at = [], None, 20
    while finished is None:
        events, finished = last_words(*start(tables_of(characters, "reference"), tmp_path, at=at))
        told += events
        check_what_is_left(tmp_path, told, expected)
        at += 3
        assert at < steps
    check_the_end(tmp_path, expected)


def test_killed_at_any_moment_it_comes_to_its_end(characters, unharmed, tmp_path):
    """From outside, whatever the study is at: training, measuring, writing."""
    expected, _ = unharmed("reference")
    told, finished, patience = [], None, 0.01
    while finished is None:
        process, ear = start(tables_of(characters, "reference"), tmp_path)
        process.join(timeout=random.uniform(0.5, 1) * patience)
        process.kill()
        events, finished = last_words(process, ear)
        told += events
        check_what_is_left(tmp_path, told, expected)
        patience *= 1.5
    check_the_end(tmp_path, expected)
