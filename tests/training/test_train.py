"""Epochs, the best of them, divergence; and that measuring or interrupting a run changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
from finishing import RULES, SHAPE, digest, finished, records
from hypothesis import given
from hypothesis import strategies as st
from tiny import CLASSES, weights_digest

from assay import engines, nn
from assay.data import Dataset, DataSpec, Split, load
from assay.engines import reference
from assay.engines.base import Evaluation, Session, State
from assay.engines.reference import ReferenceEngine
from assay.nn.network import Network
from assay.optim import SGD, Adam
from assay.optim.recipe import Recipe
from assay.stats.calibration import calibration_error, fit_temperature
from assay.study.architectures import ConvBlocks, Dense
from assay.training.checkpoints import load_progress, save_progress
from assay.training.train import Job, Progress, at_best, calibrated, train
from assay.training.train import test as measure


@pytest.fixture(scope="module")
def data(characters):
    return load(DataSpec(characters, train=101, valid=40, test=30))


def job(engine, architecture=None, seeds=(3,), epochs=3):
    network = (architecture or ConvBlocks(1, 4)).build(SHAPE, CLASSES)
    recipe = Recipe(Adam(lr=0.02, weight_decay=1e-4), batch_size=16, epochs=epochs)
    return Job(engines.engine(engine, network, recipe), network, recipe, tuple(seeds))


def test_evaluation_changes_nothing(engine, data):
    work = job(engine)
    session = work.session([work.start()[0].state])
    session.train_epoch(data.train.images, data.train.labels, 1, lambda step: None)
    before = digest(session.states()[0])
    first = session.evaluate(data.valid.images, data.valid.labels)[0]
    again = session.evaluate(data.valid.images, data.valid.labels)[0]
    assert digest(session.states()[0]) == before
    assert first.loss == again.loss
    assert np.array_equal(first.predicted, again.predicted)


def test_evaluating_or_not_makes_no_difference_to_training(engine, data):
    ends = []
    for measured in (True, False):
        work = job(engine)
        session = work.session([work.start()[0].state])
        for epoch in (1, 2):
            session.train_epoch(data.train.images, data.train.labels, epoch, lambda step: None)
            if measured:
                session.evaluate(data.test.images, data.test.labels)
        ends.append(digest(session.states()[0]))
    assert ends[0] == ends[1]


def test_the_test_set_does_not_touch_the_run(engine, data):
    work = job(engine)
    run = finished(work, data)
    before = digest(run.state), weights_digest(run.best)
    measure(at_best(work, [run]), data)
    assert (digest(run.state), weights_digest(run.best)) == before


def test_the_test_set_is_scored_once_for_its_result_and_its_calibration(engine, data, monkeypatch):
    work = job(engine)
    run = finished(work, data)
    session, scored = at_best(work, [run]), []
    name = "scores" if engine != "torch:cpu" else "_scores"
    score = getattr(session, name)
    monkeypatch.setattr(session, name, lambda images: scored.append(len(images)) or score(images))
    [tested] = measure(session, data)
    temperature, error = calibrated(session, data, tested)
    assert sum(scored) == len(data.test) + len(data.valid)
    assert error == calibration_error(session.scores(data.test.images)[0], data.test.labels, temperature)
    assert temperature == fit_temperature(session.scores(data.valid.images)[0], data.valid.labels)


def test_a_state_that_was_handed_out_is_no_part_of_the_session(engine, data):
    work = job(engine)
    start = work.start()[0].state
    kept = start.copy()
    session = work.session([start])
    session.train_epoch(data.train.images, data.train.labels, 1, lambda step: None)
    assert digest(start) == digest(kept)
    handed = session.states()[0]
    before = digest(handed)
    for name in handed.parameters:
        handed.parameters[name] += 1
    assert digest(session.states()[0]) == before


@pytest.mark.parametrize(
    "architecture", [ConvBlocks(2, 4, "average"), ConvBlocks(1, 4, "strided"), Dense((8,))]
)
def test_a_run_that_is_continued_ends_as_one_that_was_not_interrupted(engine, architecture, data):
    work = job(engine, architecture)
    whole = finished(work, data)
    for stop in (1, 2):
        part = finished(work, data, stop=stop)
        assert len(part.history) == stop
        rest = finished(work, data, [part])
        assert records(rest) == records(whole)
        assert digest(rest.state) == digest(whole.state)
        assert weights_digest(rest.best) == weights_digest(whole.best)


MASKED = (nn.Conv2d(3, 3), nn.BatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(CLASSES))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_what_rules_statistics_and_masks_remember_is_continued_too(rule, data, tmp_path):
    """Through the file that a killed run leaves behind."""
    network = Network(MASKED, SHAPE)
    work = Job(ReferenceEngine(), network, Recipe(rule, batch_size=16, epochs=2), (3,))
    whole = finished(work, data)
    save_progress(tmp_path / "part", finished(work, data, stop=1), {})
    rest = finished(work, data, [load_progress(tmp_path / "part", {})])
    assert records(rest) == records(whole)
    assert digest(rest.state) == digest(whole.state)
    assert weights_digest(rest.best) == weights_digest(whole.best)
    assert rest.state.buffers


def test_arms_of_one_seed_see_the_same_batches(data, monkeypatch):
    """Whatever their depth; watched where the reference engine takes them from."""
    batches, to_input = [], reference.to_input

    def watched(images, network, dtype):
        batches.append(images.tobytes())
        return to_input(images, network, dtype)

    monkeypatch.setattr(reference, "to_input", watched)
    for architecture in (ConvBlocks(1, 2), ConvBlocks(2, 3, "strided"), Dense((4,))):
        finished(job("reference", architecture, epochs=2), data)
    one, two, three = np.array_split(np.array(batches, dtype=object), 3)
    assert list(one) == list(two) == list(three)
    assert len(set(one)) > 2 * 7, "the two epochs should have batches of their own"


def test_no_sooner_trained_than_yielded(data):
    work = job("reference", epochs=4)
    runs = work.start()
    counts = [
        len(run.history) for [run] in train(work.session([runs[0].state]), data, runs, lambda step: None)
    ]
    assert counts == [1, 2, 3, 4]


class Scripted(Session):
    """Follows a script: (training loss, validation loss, validation accuracy) of each epoch, for each run."""

    def __init__(self, scripts):
        super().__init__(
            Dense((2,)).build(SHAPE, 2), Recipe(SGD(), epochs=len(scripts[0])), range(len(scripts))
        )
        self.scripts = scripts
        self.epoch = 0

    def train_epoch(self, images, labels, epoch, on_steps):
        assert epoch == self.epoch + 1
        self.epoch = epoch

    def scores(self, images):
        raise NotImplementedError

    def evaluate(self, images, labels):
        place = 0 if labels[0] == 0 else 1
        now = [script[self.epoch - 1] for script in self.scripts]
        right = [np.arange(10) < round(10 * entry[2]) for entry in now]
        return [
            Evaluation(entry[place], correct * 0, correct) for entry, correct in zip(now, right, strict=True)
        ]

    def states(self):
        return [state_of(self.network, self.epoch, run) for run in range(len(self.scripts))]

    def memory(self):
        raise NotImplementedError


def state_of(network, epoch, run):
    """Return a state with a buffer that tells whose it is, and when."""
    parameters = network.initialise(run)
    slots = {name: {} for name in parameters}
    return State(parameters, slots, epoch, {"w": np.array([epoch, run])})


def follow(*scripts):
    images, labels = np.zeros((4, 14, 14), np.uint8), np.zeros(4, np.int64)
    split, other = Split(images, labels), Split(images[:3], labels[:3] + 1)
    data = Dataset("script", ("a", "b"), split, other, other, False, "")
    session = Scripted(scripts)
    runs = [Progress(state_of(session.network, 0, run)) for run in range(len(scripts))]
    for _ in train(session, data, runs, lambda step: None):
        pass
    return runs


@given(st.lists(st.integers(0, 10), min_size=1, max_size=8))
def test_the_first_of_the_best_epochs_is_kept(tenths):
    [run] = follow([(1.0, 1.0, tenth / 10) for tenth in tenths])
    best = tenths.index(max(tenths)) + 1
    assert run.best_epoch == best
    assert run.best["w"][0] == best
    assert run.best_accuracy == max(tenths) / 10
    assert [record.epoch for record in run.history] == list(range(1, len(tenths) + 1))
    assert not run.diverged


@given(st.integers(0, 4), st.sampled_from([np.nan, np.inf]), st.booleans())
def test_a_loss_that_is_no_number_ends_its_run_and_no_other(at, bad, in_training):
    broken = [(1.0, 1.0, 0.1 * epoch) for epoch in range(5)]
    broken[at] = (bad, 1.0, 0.9) if in_training else (1.0, bad, 0.9)
    healthy = [(1.0, 1.0, 0.1 * epoch) for epoch in range(5)]
    one, other, third = follow(healthy, broken, healthy)
    assert other.diverged
    assert len(other.history) == at + 1
    assert other.best_epoch == at, "the epoch that diverged is never the best"
    assert other.state.step == at + 1
    assert [layer.epoch for layer in other.layers] == [epoch for epoch in range(at + 2) for _ in range(4)]
    for run in (one, third):
        assert not run.diverged
        assert len(run.history) == run.best_epoch == 5


def test_training_ends_when_no_run_is_left():
    runs = follow(
        [(np.nan, 1.0, 0.1)] * 5,
        [(1.0, 1.0, 0.1), (1.0, np.inf, 0.1), (1.0, 1.0, 0.1)] + [(1.0, 1.0, 0.1)] * 2,
    )
    assert [len(run.history) for run in runs] == [1, 2]
    assert [run.best_epoch for run in runs] == [0, 1]


def test_a_learning_rate_that_is_too_large_diverges_without_a_warning(engine, data):
    work = job(engine, ConvBlocks(1, 4))
    work = replace(work, recipe=replace(work.recipe, optimizer=SGD(lr=1e30)))
    run = finished(work, data)
    assert run.diverged
    assert len(run.history) < 3
