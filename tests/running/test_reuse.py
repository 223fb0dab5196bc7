"""Runs taken over from another study are the runs that would have been trained."""

from dataclasses import replace

import pytest
from tiny import outcome, tiny_study

from assay.errors import StoreError
from assay.records.runs import RunId, Status
from assay.results import Results
from assay.running import run as runner
from assay.running.events import Started
from assay.store.weights import load_weights, path_of

OTHER = {
    "name": "other",
    "control": "narrow",
    "factors": {
        "width": {
            "narrow": {"network": {"reduction": "max", "stride": 2}},  # which is its default
            "wide": {"network": {"reduction": "max", "filters": 7}},
        }
    },
}


@pytest.fixture(scope="module")
def earlier(characters, tmp_path_factory):
    folder = tmp_path_factory.mktemp("earlier")
    runner.run(tiny_study(characters), folder, workers=1).close()
    return folder


def run(study, folder, reuse=()):
    """Run a study and return its results with the runs that were trained for it."""
    trained = []
    watch = lambda event: trained.extend(event.pending) if isinstance(event, Started) else None  # noqa: E731
    return runner.run(study, folder, workers=1, reuse=reuse, on_event=watch), trained


def to_train(study, folder, reuse):
    """Begin a study and return the runs that would be trained for it; they are not."""
    pending = []

    def stop(event):
        if isinstance(event, Started):
            pending.extend(event.pending)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run(study, folder, workers=1, reuse=reuse, on_event=stop)
    return pending


def test_a_shared_arm_is_copied_bit_for_bit_and_the_rest_is_trained(characters, earlier, tmp_path):
    study = tiny_study(characters, **OTHER)
    whole, everything = run(study, tmp_path / "whole")
    shared, trained = run(study, tmp_path / "shared", [earlier])
    with whole, shared:
        assert {one.arm for one in everything} == {"narrow", "wide"}
        assert {one.arm for one in trained} == {"wide"}
        assert outcome(shared) == outcome(whole)
        for arm in ("narrow", "wide"):
            assert [r.arm for r in shared.of(arm)] == [arm, arm]


def test_weights_come_along(characters, earlier, tmp_path):
    shared, _ = run(tiny_study(characters, **OTHER), tmp_path, [earlier])
    shared.close()
    copied, original = (
        load_weights(path_of(folder, RunId(arm, 1)), {"arm": arm, "seed": 1})
        for folder, arm in ((tmp_path, "narrow"), (earlier, "max"))
    )
    assert {name: value.tobytes() for name, value in copied.items()} == {
        name: value.tobytes() for name, value in original.items()
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"training": {"epochs": 2}},
        {"engine": "numba"},
        {"optimizer": {"lr": 0.02}},
        {"network": {"filters": 5}},
    ],
)
def test_what_differs_in_anything_is_trained(changes, characters, earlier, tmp_path):
    assert len(to_train(tiny_study(characters, name="changed", **changes), tmp_path, [earlier])) == 4


def test_other_data_are_other_runs(characters, earlier, tmp_path):
    study = tiny_study(characters, name="changed", data={"train": 120})
    assert len(to_train(study, tmp_path, [earlier])) == 4


def test_more_seeds_are_trained_and_the_old_ones_kept(characters, earlier, tmp_path):
    results, trained = run(replace(tiny_study(characters), seeds=(0, 1, 2)), tmp_path, [earlier])
    with results, Results.open(earlier) as old:
        assert {one.seed for one in trained} == {2}
        assert results.accuracies("max")[:2].tolist() == old.accuracies("max").tolist()


def test_a_run_that_diverged_has_diverged(characters, tmp_path):
    study = tiny_study(characters, optimizer={"rule": "SGD", "lr": 1e30})
    first, _ = run(study, tmp_path / "first")
    second, trained = run(replace(study, name="again"), tmp_path / "second", [tmp_path / "first"])
    with first, second:
        assert trained == []
        assert all(one.status is Status.DIVERGED for one in second.runs)
        assert outcome(second) == outcome(first)


@pytest.mark.parametrize("given", [str, lambda folder: folder, lambda folder: iter([str(folder)])])
def test_one_folder_or_several_as_paths_or_text(given, characters, earlier, tmp_path):
    results, trained = run(tiny_study(characters), tmp_path, given(earlier))
    results.close()
    assert trained == []


def test_a_folder_without_results_is_refused_before_anything_is_made(characters, earlier, tmp_path):
    misspelt = earlier.with_name(f"{earlier.name[:-1]}x")
    with pytest.raises(StoreError, match=f"no results here .did you mean '{earlier}'"):
        run(tiny_study(characters, **OTHER), tmp_path / "out", [misspelt])
    assert not (tmp_path / "out").exists()
