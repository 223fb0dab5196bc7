"""Writes small results folders with this version of assay: ``python tests/old_stores/make.py v3``.

They are kept as fixtures, so that a later version can be held to what was concluded from them.
"""

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from assay.records import machine
from assay.running.events import EpochEnded, Event, RunEnded
from assay.running.extend import extend
from assay.running.run import run
from assay.study.study import Study

HERE = Path(__file__).parent

LAYERS = [
    {"layer": "MaxPool2d", "kernel_size": 4},
    {"layer": "Conv2d", "out_channels": 4, "kernel_size": 3, "stride": 2, "weight_init": "HeNormal"},
    {"layer": "ReLU"},
    {"layer": "Flatten"},
    {"layer": "Linear"},
]
RATES = {"fast": {"optimizer": {"lr": 0.03}}, "slow": {"optimizer": {"lr": 0.003}}}


def tables(name: str, **more: Any) -> dict[str, Any]:
    """Return a study that trains in seconds and keeps kilobytes of weights, with ``more`` laid over."""
    return {
        "name": name,
        "question": "Does max pooling recognise characters better than average pooling?",
        "seeds": 4,
        "network": {"family": "Layers", "layers": LAYERS},
        "optimizer": {"rule": "Adam", "lr": 0.03, "weight_decay": 1e-5},
        "training": {"batch_size": 20, "epochs": 3},
        "data": {"source": "glyphs", "train": 1410, "valid": 94, "test": 188},
        "engine": "reference",
        "factors": {"reduction": reductions()},
        **more,
    }


def reductions() -> dict[str, Any]:
    """Return the two poolings as levels; a level replaces the whole list of layers."""
    return {
        name: {"network": {"layers": [{"layer": layer, "kernel_size": 4}, *LAYERS[1:]]}}
        for name, layer in (("max", "MaxPool2d"), ("average", "AvgPool2d"))
    }


def complete(folder: Path) -> None:
    """Write two factors with a control, margins, claims and published numbers."""
    claims = [
        {
            "sentence": "Max reads better than average.",
            "source": "table 1",
            "expect": ["max-fast > average-fast"],
        },
        {
            "sentence": "The rate matters more than the pooling.",
            "source": "table 2",
            "metric": "valid_best",
            "expect": ["max-fast > max-slow", "average-fast > max-slow"],
        },
        {
            "sentence": "Poolings take equally much memory.",
            "metric": "peak_memory",
            "expect": ["max-fast = average-fast"],
        },
        {
            "sentence": "Max has half the loss.",
            "metric": "test_loss",
            "expect": ["max-fast = 0.5 x max-slow"],
        },
        {"sentence": "Fast rates overfit.", "metric": "overfit", "expect": ["max-fast > max-slow"]},
    ]
    published = {
        "max-fast": {"test_accuracy": 0.42, "test_loss": 2.2},
        "average-slow": {"test_accuracy": 0.8, "steps_per_second": 212.0},
    }
    study = tables(
        "complete",
        control="average-slow",
        margin=2,
        margins={"loss": 1.2, "overfit": 1.0},
        claims=claims,
        published=published,
        published_images=15800,
        source="Somewhere (2018), table 1",
        factors={"reduction": reductions(), "rate": RATES},
    )
    run(Study.from_tables(study, "complete"), folder, workers=1).close()


def interim(folder: Path) -> None:
    """Write a study that was stopped in its fifth of eight runs."""
    claims = [{"sentence": "Max reads better.", "expect": ["max > average"]}]
    stopped(Study.from_tables(tables("interim", claims=claims), "interim"), folder, epochs=14)


def looked(folder: Path) -> None:
    """Write a study of three looks that was stopped a run and an epoch after the first."""
    study = Study.from_tables(tables("looked", seeds=12, looks=[3, 6, 12], control="average"), "looked")
    run(study, folder, workers=1, first=3).close()
    stopped(study, folder, epochs=4)


def failing(folder: Path) -> None:
    """Write arms that always learn, that mostly do, that diverge and that stay at chance level."""
    rules = {
        "right": {"optimizer": {"rule": "SGD", "lr": 1.5}},
        "low": {"optimizer": {"rule": "SGD", "lr": 0.1}},
        "high": {"optimizer": {"rule": "SGD", "lr": 1e30}},
        "none": {"optimizer": {"rule": "SGD", "lr": 1e-9}},
    }
    claims = [{"sentence": "High rates never learn.", "expect": ["high never learns", "right > none"]}]
    study = tables("failing", optimizer={}, claims=claims, control="right", factors={"rate": rules})
    run(Study.from_tables(study, "failing"), folder, workers=1).close()


def extended(folder: Path) -> None:
    """Write a study of five seeds whose first three were seen before."""
    parent = folder.with_name("parent")
    run(Study.from_tables(tables("extended", seeds=3), "extended"), parent, workers=1).close()
    extend(parent, 5, folder, workers=1).close()
    shutil.rmtree(parent)


def stopped(study: Any, folder: Path, epochs: int) -> None:
    """Run a study until so many epochs have ended, as if its user had interrupted it then."""
    ended = 0

    def on_event(event: Event) -> None:
        nonlocal ended
        ended += isinstance(event, EpochEnded)
        if ended == epochs and not isinstance(event, RunEnded):
            raise KeyboardInterrupt

    try:
        run(study, folder, workers=1, on_event=on_event).close()
    except KeyboardInterrupt:
        return
    raise AssertionError(f"{study.name} came to its end, expected to stop it after {epochs} epochs")


def settle(database: Path) -> None:
    """Leave nothing beside the database: a reader, which may not write, keeps its log and index."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def main(version: str) -> None:
    """Write every folder anew under ``version``; the names of processor and machine are left out."""
    machine.processor, machine.host = lambda: "some processor", lambda: "some machine"
    for write in (complete, interim, looked, failing, extended):
        folder = HERE / version / write.__name__
        shutil.rmtree(folder, ignore_errors=True)
        write(folder)
        settle(folder / "results.db")
        print(folder, sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))


if __name__ == "__main__":
    main(sys.argv[1])
