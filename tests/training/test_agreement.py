"""Legal checkpoints agree, whatever trained them, also where seeds have training sets of other sizes."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from finishing import RULES, SHAPE, finished
from tiny import CLASSES, ENGINES, tiny_tables

from assay import engines, nn
from assay.data import Dataset, DataSpec, load
from assay.errors import UnsupportedError
from assay.nn.network import Network
from assay.optim import Optimizer
from assay.optim.recipe import Recipe
from assay.running.events import EpochEnded
from assay.running.health import examine
from assay.running.run import run
from assay.study.study import Study
from assay.training import agreement
from assay.training.checkpoints import load_progress, save_progress
from assay.training.train import Job


@dataclass(frozen=True)
class Narrowing(Optimizer):
    """Remembers in another type than it begins with, of which `assay check` would say so."""

    kind: ClassVar[str] = "narrowing"

    def slots(self, theta):
        return {"m": np.zeros(theta.shape)}

    def step(self, theta, grad, slots, t, lr):
        velocity = (0.9 * slots["m"] + grad).astype(theta.dtype)
        return theta - lr * velocity, {"m": velocity}


@dataclass(frozen=True)
class Remembering(nn.Layer):
    """Remembers in double precision what it was given last."""

    kind: ClassVar[str] = "remembering"

    def output_shape(self, shape):
        return shape

    def buffers(self, shape):
        return {"mean": np.zeros(())}

    def forward(self, params, x):
        return x, None

    def forward_training(self, params, x, draw):
        return x, x.mean(dtype=np.float64)

    def backward(self, params, cache, dy):
        return dy, {}

    def updated_buffers(self, params, cache):
        return {"mean": cache}


@pytest.fixture(scope="module")
def data(characters):
    return load(DataSpec(characters, train=101, valid=40, test=30))


def faults(engine, rule, data, path: Path, *more, dtype="float32") -> list[str]:
    """Train an epoch, save and load it, and return what does not agree."""
    layers = (nn.Conv2d(3, 3), nn.BatchNorm2d(), *more, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    network, recipe = Network((*layers, nn.Linear(CLASSES)), SHAPE), Recipe(rule, 16, 2, dtype=dtype)
    job = Job(engines.engine(engine, network, recipe), network, recipe, (3,))
    save_progress(path, finished(job, data, stop=1), {})
    progress = load_progress(path, {})
    return [
        *chain(
            agreement.against_network(progress.state, network, recipe),
            agreement.against_itself(progress, recipe, len(data.train)),
        )
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_keeps_what_the_network_says(engine, data, tmp_path):
    trained = 0
    for rule in RULES[:: 1 if engine == "reference" else 3]:
        for dtype in ("float64", "bfloat16"):
            try:
                assert faults(engine, rule, data, tmp_path / "part", dtype=dtype) == []
            except UnsupportedError:
                continue
            trained += 1
    assert trained >= 2


def test_a_users_own_code_may_remember_in_other_types(data, tmp_path):
    assert faults("reference", Narrowing(0.01), data, tmp_path / "part") == []
    assert faults("reference", RULES[0], data, tmp_path / "part", Remembering()) == []


def test_seeds_with_training_sets_of_other_sizes_are_continued(characters, tmp_path):
    """Whole groups, drawn for every seed: an epoch of one has 9 steps, of another 10."""
    whole = load(characters)
    groups = np.repeat(np.arange(12), [1, 40, 3, 30, 5, 7, 50, 9, 11, 13, 20, 11])
    spec = DataSpec("array", split="per-seed", groups="group")
    images = whole.train.images[:200].reshape(-1, 14, 14)
    given = Dataset.from_arrays(images, whole.train.labels[:200], groups=groups, spec=spec)
    tables = tiny_tables(seeds=[0, 1], training={"epochs": 2}) | {"data": {"source": "array"}}
    study = Study.from_tables(tables, "grouped")
    sizes = [given.training_images(seed) for seed in study.seeds]
    assert len({-(-size // 16) for size in (*sizes, len(given.train))}) > 1, sizes

    def stop(event):
        if isinstance(event, EpochEnded) and event.record.epoch == 1:
            raise KeyboardInterrupt

    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            run(study, tmp_path / "out", workers=1, on_event=stop, data=given)
        assert examine(tmp_path / "out")[1] == []
    with run(study, tmp_path / "out", workers=1, progress=False, data=given) as results:
        assert results.complete
