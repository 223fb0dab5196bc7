"""Layers in a course's style that differ in training, in networks: against PyTorch and against runs alone."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from course_layers import DROPPERS, NORMALISERS, AffineLayer, BatchNormalizationLayer, DropoutLayer, InPlace
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import assert_close

from assay.data import Split
from assay.engines.base import Recipe, epoch_order, initial_state
from assay.engines.reference import ReferenceEngine
from assay.errors import UnsupportedError
from assay.nn import Linear
from assay.nn.coursework import FromCoursework
from assay.nn.loss import cross_entropy
from assay.nn.network import Network
from assay.optim import SGD
from assay.testing import gradient_check
from assay.testing.check import check_subject
from assay.testing.subject import Subject
from assay.training.train import Job, at_best, train
from assay.training.train import test as measure

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 4), dtype=np.uint8)
LABELS = np.arange(20) % 3
RECIPE = Recipe(SGD(lr=0.1), batch_size=5, dtype="float64")


def network(*layers):
    return Network((*map(FromCoursework, layers), Linear(3)), input_shape=(4,))


def session_of(net, seed=0, state=None, recipe=RECIPE):
    state = state or initial_state(net, recipe, seed)
    return ReferenceEngine().session(net, recipe, [seed], [state])


def trained(net, seed=0, epochs=(1, 2), state=None):
    session = session_of(net, seed, state)
    for epoch in epochs:
        session.train_epoch(IMAGES, LABELS, epoch, lambda steps: None)
    return session


def values(session):
    (state,) = session.states()
    return {**state.weights, "scores": session.scores(IMAGES)[0]}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name in found:
        assert np.array_equal(found[name], expected[name]), name


def torch_trained(net, seed=0):
    """Return PyTorch's batch normalisation and linear layer after the same two epochs."""
    start = initial_state(net, RECIPE, seed).parameters
    module = torch.nn.Sequential(torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 3)).double()
    with torch.no_grad():
        module[1].weight[:] = torch.tensor(start["linear1.weight"])
        module[1].bias[:] = torch.tensor(start["linear1.bias"])
    rule = torch.optim.SGD(module.parameters(), lr=0.1)
    x, labels = torch.tensor(IMAGES / 255), torch.tensor(LABELS)
    for epoch in (1, 2):
        for batch in np.split(epoch_order(seed, 20, epoch), 4):
            rule.zero_grad()
            torch.nn.functional.cross_entropy(module(x[batch]), labels[batch]).backward()
            rule.step()
    return module


@pytest.mark.parametrize("kind", NORMALISERS)
def test_batch_normalisation_of_a_course_trains_and_evaluates_as_torchs(kind):
    net = network(kind())
    session, module = trained(net), torch_trained(net)
    with torch.no_grad():
        expected = module.eval()(torch.tensor(IMAGES / 255)).numpy()
        batch = module.train()(torch.tensor(IMAGES / 255)).numpy()
    assert_close("scores in evaluation", session.scores(IMAGES)[0], expected)
    assert not np.allclose(batch, expected)


def test_its_averages_are_buffers_that_agree_with_torchs():
    net = network(BatchNormalizationLayer())
    (state,), module = trained(net).states(), torch_trained(net)
    for name in ("running_mean", "running_var"):
        buffer = state.buffers[f"coursework1.state.{name}"]
        assert_close(name, buffer, getattr(module[0], name).numpy())


@pytest.mark.parametrize("kind", DROPPERS)
def test_dropout_of_a_course_changes_nothing_in_evaluation_as_torchs(kind):
    net, x = network(kind()), np.random.default_rng(1).normal(size=(6, 4))
    session = trained(net)
    expected = torch.nn.Dropout(0.5).eval()(torch.tensor(x)).numpy()
    (state,) = session.states()
    weights = {"linear1.weight": np.eye(3, 4), "linear1.bias": np.zeros(3)}
    found, _ = net.forward({**state.weights, **weights}, x)
    assert (found == expected[:, :3]).all()


@pytest.mark.parametrize("kind", DROPPERS)
def test_masks_follow_from_the_run_and_differ_from_step_to_step(kind):
    net, other, x = network(kind()), network(kind()), np.ones((6, 4))
    states = [initial_state(net, RECIPE, 0).weights, trained(net).states()[0].weights]
    for weights in states:
        masks = [
            net.forward_training(weights, x, lambda name, n=n: np.random.default_rng(n))[1][0].y
            for n in (0, 1)
        ]
        assert set(np.unique(masks)) == {0, 2}
        if kind.__name__ == "DrawsLate" and weights is states[0]:
            continue  # its generator is not there yet: the first draws are its own
        assert not np.array_equal(*masks)
        _, caches = other.forward_training(weights, x, lambda name: np.random.default_rng(1))
        assert np.array_equal(caches[0].y, masks[1])


@pytest.mark.parametrize("kind", [*NORMALISERS, *DROPPERS])
def test_gradients_are_those_of_the_training_pass(kind):
    layer, rng = FromCoursework(kind()), np.random.default_rng(2)
    x = rng.normal(size=(5, 4))
    params = {name: rng.normal(size=spec.shape) for name, spec in layer.parameters((4,)).items()}
    buffers = layer.buffers((4,))
    assert gradient_check(layer, x, {**buffers, **params}, training=True) == []
    assert gradient_check(layer, x, {**buffers, **params, "begun": np.ones(())}, training=True) == []


@pytest.mark.parametrize("kind", [*NORMALISERS, *DROPPERS])
def test_the_check_finds_them_right(kind):
    layer = FromCoursework(kind())
    assert check_subject(Subject(layer, kind.__name__), input_shape=(4,)).passed


def test_the_check_still_finds_a_wrong_mask():
    class OtherMask(DropoutLayer):
        def bprop(self, inputs, outputs, grads_wrt_outputs):
            return grads_wrt_outputs * self.mask[::-1]

    assert check_subject(Subject(FromCoursework(OtherMask()), "OtherMask"), input_shape=(4,)).mismatches


@pytest.mark.parametrize("kind", NORMALISERS)
def test_the_shape_of_the_output_is_asked_without_moving_any_average(kind):
    layer, x = kind(), np.random.default_rng(3).normal(size=(5, 4))
    wrapped = FromCoursework(layer)
    before = wrapped.buffers((4,))
    for _ in range(3):
        assert wrapped.output_shape((4,)) == (4,)
    assert_same(FromCoursework(layer).buffers((4,)), before)
    weights = {**initial_state(network(layer), RECIPE, 0).weights}
    network(layer).forward(weights, x)
    assert_same(FromCoursework(layer).buffers((4,)), before)


def test_evaluation_moves_nothing_of_a_layer_that_is_not_told_the_mode():
    class AlwaysMoves(BatchNormalizationLayer):
        def fprop(self, inputs):
            return super().fprop(inputs)

    net = network(AlwaysMoves())
    session = trained(net)
    before = values(session)
    session.evaluate(IMAGES, LABELS)
    assert_same(values(session), before)
    (state,) = session.states()
    assert (state.buffers["coursework1.state.running_mean"] != 0).all()


ACTIONS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(["train", "evaluate", "shape"])), min_size=2, max_size=8
)


@cache
def alone(kind, seed, epochs):
    return values(trained(network(kind(), AffineLayer(4, 4)), seed, range(1, epochs + 1)))


@settings(max_examples=25)
@given(ACTIONS, st.sampled_from([*NORMALISERS, *DROPPERS]))
def test_runs_that_share_a_layer_do_not_meet(actions, kind):
    shared = network(kind(), AffineLayer(4, 4))
    sessions, epochs = [session_of(shared, seed) for seed in (0, 1)], [0, 0]
    for run, action in actions:
        if action == "train":
            epochs[run] += 1
            sessions[run].train_epoch(IMAGES, LABELS, epochs[run], lambda steps: None)
        elif action == "evaluate":
            sessions[run].evaluate(IMAGES, LABELS)
        else:
            shared.layers[0].output_shape((4,))
    for run in (0, 1):
        assert_same(values(sessions[run]), alone(kind, run, epochs[run]))


@pytest.mark.parametrize("kind", [*NORMALISERS, *DROPPERS])
def test_nor_do_they_from_two_threads(kind):
    shared = network(kind())
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda seed: values(trained(shared, seed, range(1, 4))), (0, 1)))
    for seed in (0, 1):
        assert_same(found[seed], values(trained(network(kind()), seed, range(1, 4))))


@pytest.mark.parametrize("kind", [*NORMALISERS, *DROPPERS])
def test_a_run_continued_from_its_state_is_the_run_that_was_not_stopped(kind):
    net = network(kind(), AffineLayer(4, 4))
    (halfway,) = trained(net, epochs=[1]).states()
    again = network(kind(), AffineLayer(4, 4))
    assert_same(values(trained(again, epochs=[2], state=halfway)), values(trained(net)))


@pytest.mark.parametrize("kind", [*NORMALISERS, *DROPPERS])
def test_the_test_set_is_measured_with_the_state_of_the_best_epoch(kind):
    split = Split(IMAGES, LABELS)
    data = SimpleNamespace(train=split, valid=split, test=split, sample=split)
    net = network(kind())
    job = Job(ReferenceEngine(), net, replace(RECIPE, epochs=3), (0,))
    runs = job.start()
    for count, _ in enumerate(train(job.session([runs[0].state]), data, runs, lambda steps: None), start=1):
        if count == 1:
            runs[0].history[0] = replace(runs[0].history[0], valid_accuracy=2.0)  # none will be better
    assert (len(runs[0].history), runs[0].best_epoch) == (3, 1)
    assert all(np.isfinite(layer.gradient_norm) for layer in runs[0].layers if layer.gradient_norm)
    (found,) = measure(at_best(job, runs), data)
    scores = trained(network(kind()), epochs=[1]).scores(IMAGES)[0]
    assert found.loss == pytest.approx(cross_entropy(scores, LABELS).mean())


def test_a_second_run_starts_from_what_the_layer_was_made_with():
    layer = AffineLayer(4, 4)
    start = layer.weights.copy()
    trained(network(layer))
    assert (layer.weights == start).all()
    assert (initial_state(network(layer), RECIPE, 1).parameters["coursework1.params[0]"] == start).all()


def test_averages_in_single_precision_stay_there():
    recipe = Recipe(SGD(lr=0.1), batch_size=5)
    net = network(InPlace())
    session = session_of(net, recipe=recipe)
    session.train_epoch(IMAGES, LABELS, 1, lambda steps: None)
    (state,) = session.states()
    assert {value.dtype for value in state.buffers.values()} == {np.dtype("float32")}


def test_a_layer_may_make_its_parameters_when_it_sees_an_input():
    class Lazy(AffineLayer):
        def __init__(self):
            self.params = []

        def fprop(self, inputs):
            if not self.params:
                self.weights = np.random.uniform(size=(3, inputs.shape[1]))  # noqa: NPY002
                self.biases = np.zeros(3)
                self.params += [self.weights, self.biases]
            return super().fprop(inputs)

    layer = FromCoursework(Lazy())
    assert [spec.shape for spec in layer.parameters((4,)).values()] == [(3, 4), (3,)]
    assert check_subject(Subject(layer, "AffineLayer"), input_shape=(4,)).comparison.differences == ()
    assert layer.layer.params == []


class KeepsEveryMean(BatchNormalizationLayer):
    def __init__(self):
        super().__init__()
        self.means = []

    def moved(self, inputs):
        self.means.append(inputs.mean(axis=0))
        return inputs.mean(axis=0), inputs.var(axis=0)

    def fprop(self, inputs, stochastic=True):
        if not stochastic:
            return self.normalise(inputs, np.mean(self.means or [0.0], axis=0), self.running_var)
        return super().fprop(inputs, stochastic)


class FreshDice(DropoutLayer):
    def fprop(self, inputs):
        return inputs * np.random.default_rng().uniform(size=inputs.shape)


def test_refuses_what_cannot_be_carried_from_batch_to_batch():
    with pytest.raises(UnsupportedError, match="KeepsEveryMean in evaluation depends on more than"):
        initial_state(network(KeepsEveryMean()), RECIPE, 0)


def test_a_generator_made_without_a_seed_follows_from_the_runs():
    layer, x = FromCoursework(FreshDice()), np.ones((4, 6))
    one, other, again = (layer.forward_training({}, x, np.random.default_rng(seed))[0] for seed in (1, 2, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
