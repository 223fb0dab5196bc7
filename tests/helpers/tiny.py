"""A study that trains in a second or less: few drawn characters, halved in size, in a folder of IDX files.

Imports little, so that a process which is there to be killed starts quickly.
"""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from assay.data.glyphs import draw
from assay.data.idx import write_idx
from assay.data.outline import Outline
from assay.results import Results
from assay.shapes import Shape
from assay.store.weights import load_weights, path_of
from assay.study.study import Study, tables

ENGINES = ["reference", "numba", "torch:cpu"]
CLASSES = 6
TRAIN, VALID, TEST = 150, 40, 61


def write_characters(folder: Path) -> str:
    """Write the first six classes of the drawn characters at 14 x 14, and return the folder as a source."""
    for part, purpose, count in (("train", "train", 1880), ("t10k", "test", 940)):
        images, labels = draw(count, 0, purpose)
        kept = labels < CLASSES
        small = images[kept].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
        write_idx(folder / f"{part}-images-idx3-ubyte", np.rint(small).astype(np.uint8))
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels[kept].astype(np.uint8))
    return f"idx:{folder}"


def tiny_tables(source: str = "glyphs", **changes: Any) -> dict[str, Any]:
    """Return two arms, two seeds and three epochs whose last batch is short, with ``changes`` laid over."""
    values = {
        "name": "tiny",
        "question": "Does max pooling recognise characters better than average pooling?",
        "seeds": [0, 1],
        "control": "average",
        "network": {"family": "ConvBlocks", "layers": 1, "filters": 6},
        "optimizer": {"rule": "Adam", "lr": 0.03, "weight_decay": 1e-5},
        "training": {"batch_size": 16, "epochs": 3},
        "data": {"source": source, "train": TRAIN, "valid": VALID, "test": TEST},
        "engine": "reference",
        "factors": {
            "reduction": {
                "max": {"network": {"reduction": "max"}},
                "average": {"network": {"reduction": "average"}},
            }
        },
    }
    merged = tables.merge(values, changes)
    return {**merged, "factors": changes.get("factors", values["factors"])}


def sizes(shape: Shape = (1, 28, 28), classes: int = 47, train: int = TRAIN) -> Outline:
    """Return an outline of data of this shape."""
    return Outline(train, VALID, TEST, shape, classes)


def tiny_study(source: str, **changes: Any) -> Study:
    """Return `tiny_tables` as a study."""
    return Study.from_tables(tiny_tables(source, **changes), "tiny.toml")


def outcome(results: Results) -> dict[Any, Any]:
    """Return all that a study found, times left out: rows, epochs, layers, answers, SHA-256 of weights."""
    found: dict[Any, Any] = {}
    for run in results.runs:
        found[run.id] = replace(
            run, steps_per_second=None, seconds_per_epoch=None, evaluation_seconds_per_epoch=None
        )
        found[run.id, "epochs"] = [
            repr(replace(record, seconds=0, steps_per_second=0, evaluation_seconds=0))
            for record in results.epochs(run.id)
        ]
        found[run.id, "layers"] = results.layers(run.id)
        if run.test:
            found[run.id, "correct"] = results.correct(run.id).tobytes()
            found[run.id, "predicted"] = results.store.predicted(run.id).tobytes()
            found[run.id, "weights"] = weights_digest(load_weights(path_of(results.folder, run.id)))
    return found


def weights_digest(weights: dict[str, np.ndarray]) -> str:
    """Return a SHA-256 of weights."""
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        digest.update(f"{name} {value.dtype} {value.shape}".encode() + value.tobytes())
    return digest.hexdigest()
