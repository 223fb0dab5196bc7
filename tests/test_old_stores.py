"""From results that older versions wrote the same is concluded as when they were new.

``ASSAY_REWRITE=1 pytest tests/test_old_stores.py`` writes what is concluded now; the difference is to be read
before it is committed.
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from old_findings import snapshots
from tiny import outcome

from assay.records.runs import Status
from assay.results import Results
from assay.running.run import run
from assay.store.migrations import OLDEST, VERSION

HERE = Path(__file__).parent / "old_stores"
STORES = sorted(path.parent for path in HERE.glob("v*/*/results.db"))


def test_every_version_has_its_stores():
    found = {f"{store.parent.name}/{store.name}" for store in STORES}
    assert found >= {f"v2/{name}" for name in ("complete", "extended", "failing", "interim", "looked")}
    assert found >= {f"v{at}/{name}" for at in range(OLDEST, VERSION + 1) for name in ("complete", "interim")}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """What the runs of a study's seed find where nothing is stopped; most versions have the same study."""
    found = {}

    def of(study, seed):
        if (study.digest, seed) not in found:
            folder = tmp_path_factory.mktemp("unbroken")
            with run(replace(study, seeds=(seed,)), folder, workers=1, progress=False) as results:
                found[study.digest, seed] = outcome(results)
        return found[study.digest, seed]

    return of


@pytest.mark.parametrize("version", range(OLDEST, VERSION + 1))
def test_what_an_older_version_was_stopped_at_is_continued(version, unbroken, tmp_path):
    """What its runs find is what they find where nothing was stopped; the first format kept no layers."""
    folder = tmp_path / "old"
    shutil.copytree(HERE / f"v{version}" / "interim", folder)
    with Results.open(folder, watch=True) as results:
        study = results.study
        [stopped] = [record.seed for record in results.runs if record.status is Status.STOPPED]
    with run(study, folder, workers=1, first=stopped + 1, progress=False) as continued:
        found = outcome(continued)
    for key, expected in unbroken(study, stopped).items():
        if isinstance(key, tuple) and key[1] != "layers":
            assert found[key] == expected, key


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
