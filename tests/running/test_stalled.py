"""A run that hangs is named, and since when; nobody ends it."""

import json
import os
from dataclasses import replace
from pathlib import Path
from time import time

import pytest
from large_store import begun, write_large

from assay.cli import main
from assay.records.holds import hold
from assay.records.runs import RunId
from assay.results import Results
from assay.running.stalled import LEAST, MUCH_LONGER, stalled
from assay.store import SQLiteStore
from assay.store.lookup import DATABASE
from assay.store.weights import path_of

HANGS, TRAINS, NEW = RunId("rate-000", 0), RunId("rate-000", 1), RunId("rate-001", 0)


@pytest.fixture
def folder(tmp_path: Path):
    """Two runs whose epochs took 20 s, one of which was heard of now; and two without an epoch so far."""
    write_large(tmp_path, 2, 2, 9, done=False)
    store = SQLiteStore.open(tmp_path / DATABASE, write=True)
    took = {"seconds_per_epoch": 15.0, "evaluation_seconds_per_epoch": 5.0}
    for run in (HANGS, TRAINS):
        store.add_run(replace(begun(run.arm, run.seed), **took))
    store.close()
    (tmp_path / "weights").mkdir()
    heard(tmp_path, HANGS, MUCH_LONGER * 20 + 5)
    heard(tmp_path, TRAINS, MUCH_LONGER * 20 / 2)
    return tmp_path


def heard(folder: Path, run: RunId, ago: float) -> None:
    path = path_of(folder, run, unfinished=True)
    path.write_text("so far")
    os.utime(path, (time() - ago,) * 2)


def named(folder: Path) -> list[RunId]:
    with Results.open(folder, watch=True) as results:
        return [one.run for one in stalled(results)]


def test_a_run_that_hangs_is_named_while_its_study_runs(folder, capsys):
    assert named(folder) == [], "nobody is at work: they are stopped"
    with hold(folder):
        assert named(folder) == [HANGS]
        assert main(["status", str(folder)]) == 0
        assert "rate-000, seed 0: stalled since 20" in capsys.readouterr().out
        assert main(["status", str(folder), "--format", "json"]) == 0
        [told] = json.loads(capsys.readouterr().out)["stalled"]
        assert (told["arm"], told["seed"]) == ("rate-000", 0)
        assert told["since"] == pytest.approx(path_of(folder, HANGS, unfinished=True).stat().st_mtime, abs=1)
        heard(folder, HANGS, 1)
        assert named(folder) == []


def test_before_its_first_epoch_it_is_known_by_its_arms_other_runs(folder):
    store = SQLiteStore.open(folder / DATABASE, write=True)
    store.add_run(replace(begun(NEW.arm, 1), seconds_per_epoch=1.0))
    store.close()
    for path in folder.glob("results.db*"):
        os.utime(path, (time() - LEAST - 5,) * 2)
    with hold(folder):
        assert named(folder) == [HANGS, NEW, RunId(NEW.arm, 1)]
        (folder / DATABASE).touch()
        assert named(folder) == [HANGS], "something was stored meanwhile"
