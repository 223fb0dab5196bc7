"""A number that is not finite ends its run, wherever it comes from, and nothing is made of it."""

from dataclasses import replace
from math import inf, isfinite, nan

import numpy as np
import pytest
from poison import Poisoned, into
from sabotage import spoil
from tiny import outcome, tiny_study

from assay import engines
from assay.data import DataSpec, load
from assay.nn import BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU
from assay.nn.network import Network
from assay.optim import SGD, Adam
from assay.optim.penalties import L2
from assay.optim.recipe import Recipe
from assay.optim.schedules import ExponentialLR
from assay.records.runs import RunId, Status
from assay.running.run import run
from assay.training.causes import why_diverged
from assay.training.train import Job, train

NETWORK = Network((Conv2d(4, 3), BatchNorm2d(), ReLU(), MaxPool2d(2), Flatten(), Linear(6)), (1, 14, 14))
ADAM, MOMENTUM = Recipe(Adam(0.01), 16, 3), Recipe(SGD(0.01, momentum=0.9), 16, 3)
STEPS = 10
"""An epoch's, of 150 images; the last step has six."""
FIRST, SECOND, LAST = (epoch * STEPS + 1 for epoch in range(3))

STATES = {
    "a kernel in the first epoch": (ADAM, 1, into("conv1.weight", nan), FIRST),
    "a kernel in the last epoch": (ADAM, 3, into("conv1.weight", -inf), LAST),
    "a convolution's bias": (ADAM, 2, into("conv1.bias", inf), SECOND),
    "a scale": (ADAM, 2, into("batchnorm1.weight", nan), SECOND),
    "a shift": (ADAM, 2, into("batchnorm1.bias", inf), SECOND),
    "a weight": (ADAM, 2, into("linear1.weight", nan), SECOND),
    "a bias": (ADAM, 3, into("linear1.bias", nan), LAST),
    "a running mean": (ADAM, 2, into("batchnorm1.running_mean", nan), "batchnorm1.running_mean"),
    "a running variance": (ADAM, 2, into("batchnorm1.running_var", nan), "batchnorm1.running_var"),
    "an endless variance, which makes zeros": (
        ADAM, 3, into("batchnorm1.running_var", inf), "batchnorm1.running_var",
    ),
    "a first moment": (ADAM, 2, into("conv1.weight", nan, "exp_avg"), SECOND + 1),
    "a second moment": (ADAM, 1, into("linear1.weight", nan, "exp_avg_sq"), FIRST + 1),
    "an endless second moment, which stops a weight": (
        ADAM, 2, into("linear1.weight", inf, "exp_avg_sq"), "exp_avg_sq of linear1.weight",
    ),
    "a momentum": (MOMENTUM, 2, into("linear1.bias", inf, "momentum_buffer"), SECOND + 1),
}  # fmt: skip
"""What is put where, before which epoch, and the step, or the array, that shows it."""

RECIPES = {
    "a learning rate": Recipe(SGD(1e38), 16, 3),
    "a schedule": Recipe(SGD(1e-3), 16, 3, schedule=ExponentialLR(1e30)),
    "a penalty": Recipe(SGD(1.0), 16, 3, penalties=(L2(1e38),)),
}
"""Recipes with which weights overflow."""


@pytest.fixture(scope="module")
def data(characters):
    return load(DataSpec(characters, 150, 40, 61))


def trained(engine, recipe, data, change=lambda session: None, seeds=(0,)):
    job = Job(engines.ENGINES[engine](), NETWORK, recipe, seeds)
    runs = job.start()
    session = Poisoned(job.engine, NETWORK, recipe, seeds, [run.state for run in runs])
    change(session)
    with np.errstate(all="ignore"):
        for _ in train(session, data, runs, lambda step: None):
            pass
    return runs


def poisoned(epoch, poison, run=0):
    def change(session):
        session.epoch, session.poison, session.run = epoch, poison, run

    return change


def expect_ended(run, epoch):
    """A run that broke in an epoch has no later one, and that one is not its best."""
    assert run.diverged
    assert len(run.history) == epoch
    assert run.best_epoch < epoch
    assert all(np.isfinite(value).all() for value in run.best.values())
    why = why_diverged(run.history, run.layers, run.fault)
    assert f"epoch {epoch}" in why
    finite = [record.train_loss for record in run.history if isfinite(record.train_loss)]
    assert ("no training loss was finite" in why) == (not finite)
    assert not finite or f"the last finite training loss was {finite[-1]:.3g}" in why


@pytest.mark.parametrize("site", STATES)
def test_in_the_state(engine, site, data):
    recipe, epoch, poison, shown = STATES[site]
    (run,) = trained(engine, recipe, data, poisoned(epoch, poison))
    expect_ended(run, epoch)
    where = (
        f"at step {shown}, in epoch {epoch}" if isinstance(shown, int) else f"{shown} was no longer finite"
    )
    assert where in run.fault


@pytest.mark.parametrize("site", RECIPES)
def test_by_the_recipe(engine, site, data):
    (run,) = trained(engine, RECIPES[site], data)
    expect_ended(run, len(run.history))
    assert "was no longer finite" in run.fault
    assert len(run.history) < 3


@pytest.mark.parametrize("epoch", [1, 3])
def test_in_validation_alone(engine, epoch, data):
    def change(session):
        evaluate = session.evaluate

        def spoilt(images, labels):
            found = evaluate(images, labels)
            bad = (
                len(labels) == 40
                and session.states()[0].step == epoch * STEPS
                and images is data.valid.images
            )
            return [replace(one, loss=nan) for one in found] if bad else found

        session.evaluate = spoilt

    (run,) = trained(engine, ADAM, data, change)
    expect_ended(run, epoch)
    assert run.fault == f"the validation loss was not finite after epoch {epoch}"


class Bad(ReLU):
    """Spoils the third batch of training: what it passes on, or what it passes back."""

    kind = "relu"

    def __init__(self, way):
        object.__setattr__(self, "way", way)
        object.__setattr__(self, "seen", [])

    def forward_training(self, params, x, generator):
        self.seen.append(len(x))
        y, cache = self.forward(params, x)
        return (y * nan if self.way == "forward" and len(self.seen) == 3 else y), cache

    def backward(self, params, cache, dy):
        dx, gradients = super().backward(params, cache, dy)
        return (dx * inf if self.way == "backward" and len(self.seen) == 3 else dx), gradients


@pytest.mark.parametrize(("way", "step"), [("forward", 3), ("backward", 4)])
def test_in_a_layer_of_a_users(way, step, data, monkeypatch):
    layers = [Bad(way) if isinstance(layer, ReLU) else layer for layer in NETWORK.layers]
    monkeypatch.setitem(globals(), "NETWORK", Network(tuple(layers), NETWORK.input_shape))
    (run,) = trained("reference", ADAM, data)
    expect_ended(run, 1)
    assert run.fault == f"the loss was no longer finite at step {step}, in epoch 1"


@pytest.mark.parametrize("site", ["a weight", "an endless second moment, which stops a weight"])
def test_siblings_in_one_session_are_what_they_are_without_it(site, data):
    recipe, epoch, poison, _ = STATES[site]
    unharmed = trained("torch:cpu", recipe, data, seeds=(0, 1, 2))
    runs = trained("torch:cpu", recipe, data, poisoned(epoch, poison, run=1), seeds=(0, 1, 2))
    assert [run.diverged for run in runs] == [False, True, False]
    for each, expected in zip(runs[::2], unharmed[::2], strict=True):
        assert [replace(r, seconds=0, steps_per_second=0, evaluation_seconds=0) for r in each.history] == [
            replace(r, seconds=0, steps_per_second=0, evaluation_seconds=0) for r in expected.history
        ]
        for found, there in ((each.state.weights, expected.state.weights), (each.best, expected.best)):
            assert all(found[name].tobytes() == there[name].tobytes() for name in there)


def test_all_that_is_finite_is_no_fault(engine, data):
    (run,) = trained(engine, ADAM, data)
    assert (run.diverged, run.fault, len(run.history)) == (False, "", 3)


@pytest.mark.usefixtures("undrawn")
def test_a_study_counts_it_and_makes_no_mean_of_it(characters, tmp_path, monkeypatch):
    """One of three runs of an arm breaks in its second epoch; the others are what they are without it."""

    def spoilt(session):
        trained = session.train_epoch

        def train_epoch(images, labels, epoch, on_steps):
            if epoch == 2 and session.seeds == (1,):
                session._state.parameters["conv1.weight"][0] = nan
            trained(images, labels, epoch, on_steps)

        session.train_epoch = train_epoch

    def best(record):
        return record.valid_best

    study = tiny_study(characters, seeds=3)
    with run(study, tmp_path / "unharmed") as results:
        expected = outcome(results)
    spoil(monkeypatch, "reference", spoilt)
    with run(study, tmp_path / "out") as results:
        found = outcome(results)
        broken = [one for one in results.runs if one.status is Status.DIVERGED]
        assert {one.seed for one in broken} == {1}
        assert all(one.test is None and one.best_epoch == 1 for one in broken)
        assert all("at step 11, in epoch 2" in one.message for one in broken)
        assert all(list(np.isnan(results.counted(one.arm, best))) == [False, True, False] for one in broken)
        for key in expected:
            if (key if isinstance(key, RunId) else key[0]).seed != 1:
                assert found[key] == expected[key]
        results.write_report(tmp_path / "report.html")
        assert "Max failed on 1 of 3 seeds" in repr(results.findings())
    assert "1 seed diverged" in (tmp_path / "report.html").read_text("utf-8")
