"""Looking into a study that was trained, and into one of which something is gone."""

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import make_results, make_study
from tiny import TEST, tiny_study, write_characters

from assay.errors import StoreError, StudyError, UsageError
from assay.findings.findings import build
from assay.findings.inside import look_inside
from assay.findings.trained import load_test
from assay.records.runs import RunId, Status
from assay.report.html import render
from assay.results import Results
from assay.running.run import run
from assay.store import SQLiteStore
from assay.store.lookup import DATABASE


def test_the_best_arm_is_looked_into(trained: Results) -> None:
    means = {arm.name: trained.accuracies(arm.name).mean() for arm in trained.study.arms}
    inside = look_inside(trained)
    assert means[inside.arm] == max(means.values())
    assert inside.run.arm == inside.arm
    assert inside.missing == ""
    other = min(means, key=means.get)
    assert look_inside(trained, other).run.arm == other


def test_all_answers_are_in_the_confusion_matrix(trained: Results) -> None:
    test = load_test(trained)
    for arm in ("max", "average"):
        found = look_inside(trained, arm).confusion
        assert (found.arm, found.seeds, found.images) == (arm, 2, TEST)
        right = np.diag(found.shares) @ np.bincount(test.labels, minlength=len(found.classes))
        assert right / TEST == pytest.approx(trained.accuracies(arm).mean())


def test_at_a_look_only_networks_of_its_seeds_are_looked_into(tmp_path: Path, characters: str) -> None:
    """A run of the next seed is over, and is left out until the next look."""
    study = tiny_study(characters, seeds=4, looks=[3, 4], training={"epochs": 1})
    folder = tmp_path / "out"
    run(study, folder).close()
    with closing(SQLiteStore.open(folder / DATABASE, write=True)) as store:
        last = next(run for run in store.runs() if run.id == RunId("max", 3))
        store.add_run(replace(last, status=Status.RUNNING, test=None))
    results = Results.open(folder)
    assert (results.done, results.at_look().look.seeds) == (7, 3)
    for arm in ("max", "average"):
        inside = look_inside(results, arm)
        assert inside.confusion.seeds == len(results.at_look().counting(arm)) <= 3
        assert inside.run.seed < 3
    results.close()


def test_runs_that_learnt_nothing_choose_no_arm_and_confuse_nothing(trained: Results) -> None:
    """What is looked into is the arm whose printed mean is the highest, and its networks that learnt."""
    results = replace(trained)
    best = look_inside(trained).arm
    worst = min(trained.of(best), key=lambda run: run.test_accuracy)
    runs = [replace(run, stuck=run.id == worst.id) for run in trained.runs]
    results.__dict__["runs"] = runs
    inside = look_inside(results)
    assert (inside.arm, inside.confusion.seeds) == (best, 1)
    rows = {row.name: row.test.mean for row in build(results).arms}
    assert max(rows, key=rows.get) == best


def test_the_chosen_image_is_seen(trained: Results) -> None:
    test = load_test(trained)
    seen = look_inside(trained, image=7).features
    np.testing.assert_array_equal(seen.image, test.images[7])
    assert seen.true == trained.header.classes[test.labels[7]]


@pytest.mark.parametrize("image", [-1, TEST, 10**12])
def test_an_image_that_is_not_there_is_refused(trained: Results, image: int) -> None:
    with pytest.raises(UsageError, match=f"image {image}: the test set has images 0 to {TEST - 1}$"):
        look_inside(trained, image=image)


def test_arms_that_cannot_be_looked_into_are_refused(trained: Results, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="did you mean 'max'"):
        look_inside(trained, "maxx")
    statuses = {("max", seed): Status.DIVERGED for seed in range(2)}
    results = make_results(tmp_path, make_study(seeds=2), statuses=statuses)
    with pytest.raises(StoreError, match="no such run is finished"):
        look_inside(results, "max")


def test_without_a_finished_run_there_is_nothing_to_see(tmp_path: Path) -> None:
    statuses = {(arm, 0): Status.DIVERGED for arm in ("max", "average")}
    assert look_inside(make_results(tmp_path, make_study(seeds=1), statuses=statuses)) is None


@pytest.mark.usefixtures("undrawn")
def test_what_is_gone_is_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    results = run(tiny_study(write_characters(tmp_path / "data"), seeds=[0]), tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "weights")
    inside = look_inside(results)
    assert inside.confusion.images == TEST
    assert (inside.kernels, inside.features) == (None, None)
    assert "the weights are not at hand" in inside.missing
    shutil.rmtree(tmp_path / "data")
    results = Results.open(tmp_path / "out")  # the ones of `run` have the images that were just used
    inside = look_inside(results)
    assert (inside.confusion, inside.kernels, inside.features) == (None, None, None)
    assert inside.missing.startswith("The images are not at hand")
    assert inside.run == RunId(inside.arm, 0)
    page = render(build(results, inside))
    assert inside.missing.partition(".")[0] in page
    assert "Inside one network" not in page
