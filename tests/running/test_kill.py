"""A study that is killed, wherever it stands, is continued to the same numbers, bit for bit."""

import os
import random

import pytest
from killing import last_words, start, steps_of, two_by_two
from left import check_the_end, check_what_is_left
from tiny import outcome, tiny_study, tiny_tables

from assay.results import Results
from assay.running.run import run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")

EVERY = 30
"""One step in thirty is a study's last, others each time; ``tests/long/kills.py every`` has all of them."""


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
            steps = steps_of(tables_of(characters, engine), folder)
            with Results.open(folder) as results:
                found[engine] = outcome(results), steps
        return found[engine]

    return of


def continued(tables, folder, expected):
    run(tiny_study(tables["data"]["source"], **tables), folder, workers=2).close()
    check_the_end(folder, expected)


def test_the_study_has_many_steps(engine, unharmed):
    assert unharmed(engine)[1] > 100


def test_two_arms_of_two_seeds_are_killed_at_any_step_and_continued(characters, tmp_path):
    """Before or after any call that writes, or at a step of training."""
    tables = two_by_two(characters)
    _, steps = last_words(*start(tables, tmp_path / "unharmed"))
    assert steps > 200
    with Results.open(tmp_path / "unharmed") as results:
        expected = outcome(results)
    for at in range(1 + random.randrange(EVERY), steps + 1, EVERY):
        folder = tmp_path / str(at)
        told, finished = last_words(*start(tables, folder, at=at))
        assert finished is None, f"step {at} of {steps} should have been the last"
        check_what_is_left(folder, told, expected)
        continued(tables, folder, expected)


@pytest.mark.parametrize(
    ("engine", "share"), [("reference", 0.2), ("reference", 0.8), ("numba", 0.8), ("torch:cpu", 0.8)]
)
def test_killed_with_two_workers_and_any_engine(engine, share, characters, unharmed, tmp_path):
    """Before the first epochs have ended, and, with each engine, once there is something to go on from."""
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
