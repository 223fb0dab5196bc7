"""A results folder of any size, as a study would have written it, without training: rows drawn by chance."""

from dataclasses import asdict
from pathlib import Path
from random import Random

import numpy as np
from tiny import tiny_study

from assay.records.runs import EpochRecord, RunRecord, Status, TestResult
from assay.store import Header, SQLiteStore
from assay.store.lookup import DATABASE
from assay.study.study import Study

CLASSES, TEST = 47, 188


def large_study(arms: int, seeds: int, epochs: int) -> Study:
    """Return a study of so many arms, seeds and epochs."""
    rates = {f"rate-{at:03}": {"optimizer": {"lr": 0.001 + at / 1e5}} for at in range(arms)}
    changes = {"control": "rate-000", "data": {"train": 1410, "valid": 94, "test": TEST}}
    return tiny_study(
        "glyphs", name="large", seeds=seeds, training={"epochs": epochs}, factors={"rate": rates}, **changes
    )


def write_large(folder: Path, arms: int, seeds: int, epochs: int, *, done: bool = True) -> Path:
    """Write the study's store into ``folder``, every run done or just begun; return the folder."""
    study = large_study(arms, seeds, epochs)
    sizes = {"train": 1410, "valid": 94, "test": TEST}
    header = Header(
        study.to_tables(), study.digest, "cd" * 32, tuple(f"c{at}" for at in range(CLASSES)), True, sizes,
        {"assay": "0"}, 0.03,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    store = SQLiteStore.create(folder / DATABASE, header)
    random = Random(0)
    with store.together():
        for arm in study.arms:
            for seed in study.seeds:
                if done:
                    _put_run(store, arm.name, seed, epochs, random)
                else:
                    store.add_run(begun(arm.name, seed))
    store.close()
    return folder


def _put_run(store: SQLiteStore, arm: str, seed: int, epochs: int, random: Random) -> None:
    key = {"arm": arm, "seed": seed}
    records = [epoch_of(at, random) for at in range(1, epochs + 1)]
    store.database.put("epoch", *({**key, **asdict(record)} for record in records))
    correct = np.array([random.random() < 0.8 for _ in range(TEST)])
    predicted = np.array([random.randrange(CLASSES) for _ in range(TEST)], np.uint8)
    answers = {"correct": np.packbits(correct).tobytes(), "predicted": predicted.tobytes()}
    store.database.put("answer", {**key, **answers})
    store.database.put("test_opening", {**key, "at": "2026-01-01T00:00:00+00:00"})
    store.add_run(run_of(arm, seed, records, int(correct.sum())))


def begun(arm: str, seed: int) -> RunRecord:
    """Return the row of a run before its first epoch."""
    return RunRecord(arm, seed, Status.RUNNING, "reference", 1234, 5678, 0, "computed")


def epoch_of(at: int, random: Random) -> EpochRecord:
    """Return an epoch's record, of about what an epoch is like."""
    loss, accuracy = 3 / at + 0.1 * random.random(), 1 - 1 / (1 + at) - 0.1 * random.random()
    return EpochRecord(at, loss, abs(accuracy), loss + 0.1, 0.95 * abs(accuracy), 1.0, 100.0, 0.1)


def run_of(arm: str, seed: int, records: list[EpochRecord], correct: int) -> RunRecord:
    """Return the row of a run that is done."""
    best = max(records, key=lambda record: record.valid_accuracy)
    return RunRecord(
        arm, seed, Status.DONE, "reference", 1234, 5678, 91011, "computed", len(records), best.epoch,
        best.valid_accuracy, records[-1].valid_accuracy, TestResult(0.7, correct, TEST), 100.0, 1.0,
        train_best=0.9, train_final=0.95, evaluation_seconds_per_epoch=0.1, processor="some processor",
    )  # fmt: skip
