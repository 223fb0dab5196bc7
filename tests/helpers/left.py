"""What a study that was killed must have left in its folder, and what it comes to when it is continued."""

import sqlite3
from contextlib import closing

from tiny import outcome

from assay.results import Results
from assay.running.events import EpochEnded, RunEnded
from assay.running.inventory import left_over
from assay.store.lookup import DATABASE
from assay.store.weights import path_of
from assay.training.checkpoints import load_progress


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
    """The study is complete, each run once, as if nothing had happened, and nothing is left over."""
    with Results.open(folder) as results:
        assert results.complete
        assert left_over(results) == []
        assert (
            results.store.test_openings() == len(results.runs) == len({record.id for record in results.runs})
        )
        assert outcome(results) == expected
