"""Results folders with plausible numbers, written through the store's own interface, without training."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from assay.records.runs import EpochRecord, LayerRecord, RunId, RunRecord, Status, TestResult
from assay.results import Results
from assay.store import Header, SQLiteStore
from assay.store.lookup import DATABASE
from assay.study.study import Study

TEST_IMAGES = 2000
EPOCHS = 8
LAYERED = 20
"""The last epoch whose layers are written, since they are most of the rows; no test looks for more."""
WHY = "conv1, before the first step: its gradient is small"


def make_study(arms: Sequence[str] = ("max", "average"), seeds: int = 5, **more: Any) -> Study:
    """Return a study with one factor whose levels are ``arms``."""
    levels = {arm: {"network": {"filters": 2 + index}} for index, arm in enumerate(arms)}
    tables = {
        "name": "pooling",
        "question": "Does max pooling recognise characters better than average pooling?",
        "seeds": seeds,
        "network": {"family": "ConvBlocks", "layers": 2, "filters": 16},
        "optimizer": {"rule": "Adam", "lr": 0.001},
        "training": {"epochs": EPOCHS},
        "data": {"source": "glyphs"},
        "factors": {"reduction": levels},
    }
    return Study.from_tables({**tables, **more}, "factory")


def make_results(
    folder: Path,
    study: Study | None = None,
    *,
    statuses: Mapping[tuple[str, int], Status] | None = None,
    correct: Mapping[str, Sequence[int]] | None = None,
    synthetic: bool = True,
    stuck: Collection[tuple[str, int]] = (),
) -> Results:
    """Write the results of a study into ``folder`` and open them.

    Runs are done unless ``statuses`` says otherwise; ``correct`` gives the number of correct answers out of
    2,000 by arm and seed, and is drawn where it is missing; ``stuck`` names runs that learnt nothing.
    """
    study, statuses = study or make_study(), statuses or {}
    folder.mkdir(parents=True, exist_ok=True)
    store = SQLiteStore.create(folder / DATABASE, make_header(study, synthetic))
    store.database.connection.execute("PRAGMA synchronous = OFF")  # waiting for the disk is tested elsewhere
    with store.together():
        for index, arm in enumerate(study.arms):
            for place, seed in enumerate(study.seeds):
                status = statuses.get((arm.name, seed), Status.DONE)
                given = correct[arm.name][place] if correct and arm.name in correct else None
                _write_run(
                    store,
                    RunId(arm.name, seed),
                    status,
                    index,
                    200 if (arm.name, seed) in stuck else given,
                    arm.settings.recipe.epochs,
                )
        for arm, seed in stuck:
            run = next(run for run in store.runs() if run.id == RunId(arm, seed))
            store.add_run(replace(run, stuck=True, message=WHY))
    store.close()
    return Results.open(folder)


def make_header(study: Study, synthetic: bool = True) -> Header:
    """Return a header as the runner writes it."""
    return Header(
        study=study.to_tables(),
        digest=study.digest,
        data_digest="1f" * 32,
        classes=tuple("0123456789"),
        synthetic=synthetic,
        sizes={"train": 8000, "valid": 1200, "test": TEST_IMAGES},
        versions={"assay": "0.1.0", "python": "3.11.9", "numpy": "2.4.6", "machine": "x86_64, 2 cores"},
    )


def _write_run(
    store: SQLiteStore, run: RunId, status: Status, index: int, given: int | None, whole: int = EPOCHS
) -> None:
    rng = np.random.default_rng([index, run.seed])
    right = (
        given if given is not None else round(TEST_IMAGES * (0.884 - 0.012 * index + rng.normal(0, 0.003)))
    )
    epochs = {Status.DONE: whole, Status.PENDING: 0}.get(status, whole // 2)
    broken = status is Status.DIVERGED
    records = [
        _epoch(epoch, right / TEST_IMAGES, rng, broken and epoch == epochs) for epoch in range(1, epochs + 1)
    ]
    for record in records:
        layers = [*(_layers(0, index, rng) if record.epoch == 1 else ()), *_layers(record.epoch, index, rng)]
        store.add_epoch(run, record, layers if record.epoch <= LAYERED else ())
    best = max(records, key=lambda record: record.valid_accuracy, default=None)
    done = status is Status.DONE
    record = RunRecord(
        arm=run.arm,
        seed=run.seed,
        status=status,
        engine="numba",
        parameters=10_314 + 512 * index,
        flops=1_254_400 + 80_000 * index,
        peak_memory=(38 + 3 * index) * 2**20 + 4096 * run.seed,
        memory_source="computed",
        epochs=epochs,
        best_epoch=best.epoch if best else None,
        valid_best=best.valid_accuracy if best else None,
        valid_final=records[-1].valid_accuracy if records else None,
        test=TestResult(0.36 + 0.04 * index + abs(rng.normal(0, 0.01)), right, TEST_IMAGES) if done else None,
        steps_per_second=records[-1].steps_per_second if records else None,
        seconds_per_epoch=records[-1].seconds if records else None,
        evaluation_seconds_per_epoch=records[-1].evaluation_seconds if records else None,
        train_best=best.train_accuracy if best else None,
        train_final=records[-1].train_accuracy if records else None,
        message="loss is not a number in epoch 4" if broken else None,
    )
    if done:
        answers = np.zeros(TEST_IMAGES, bool)
        answers[rng.permutation(TEST_IMAGES)[:right]] = True
        store.finish(record, np.zeros(TEST_IMAGES, np.int64), answers)
    else:
        store.add_run(record)


def _layers(epoch: int, index: int, rng: np.random.Generator) -> list[LayerRecord]:
    """Return how ``2 + index`` convolutions, each with a ReLU, and a linear layer fared."""
    found = []
    for place in range(1, 3 + index):
        gradient = float(10.0 ** rng.normal(-place, 0.1))
        found.append(LayerRecord(epoch, f"conv{place}", 5.0, gradient, 1e-5, 1e-3 * place, 1e-3, None, 0.1))
        found.append(LayerRecord(epoch, f"relu{place}", *[None] * 5, min(place, 8) / 8, 0.05))
    return [*found, LayerRecord(epoch, "linear1", 2.0, 0.5, 1e-5, 2e-3, 2e-3, None, 1.0)]


def _epoch(epoch: int, end: float, rng: np.random.Generator, broken: bool) -> EpochRecord:
    learnt = 1 - 0.9 * np.exp(-epoch / 1.6)
    valid = float(np.clip(end * learnt + rng.normal(0, 0.004), 0, 1))
    train = float(np.clip((end + 0.04) * learnt + rng.normal(0, 0.002), 0, 1))
    return EpochRecord(
        epoch=epoch,
        train_loss=float("nan") if broken else 3.2 * (1 - train) + 0.02,
        train_accuracy=train,
        valid_loss=float("nan") if broken else 3.4 * (1 - valid) + 0.05,
        valid_accuracy=valid,
        seconds=1.92 + abs(float(rng.normal(0, 0.05))),
        steps_per_second=41.5 + float(rng.normal(0, 0.5)),
        evaluation_seconds=0.48,
    )
