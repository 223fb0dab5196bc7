"""Interrupted and read back from its file, a run ends bit for bit as if it had never been stopped.

`test_train.py` has the reference engine with every rule; here the other engines have every rule too, on a
network with all that is remembered or drawn: batch statistics, masks, distorted images.
"""

import numpy as np
import pytest
from finishing import RULES, SHAPE, digest, finished, records
from tiny import CLASSES, ENGINES, weights_digest

from assay import engines, nn
from assay.data import DataSpec, load
from assay.engines import reference
from assay.errors import UnsupportedError
from assay.nn.network import Network
from assay.optim import Adam, NAdam
from assay.optim.augment import Elastic, Rotate, Shift
from assay.optim.recipe import Recipe
from assay.study.architectures import ConvBlocks, Dense
from assay.training.checkpoints import load_progress, save_progress
from assay.training.train import Job

LACKING = {("numba", NAdam)}
NORM, DROPOUT = (nn.BatchNorm2d(),), (nn.Dropout(0.3),)
DISTORTED = (Shift(2), Rotate(10.0), Elastic(1.0, 4.0))


@pytest.fixture(scope="module")
def data(characters):
    return load(DataSpec(characters, train=101, valid=40, test=30))


def job(engine, rule, norm=NORM, dropout=DROPOUT, augment=DISTORTED, epochs=2):
    layers = (nn.Conv2d(3, 3), *norm, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), *dropout, nn.Linear(CLASSES))
    network, recipe = Network(layers, SHAPE), Recipe(rule, batch_size=16, epochs=epochs, augment=augment)
    return Job(engines.engine(engine, network, recipe), network, recipe, (3,))


def check(work, data, path):
    """Compare a run that is never stopped with one that is, after its first epoch."""
    whole = finished(work, data)
    save_progress(path, finished(work, data, stop=1), {})
    rest = finished(work, data, [load_progress(path, {})])
    assert records(rest) == records(whole)
    assert digest(rest.state) == digest(whole.state)
    assert weights_digest(rest.best) == weights_digest(whole.best)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "reference"])
def test_by_every_rule_and_engine(engine, rule, data, tmp_path):
    if (engine, type(rule)) in LACKING:
        with pytest.raises(UnsupportedError):
            job(engine, rule)
        return
    check(job(engine, rule), data, tmp_path / "part")


@pytest.mark.parametrize("without", ["norm", "dropout", "augment"])
@pytest.mark.parametrize("engine", ENGINES)
def test_with_or_without(engine, without, data, tmp_path):
    check(job(engine, Adam(lr=0.01), **{without: ()}), data, tmp_path / "part")


def test_the_first_thousand_examples_of_a_seed_are_alike_in_every_arm(data, monkeypatch):
    """Which they are and how each is distorted, whatever the arm's depth, rule or batch statistics."""
    seen = []
    augment = reference.augment

    def watched(images, batch, seed, epoch, transforms):
        distorted = augment(images, batch, seed, epoch, transforms)
        seen.append([(int(number), image.tobytes()) for number, image in zip(batch, distorted, strict=True)])
        return distorted

    monkeypatch.setattr(reference, "augment", watched)
    arms = [
        (Dense((4,)), Adam(lr=0.01)), (ConvBlocks(1, 2), RULES[0]), (ConvBlocks(2, 2, "strided"), RULES[-1]),
    ]  # fmt: skip
    by_seed = {}
    for architecture, rule in arms:
        for seed in (3, 4):
            network = architecture.build(SHAPE, CLASSES)
            recipe = Recipe(rule, batch_size=16, epochs=10, augment=DISTORTED)
            seen.clear()
            finished(Job(engines.engine("reference", network, recipe), network, recipe, (seed,)), data)
            first = [example for batch in seen for example in batch][:1000]
            assert len(first) == 1000
            by_seed.setdefault(seed, []).append(first)
    for found in by_seed.values():
        assert all(first == found[0] for first in found)
    (one, *_), (other, *_) = by_seed.values()
    numbers = np.array([[number for number, _ in one], [number for number, _ in other]])
    assert not np.array_equal(*numbers), "seeds have orders of their own"
    assert len({image for _, image in one}) > 950, "epochs have distortions of their own"
