"""A store that is brought to this format is the old one or the new one, whenever the power goes."""

import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from random import Random, randrange

import pytest
from elsewhere import all_of
from power import Disk, lay_out
from strace import installed, recorded

from assay.store.migrations import OLDEST, STEPS, VERSION
from assay.store.salvage import sound

STORES = Path(__file__).parent.parent / "old_stores"
MIGRATE = (
    "import sys; from pathlib import Path; from assay.store import SQLiteStore;"
    "SQLiteStore.open(Path(sys.argv[1]), write=True).close()"
)


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_every_step_has_a_version_and_a_name_of_its_own():
    assert [step.version for step in STEPS] == [*range(OLDEST + 1, VERSION + 1)]
    assert len({step.name for step in STEPS}) == len(STEPS)


@pytest.mark.skipif(
    not installed and not os.environ.get("CI"), reason="strace, which records every step, is not installed"
)
@pytest.mark.parametrize("version", [OLDEST, VERSION - 1])
def test_a_migration_that_breaks_off_leaves_the_old_file(version: int, tmp_path: Path):
    """Or the new one, and the same is read of it. What a kill leaves is the image that keeps all.

    The formats between take some of the steps that the oldest takes all of.
    """
    before, root = tmp_path / "before", tmp_path / "disk"
    before.mkdir()
    shutil.copyfile(STORES / f"v{version}" / "complete" / "results.db", before / "results.db")
    shutil.copytree(before, root)
    command = [sys.executable, "-c", MIGRATE, str(root / "results.db")]
    steps = recorded(command, root, tmp_path / "log", {"PYTHONPATH": ":".join(sys.path)})
    assert version_of(root / "results.db") == VERSION
    found, seen, seed = set(), set(), randrange(1000)
    disk, random = Disk.holding(root, before), Random(seed)
    expected = all_of(before / "results.db")
    assert not isinstance(expected, str)
    for at, step in enumerate(steps):
        disk.after(step)
        for how, image in disk.images(random):
            if (what := frozenset(image.items())) in seen:  # many steps leave the same
                continue
            seen.add(what)
            place = tmp_path / "image"
            place.mkdir()
            lay_out(image, str(root), place)
            database = place / "results.db"
            assert sound(database) is None, f"seed {seed}, step {at}, {how}"
            assert repr(all_of(database)) == repr(expected), f"seed {seed}, step {at}, {how}"
            found.add(version_of(database))
            shutil.rmtree(place)
    assert found == {version, VERSION}, "no step of several may be taken alone"
