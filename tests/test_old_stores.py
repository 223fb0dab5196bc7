"""From results that older versions wrote the same is concluded as when they were new.

``ASSAY_REWRITE=1 pytest tests/test_old_stores.py`` writes what is concluded now; the difference is to be read
before it is committed.
"""

import os
import shutil
from pathlib import Path

import pytest
from old_findings import snapshots

HERE = Path(__file__).parent / "old_stores"
STORES = sorted(path.parent for path in HERE.glob("v*/*/results.db"))


def test_every_version_has_its_stores():
    assert {f"{store.parent.name}/{store.name}" for store in STORES} >= {
        f"v2/{name}" for name in ("complete", "extended", "failing", "interim", "looked")
    }


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
