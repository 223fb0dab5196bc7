"""Runs that another study has trained already: the same settings, data, engine and seed give the same run."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from assay.records.runs import RunId, RunRecord, Status, layers_of_epoch
from assay.running.plan import Cohort, Plan
from assay.store import Store
from assay.store.readout import Readout
from assay.store.weights import identity_of, path_of, save_weights
from assay.study.design import Arm
from assay.study.own_classes import waiting


def take_over(plan: Plan, store: Store, folder: Path, sources: Iterable[Path]) -> list[RunId]:
    """Copy the runs of ``plan`` that the studies in the folders ``sources`` have ended, and return them.

    A run is copied whole: its epochs, layers, answers and weights. Runs that
    ``store`` already has are left alone, and those trained with another version of
    assay are not copied, as their bits might differ.
    """
    ended = {run.id for run in store.runs() if run.status.ended}
    missing = [run for run in plan.runs if run not in ended]
    taken: list[RunId] = []
    for source in sources:
        if missing:
            with Readout.open(source) as results:
                taken += _from(results, plan, store, folder, missing)
        found = set(taken)
        missing = [run for run in missing if run not in found]
    return taken


def _from(results: Readout, plan: Plan, store: Store, folder: Path, missing: list[RunId]) -> list[RunId]:
    header = store.header
    if (results.header.data_digest, results.header.versions.get("assay")) != (
        header.data_digest,
        header.versions.get("assay"),
    ):
        return []
    ended = {run.id: run for run in results.runs if run.status.ended}
    same = {
        name: _same(results.study.arms, plan.cohort(name), header.sizes)
        for name in {run.arm for run in missing}
    }
    taken = []
    for run in missing:
        for arm in same[run.arm]:
            found = ended.get(RunId(arm.name, run.seed))
            if found and found.engine == plan.cohort(run.arm).engine.name:
                _copy(results, found, store, folder, run)
                taken.append(run)
                break
    return taken


def _same(arms: Iterable[Arm], cohort: Cohort, sizes: Mapping[str, int]) -> list[Arm]:
    """Return the arms that train the same network with the same recipe, however their settings spell it.

    How epochs are measured matters if, with splits of these ``sizes``, a sample of the training images is
    not all of them.
    """
    alike = sizes["valid"] >= sizes["train"]
    recipe = cohort.recipe
    (classes,) = cohort.network.output_shape
    return [
        arm
        for arm in arms
        if (replace(arm.settings.recipe, measure=recipe.measure) if alike else arm.settings.recipe) == recipe
        and not waiting(arm.settings.architecture)  # other code than that of the plan
        and arm.settings.architecture.build(cohort.network.input_shape, classes) == cohort.network
    ]


def _copy(results: Readout, found: RunRecord, store: Store, folder: Path, run: RunId) -> None:
    """Copy one run, its record last, so that an interrupted copy is repeated."""
    if found.status is Status.DONE:
        identity = identity_of(run, store.header)
        save_weights(path_of(folder, run), results.weights(found.id), identity)
    layers = results.layers(found.id)
    for epoch in results.epochs(found.id):
        store.add_epoch(run, epoch, layers_of_epoch(layers, epoch.epoch))
    record = replace(found, arm=run.arm)
    if found.status is Status.DONE:
        store.finish(record, results.store.predicted(found.id), results.correct(found.id))
    else:
        store.add_run(record)
