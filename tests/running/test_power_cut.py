"""When the power goes, whenever it does, a study's folder is what it was a while ago, and it is continued.

A study's system calls are recorded, and what they may leave is laid out after each of them. This tries some
of all that; ``tests/long/power_cuts.py`` tries thousands.
"""

import os
from pathlib import Path
from random import Random, randrange

import pytest
from outages import Recording
from strace import installed

EVERY = 20
"""One image in so many is looked at, and of these one in so many is continued."""

pytestmark = pytest.mark.skipif(
    not installed and not os.environ.get("CI"),
    reason="strace, which records a study's steps, is not installed",
)


@pytest.fixture(scope="module")
def recording(characters: str, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A study, from its first step to its last."""
    return Recording.of(characters, tmp_path_factory.mktemp("recorded"))


def test_whenever_power_is_lost_what_is_left_is_legal(recording: Recording, tmp_path: Path):
    """Nothing told is lost, nothing is half there, and no report is called current but the right one."""
    seed = randrange(1000)
    for number, (how, told, image) in enumerate(recording.images(Random(seed))):
        if number % EVERY != seed % EVERY:
            continue
        place = tmp_path / str(number)
        place.mkdir()
        try:
            recording.check(told, image, place)
            if number // EVERY % (2 * EVERY) == 0:
                recording.continued(place)
        except Exception as error:
            raise AssertionError(f"seed {seed}, {how}: {error}") from error


@pytest.mark.parametrize("kind", ["sync", "rename", "mkdir", "unlink"])
def test_the_log_is_one(recording: Recording, kind: str):
    """It has what images are made from: a study that never flushed would leave few of them."""
    assert sum(step.kind == kind for step in recording.steps) >= 4


def test_every_file_is_flushed_before_it_is_renamed_and_its_folder_after(recording: Recording):
    """All but the note, which says who is at work and counts for nothing."""
    steps = [step for step in recording.steps if step.path.startswith(recording.folder)]
    renames = [
        at for at, step in enumerate(steps) if step.kind == "rename" and "running.json" not in step.path
    ]
    assert len(renames) > 10
    for at in renames:
        path = steps[at].path
        before = [step.kind for step in steps[:at] if step.path == path]
        assert before[-1] == "sync", f"{path} is not flushed"
        after = next(step for step in steps[at + 1 :] if step.path != path)
        assert (after.kind, after.path) == ("sync", os.path.dirname(path))
