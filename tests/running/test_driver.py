"""Runs that a worker trains side by side end as they end alone, whatever happens to some of them."""

import pytest
from cohorts import CohortEngine
from tiny import outcome, tiny_study

from assay import engines
from assay.engines.reference import ReferenceEngine
from assay.records.runs import RunId, Status
from assay.running.events import Compiling, EpochEnded, StepsTaken
from assay.running.run import run
from assay.store.weights import path_of

SEEDS = [0, 1, 2, 3, 4]
ARMS = ("max", "average")


@pytest.fixture
def study(characters):
    return tiny_study(characters, seeds=SEEDS)


def ran(study, folder, engine, monkeypatch, **options):
    monkeypatch.setitem(engines.ENGINES, "reference", lambda: engine)
    with run(study, folder, **options) as results:
        return outcome(results)


@pytest.fixture
def one_arm(characters):
    """The study without its control."""
    levels = {"reduction": {"max": {"network": {"reduction": "max"}}}}
    return tiny_study(characters, seeds=SEEDS, factors=levels, control="max")


def of_arm(found, arm):
    """Return what was found of an arm's runs."""
    return {
        key: what for key, what in found.items() if (key[0] if isinstance(key, tuple) else key).arm == arm
    }


@pytest.fixture(scope="module")
def alone(characters, tmp_path_factory):
    with run(tiny_study(characters, seeds=SEEDS), tmp_path_factory.mktemp("alone")) as results:
        return outcome(results)


@pytest.mark.parametrize(("runs", "count", "sizes"), [(2, 1, [2, 2]), (2, 2, [2, 2]), (3, 1, [2, 3])])
def test_side_by_side_or_alone(runs, count, sizes, one_arm, alone, tmp_path, monkeypatch):
    engine = CohortEngine(runs)
    assert ran(one_arm, tmp_path, engine, monkeypatch, workers=count) == of_arm(alone, "max")
    assert sorted(len(seeds) for seeds in engine.opened if len(seeds) > 1) == sizes


def test_both_arms_side_by_side(study, alone, tmp_path, monkeypatch):
    """Which also tell of their steps and epochs, run by run."""
    engine, events = CohortEngine(16), []
    assert ran(study, tmp_path, engine, monkeypatch, workers=2, on_event=events.append) == alone
    assert [len(seeds) for seeds in engine.opened if len(seeds) > 1] == [5, 5]
    expected = sorted(3 * [RunId(arm, seed) for arm in ARMS for seed in SEEDS], key=str)
    for kind in (StepsTaken, EpochEnded):
        assert sorted((event.run for event in events if isinstance(event, kind)), key=str) == expected


@pytest.mark.parametrize(
    ("room", "sizes"), [(3, [5, 2, 3]), (2, [5, 2, 3, 1, 2]), (1, [5, 2, 3, 1, 1, 1, 2, 1, 1])]
)
def test_where_memory_does_not_suffice_half_as_many_are_trained(
    room, sizes, one_arm, alone, tmp_path, monkeypatch
):
    engine = CohortEngine(16, room)
    assert ran(one_arm, tmp_path, engine, monkeypatch, workers=1) == of_arm(alone, "max")
    trained = [seeds for seeds in engine.opened if len(seeds) > 1]
    assert sorted(map(len, trained)) == sorted(size for size in sizes if size > 1)
    ends, runs = len(engine.opened) - len(sizes), len(SEEDS)
    assert 2 * runs <= ends <= 3 * runs, (
        "a run opens one more for the test set, and one or two for training's"
    )


def test_a_run_for_which_memory_does_not_suffice_alone_has_failed(one_arm, tmp_path, monkeypatch):
    monkeypatch.setitem(engines.ENGINES, "reference", lambda: CohortEngine(16, room=0))
    with run(one_arm, tmp_path) as results:
        assert {(record.status, record.message) for record in results.runs} == {
            (Status.FAILED, "MemoryError: no room")
        }


def test_an_error_in_a_session_of_several_costs_its_run_alone(study, alone, tmp_path, monkeypatch):
    """The others are trained without it, and what they have learnt by then is not trained again."""
    events = []
    engine = CohortEngine(16, broken=(3,))
    monkeypatch.setitem(engines.ENGINES, "reference", lambda: engine)
    with run(study, tmp_path, workers=1, on_event=events.append) as results:
        found = outcome(results)
    for arm in ARMS:
        for seed in SEEDS:
            name = RunId(arm, seed)
            epochs = [
                event.record.epoch for event in events if isinstance(event, EpochEnded) and event.run == name
            ]
            if seed == 3:
                assert (found[name].status, found[name].message) == (Status.FAILED, "ValueError: no luck")
                assert (epochs, found[name].epochs, found[name].best_epoch) == ([1], 1, 1)
            else:
                kept = [key for key in alone if name in (key, key[0] if isinstance(key, tuple) else None)]
                assert {key: found[key] for key in kept} == {key: alone[key] for key in kept}
                assert epochs == [1, 2, 3]
    assert (0, 1, 2, 3, 4) in engine.opened


def test_a_run_that_diverges_leaves_its_siblings_alone(study, alone, tmp_path, monkeypatch):
    events = []
    found = ran(study, tmp_path, CohortEngine(16, lost=(1, 3)), monkeypatch, on_event=events.append)
    for arm in ARMS:
        for seed in SEEDS:
            name = RunId(arm, seed)
            if seed in (1, 3):
                assert found[name].status is Status.DIVERGED
                assert found[name].epochs == 2 < alone[name].epochs
                for kind in (StepsTaken, EpochEnded):
                    told = [event for event in events if isinstance(event, kind) and event.run == name]
                    assert len(told) == 2, "nothing is told of a run that has ended"
            else:
                kept = [key for key in alone if name in (key, key[0] if isinstance(key, tuple) else None)]
                assert len(kept) > 4
                assert {key: found[key] for key in kept} == {key: alone[key] for key in kept}


def test_runs_that_have_come_to_different_epochs_are_continued(study, alone, tmp_path, monkeypatch):
    def stop(event):
        if isinstance(event, EpochEnded) and event.record.epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setitem(engines.ENGINES, "reference", lambda: CohortEngine(16))
    with pytest.raises(KeyboardInterrupt):
        run(study, tmp_path, workers=1, on_event=stop)
    path_of(tmp_path, RunId("max", 2), unfinished=True).unlink()
    engine = CohortEngine(16)
    assert ran(study, tmp_path, engine, monkeypatch) == alone
    assert {(0, 1, 3, 4), (2,)} <= set(engine.opened)


def test_a_worker_says_how_far_its_engine_is_with_compiling(characters, tmp_path, monkeypatch):
    """Before the arm's first step."""

    def prepare(engine, network, recipe, on_compiled):
        on_compiled(1, 2)
        on_compiled(2, 2)

    monkeypatch.setattr(ReferenceEngine, "prepare", prepare)
    events = []
    run(tiny_study(characters, seeds=1), tmp_path / "out", workers=1, on_event=events.append)
    first = next(index for index, event in enumerate(events) if isinstance(event, StepsTaken))
    assert events[first].run.arm == ARMS[0]
    told = [event for event in events[:first] if isinstance(event, Compiling)]
    assert told == [Compiling(ARMS[0], 1, 2), Compiling(ARMS[0], 2, 2)]


def test_a_run_names_the_machines_that_trained_it_once_each(characters, tmp_path, monkeypatch):
    """In their order, where it was continued on another: "node1" is not "node10"."""
    study = tiny_study(characters, seeds=[0])

    def stop(event):
        if isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    for host in ("node10", "node1", "node10"):
        monkeypatch.setattr("assay.records.machine.host", lambda host=host: host)
        with pytest.raises(KeyboardInterrupt):
            run(study, tmp_path, workers=1, on_event=stop)
    monkeypatch.setattr("assay.records.machine.host", lambda: "node2")
    with run(study, tmp_path, workers=1) as results:
        assert [found.host for found in results.runs] == ["node10, then node1, then node2", "node2"]
