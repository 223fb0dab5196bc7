"""From results that older versions wrote the same is concluded as when they were new.

``ASSAY_REWRITE=1 pytest tests/test_old_stores.py`` writes what is concluded now; the difference is to be read
before it is committed.
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from old_findings import SINGLE_DIGITS, plain, snapshots

from assay.records.runs import RunId, Status
from assay.results import Results
from assay.running.run import run
from assay.store.migrations import OLDEST, VERSION

HERE = Path(__file__).parent / "old_stores"
STORES = sorted(path.parent for path in HERE.glob("v*/*/results.db"))


def test_every_version_has_its_stores():
    found = {f"{store.parent.name}/{store.name}" for store in STORES}
    assert found >= {f"v2/{name}" for name in ("complete", "extended", "failing", "interim", "looked")}
    assert found >= {f"v{at}/{name}" for at in range(OLDEST, VERSION + 1) for name in ("complete", "interim")}


def learned(results: Results, seed: int) -> dict[RunId, Any]:
    """Return what the runs of a seed found, in the digits of float32 that do not hang on the processor."""
    times = {"steps_per_second": None, "seconds_per_epoch": None, "evaluation_seconds_per_epoch": None}
    elsewhere = {"processor": "", "host": ""}
    untimed = {"steps_per_second": 0, "seconds": 0, "evaluation_seconds": 0}
    found = {}
    for record in results.runs:
        epochs = [replace(epoch, **untimed) for epoch in results.epochs(record.id)]
        predicted = results.store.predicted(record.id) if record.test else None
        if record.seed == seed:
            found[record.id] = plain(
                [replace(record, **times, **elsewhere), epochs, predicted], SINGLE_DIGITS
            )
    return found


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """What the runs of a study's seed find where nothing is stopped; most versions have the same study."""
    found = {}

    def of(study, seed):
        if (study.digest, seed) not in found:
            folder = tmp_path_factory.mktemp("unbroken")
            with run(replace(study, seeds=(seed,)), folder, workers=1, progress=False) as results:
                found[study.digest, seed] = learned(results, seed)
        return found[study.digest, seed]

    return of


@pytest.mark.parametrize("version", range(OLDEST, VERSION + 1))
def test_what_an_older_version_was_stopped_at_is_continued(version, unbroken, tmp_path):
    """What its runs find is what they find where nothing was stopped, but for the processor's roundings."""
    folder = tmp_path / "old"
    shutil.copytree(HERE / f"v{version}" / "interim", folder)
    with Results.open(folder, watch=True) as results:
        study = results.study
        [stopped] = [record.seed for record in results.runs if record.status is Status.STOPPED]
    with run(study, folder, workers=1, first=stopped + 1, progress=False) as continued:
        assert learned(continued, stopped) == unbroken(study, stopped)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("store", STORES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_same_is_concluded(store, tmp_path):
    """Word for word and digit for digit; of a copy, since SQLite keeps files beside what it reads."""
    folder = tmp_path / store.name
    shutil.copytree(store, folder)
    found = {store.with_name(f"{store.name}.{ending}"): text for ending, text in snapshots(folder).items()}
    if os.environ.get("ASSAY_REWRITE"):
        for kept, text in found.items():
            kept.write_text(text, "utf-8", newline="\n")
        pytest.skip("what is concluded was written, not compared")
    for kept, text in found.items():
        assert text.splitlines() == kept.read_text("utf-8").splitlines(), f"{kept.name} says otherwise"
        assert text.encode() == kept.read_bytes()
