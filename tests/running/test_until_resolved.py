"""A study that is run until it is resolved stops where its looks say, however often it was interrupted."""

import os

import pytest
from killing import last_words, start
from sabotage import fail_at_the_end, spoil
from tiny import outcome, tiny_study, tiny_tables

from assay.errors import UsageError
from assay.findings.comparisons import family_of, over, resolved
from assay.findings.findings import build
from assay.results import Results
from assay.running.events import Loading, Looked, RunEnded, StepsTaken
from assay.running.run import run
from assay.running.until_resolved import run_until_resolved, with_looks
from assay.stats import Verdict
from assay.study.study import Study

SOON, NEVER = 90.0, 0.5
"""Margins within which every difference is, and none can be shown to be."""
LOOKS = [3, 4, 5]
CHANGES = {"seeds": 5, "looks": LOOKS, "training": {"epochs": 4}}


def study(source, margin=SOON, **changes):
    return tiny_study(source, **{**CHANGES, "margin": margin, **changes})


def look_of(results):
    look = results.at_look().look
    return look and (look.number, look.seeds)


@pytest.fixture(scope="module")
def soon(characters, tmp_path_factory):
    """A study that its first look resolved, what it told meanwhile, and what its runs found."""
    folder, events = tmp_path_factory.mktemp("soon"), []
    with run_until_resolved(study(characters), folder, on_event=events.append) as results:
        return folder, events, outcome(results)


def test_it_stops_at_the_look_that_resolves_it(soon):
    folder, events, _ = soon
    with Results.open(folder) as results:
        assert (look_of(results), results.done, len(results.runs)) == ((1, 3), 6, 6)
        assert resolved(results)
        assert not results.complete
        report = build(results)
    assert report.stamp == "resolved at look 1 of 3"
    assert report.family.pairs[0].judgement.verdict is Verdict.EQUIVALENT
    (looked,) = (event for event in events if isinstance(event, Looked))
    assert (looked.look.seeds, looked.family) == (3, report.family)
    assert sum(isinstance(event, Loading) for event in events) == 1


def test_it_goes_on_to_the_last_look_where_nothing_decides(characters, tmp_path):
    events = []
    with run_until_resolved(study(characters, NEVER), tmp_path, on_event=events.append) as results:
        assert (results.complete, look_of(results)) == (True, (3, 5))
    assert [event.look.seeds for event in events if isinstance(event, Looked)] == LOOKS
    assert sum(isinstance(event, Loading) for event in events) == 1  # for all looks


@pytest.mark.parametrize("call", [run, run_until_resolved])
def test_once_resolved_no_call_trains_anything(call, characters, soon):
    folder, *_ = soon
    events = []
    with call(study(characters), folder, on_event=events.append) as results:
        assert (results.done, over(results)) == (6, True)
    assert events == []


def test_a_plain_run_of_declared_looks_goes_to_its_end(characters, tmp_path):
    """Also one that was stopped between looks: what it began it ends."""
    interrupted(study(characters), tmp_path, run, 9)
    with Results.open(tmp_path) as results:
        assert resolved(results)
        assert not over(results)
    with run(study(characters), tmp_path) as results:
        assert (results.complete, look_of(results)) == (True, (3, 5))


def test_its_runs_are_those_of_the_study_run_at_once(characters, soon, tmp_path):
    *_, found = soon
    with run(study(characters), tmp_path) as results:
        whole = outcome(results)
        assert family_of(results).seeds == 5
    assert found.items() <= whole.items()
    assert len(found) < len(whole)


def interrupted(of, folder, call, runs):
    """Stop a study, as Ctrl-C does, in the middle of the run that comes after so many."""
    ended = []

    def stop(event):
        if isinstance(event, RunEnded):
            ended.append(event)
        if len(ended) >= runs and isinstance(event, StepsTaken):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(of, folder, workers=1, on_event=stop)


@pytest.fixture(scope="module")
def undecided(characters):
    """A study that goes on to its last look."""
    return tiny_tables(characters, **CHANGES, margin=NEVER)


@pytest.fixture(scope="module")
def unharmed(undecided, tmp_path_factory):
    """What that study comes to when nobody stops it, and in how many steps."""
    folder = tmp_path_factory.mktemp("unharmed")
    _, steps = last_words(*start(undecided, folder, call=run_until_resolved))
    with Results.open(folder) as results:
        return end_of(results), steps


def end_of(results):
    return outcome(results), look_of(results), build(results).answer


@pytest.mark.parametrize("runs", [2, 7])
def test_interrupted_it_continues_to_the_same_end(runs, characters, undecided, unharmed, tmp_path):
    """Before the first look and between the first and the second."""
    same = tiny_study(characters, **undecided)
    interrupted(same, tmp_path, run_until_resolved, runs)
    with run_until_resolved(same, tmp_path) as results:
        assert end_of(results) == unharmed[0]


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
@pytest.mark.parametrize("share", [0.3, 0.95])
def test_killed_it_continues_to_the_same_end(share, characters, undecided, unharmed, tmp_path):
    expected, steps = unharmed
    assert steps > 100
    _, finished = last_words(*start(undecided, tmp_path, at=int(share * steps), call=run_until_resolved))
    assert finished is None
    with run_until_resolved(tiny_study(characters, **undecided), tmp_path) as results:
        assert end_of(results) == expected


def test_a_budget_that_is_used_up_ends_it_and_another_continues_it(characters, tmp_path):
    many = study(characters, NEVER, training={"epochs": 3})
    with run_until_resolved(many, tmp_path, budget=1e-9, workers=1) as results:
        assert results.done == 0
        assert build(results).stamp == "stopped at 0/10"
    with run_until_resolved(many, tmp_path, budget=1e6) as results:
        assert results.complete


@pytest.mark.parametrize("budget", [0, -1, float("nan")])
def test_a_budget_is_some_time(budget, characters, tmp_path):
    with pytest.raises(UsageError, match="budget must be > 0 seconds"):
        run_until_resolved(study(characters), tmp_path, budget=budget)


def test_a_failed_run_ends_it_before_the_look(characters, tmp_path, monkeypatch):
    spoil(monkeypatch, "reference", lambda session: fail_at_the_end(session, RuntimeError("broken")))
    with run_until_resolved(study(characters), tmp_path) as results:
        assert (results.done, look_of(results), len(results.runs)) == (0, None, 6)
    monkeypatch.undo()
    with run_until_resolved(study(characters), tmp_path) as results:
        assert results.done == 0, "failed runs are left alone"
    with run_until_resolved(study(characters), tmp_path, retry_failed=True) as results:
        assert resolved(results)


def test_looks_are_declared_before_it_starts():
    plain = tiny_study("glyphs", seeds=5)
    assert (with_looks(plain).looks, with_looks(plain).seeds) == ((5, 10, 20), tuple(range(20)))
    assert with_looks(tiny_study("glyphs", seeds=[7, 3, 9])).seeds[:4] == (7, 3, 9, 0)
    declared = study("glyphs")
    assert with_looks(declared) is declared
    assert with_looks(plain).digest != plain.digest


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"seeds": 2, "looks": []}, "the study's number of seeds, at least 3; got 2"),
        ({"factors": {}, "control": None, "looks": [3, 5]}, "one arm, so there is nothing to resolve"),
    ],
)
def test_what_cannot_be_resolved_is_refused(changes, found, tmp_path):
    tables = {**tiny_tables(), **CHANGES, **changes}
    study = Study.from_tables({key: value for key, value in tables.items() if value is not None}, "my.toml")
    with pytest.raises(UsageError, match=found):
        run_until_resolved(study, tmp_path)
