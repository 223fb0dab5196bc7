"""Networks that cannot learn are caught, and the right cause is named; those that can are left alone."""

import re
from dataclasses import replace
from math import log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy
from tiny import CLASSES, tiny_study

from assay import engines, nn
from assay.data import DataSpec, load
from assay.nn.init import Constant
from assay.nn.network import Network
from assay.optim import SGD, Adam, AdamW, RMSprop
from assay.optim.penalties import L2
from assay.optim.recipe import Recipe
from assay.records.runs import EpochRecord, LayerRecord, Status
from assay.running.run import run
from assay.study.architectures import ConvBlocks, Dense
from assay.training.causes import chance, stuck, why_diverged, why_stuck
from assay.training.train import Job, train

SHAPE = (1, 14, 14)


@pytest.fixture(scope="module")
def data(characters):
    return load(DataSpec(characters, train=150, valid=40, test=61))


@pytest.fixture
def finding(data):
    """Train a network to its end, and return what is found: why it is stuck or diverged, or None."""

    def find(network, optimizer, epochs=3, engine="auto", **options):
        if not isinstance(network, Network):
            network = network.build(SHAPE, CLASSES)
        recipe = Recipe(optimizer, 10, epochs, **options)
        work = Job(engines.engine(engine, network, recipe), network, recipe, (0,))
        [progress] = work.start()
        for _ in train(work.session([progress.state]), data, [progress], lambda step: None):
            pass
        if progress.diverged:
            return why_diverged(progress.history, progress.layers)
        found = stuck(progress.history, data.train.labels)
        return why_stuck(progress.layers, recipe, len(data.train)) if found else None

    return find


def dense(activation, hidden=2, **options):
    layers = [layer for _ in range(hidden) for layer in (nn.Linear(20, **options), activation)]
    return Network((nn.Flatten(), *layers, nn.Linear(CLASSES)), SHAPE)


def deep(reduction, layers, decay=1e-5, **options):
    """A network of the report's table 5, small, and its learning rule, ten times as fast."""
    return ConvBlocks(layers, 8, reduction, **options), Adam(lr=0.01, weight_decay=decay)


DECAY = r"^conv1, before the first step: the loss's gradient \(norm .*\) is smaller than that of weight decay"
FADES = r"The signal fades from layer to layer: what tells examples apart is .* behind (conv1|linear1)"


@pytest.mark.parametrize(("reduction", "layers"), [("average", 8), ("strided", 6), ("strided", 8)])
def test_networks_too_deep_for_their_initial_weights_follow_weight_decay(reduction, layers, finding):
    found = finding(*deep(reduction, layers))
    assert re.search(DECAY, found)
    assert re.search(FADES, found)


def test_what_is_advised_against_weight_decay_helps(finding):
    """The finding is a claim about a cause: without weight decay, or with larger weights, it learns."""
    assert "(try less weight decay)" in finding(*deep("strided", 6), epochs=8)
    assert finding(*deep("strided", 6, decay=0.0), epochs=8) is None
    assert finding(*deep("strided", 6, init="HeUniform"), epochs=8) is None


def test_where_less_weight_decay_would_not_help_it_is_not_advised(finding):
    """Sixteen convolutions: what is left of the gradient drowns in Adam's epsilon."""
    found = finding(*deep("strided", 8))
    assert "(try less weight decay)" not in found
    assert "without it no update would exceed" in found
    found = finding(*deep("strided", 8, decay=0.0))
    assert found.startswith("conv1: an update is at most ")
    assert re.search(FADES, found)


@pytest.mark.parametrize(("moves", "advised"), [(1e-3, True), (1e-6, False)])
def test_it_is_enough_that_one_layer_would_move_without_weight_decay(moves, advised):
    """Over 1,000 steps, of which one moves the second layer by this share."""
    layers = [
        LayerRecord(epoch, name, weights, 1e-9, 1e-5, 0.01, alone, None, 1.0)
        for epoch, weights in ((0, 5.0), (1, 1.0))
        for name, alone in (("conv1", 1e-9), ("conv2", moves))
    ]
    found = why_stuck(layers, Recipe(Adam(weight_decay=1e-5), 10, 1), 10_000)
    assert ("(try less weight decay)" in found) == advised
    assert (f"no update would exceed {moves:.2g} of a layer's weights" in found) != advised


def test_decoupled_weight_decay_is_not_blamed(finding):
    found = finding(ConvBlocks(8, 8, "average"), AdamW(lr=0.01))
    assert "weight decay" not in found
    assert re.search(FADES, found)


HEALTHY = [
    (ConvBlocks(2, 6, "average"), Adam(lr=0.01, weight_decay=1e-5)),
    (ConvBlocks(3, 6, "max"), Adam(lr=0.01, weight_decay=1e-5)),
    (ConvBlocks(2, 6, "strided"), Adam(lr=0.01, weight_decay=1e-5)),
    (Dense((20, 20)), Adam(lr=0.01)),
    (Dense((20, 20)), SGD(lr=0.2)),
    (Dense((20, 20)), RMSprop(lr=0.003)),
    (Dense((20, 20), batch_norm=True), SGD(lr=0.2)),
    (Dense((20, 20), hidden_dropout=0.2), Adam(lr=0.01)),
]


@pytest.mark.parametrize(("network", "optimizer"), HEALTHY)
def test_networks_that_learn_are_left_alone(network, optimizer, finding):
    assert finding(network, optimizer) is None


def test_units_dead_from_the_start(finding):
    found = finding(dense(nn.ReLU(), bias_init=Constant(-10.0)), Adam())
    assert found == (
        "relu1, before the first step: 100% of its units are dead, no gradient passes them "
        "(try another initialisation)"
    )


def test_sigmoids_that_are_saturated(finding):
    found = finding(dense(nn.Sigmoid(), weight_init=Constant(50.0)), SGD(lr=0.1))
    assert found.startswith("sigmoid1, before the first step: 100% of its units are dead")


def test_the_first_dead_layer_is_named(finding):
    layers = (nn.Flatten(), nn.Linear(20), nn.ReLU(), nn.Linear(20, bias_init=Constant(-99.0)), nn.ReLU())
    found = finding(Network((*layers, nn.Linear(CLASSES)), SHAPE), SGD(lr=0.01))
    assert found.startswith("relu2, before the first step: 100% of its units are dead")


@pytest.mark.parametrize("rate", [5, 50])
def test_a_learning_rate_that_is_too_large(rate, finding):
    found = finding(Dense((20, 20)), SGD(lr=rate))
    assert re.fullmatch(
        r"linear1, before the first step: one update is [\d.]+ times the size of its weights "
        r"\(try a smaller learning rate\)",
        found,
    )


def test_a_learning_rate_that_is_too_small(finding):
    found = finding(Dense((20, 20)), SGD(lr=1e-6))
    assert re.match(
        r"linear1: an update is at most \S+e-07 times the size of its weights, all 45 together", found
    )
    assert "(try a larger learning rate or more epochs)" in found


@pytest.mark.parametrize(("dtype", "lost"), [("float32", True), ("float64", False)])
def test_updates_below_rounding(dtype, lost, finding):
    found = finding(Dense((20, 20)), SGD(lr=1e-9), dtype=dtype, engine="reference")
    assert ("less than rounding keeps" in found) == lost


def test_a_signal_that_fades_in_sigmoids(finding):
    found = finding(dense(nn.Sigmoid(), hidden=8), Adam())
    assert found.startswith("sigmoid7, before the first step: it gives nearly the same whatever the example")
    assert re.search(FADES, found)


def test_a_penalty_that_leaves_nothing(finding):
    found = finding(Dense((20, 20)), SGD(lr=0.2), penalties=(L2(1.0),))
    assert found.startswith("linear1, before the first step: the loss's gradient")
    assert "is smaller than that of penalties" in found
    assert found.endswith("(try smaller penalties)")


def test_divergence_names_the_layer_the_last_loss_and_the_largest_update(finding):
    found = finding(Dense((20, 20)), SGD(lr=1e30))
    assert re.fullmatch(
        r"the loss was no longer finite after epoch 1; linear1 is the first layer whose weights are not "
        r"finite; no training loss was finite; before the first step, one update was [\d.]+e\+29 times the "
        r"size of the weights of linear1 \(try a smaller learning rate\)",
        found,
    )


def test_divergence_later_on(data):
    """Weights that grow without bound: the epoch before is the witness."""
    network = Network((nn.Flatten(), nn.Linear(20), nn.Linear(CLASSES)), SHAPE)
    recipe = Recipe(SGD(lr=1.0), 150, 60)
    work = Job(engines.engine("reference", network, recipe), network, recipe, (0,))
    [progress] = work.start()
    progress.state.parameters["linear2.weight"] *= 30
    for _ in train(work.session([progress.state]), data, [progress], lambda step: None):
        pass
    assert progress.diverged
    found = why_diverged(progress.history, progress.layers)
    last = progress.history[-2]
    assert f"no longer finite after epoch {last.epoch + 1}; " in found
    assert f"the last finite training loss was {last.train_loss:.3g} (epoch {last.epoch}); " in found
    assert f"after epoch {last.epoch}, one update was" in found


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60))
def test_chance_is_the_entropy_of_the_shares(labels):
    loss, accuracy = chance(np.array(labels))
    counts = np.bincount(labels)
    assert loss == pytest.approx(entropy(counts), abs=1e-12)
    assert accuracy == counts.max() / len(labels)


def test_chance_of_balanced_classes_is_ln_k():
    assert chance(np.arange(94) % 47) == (pytest.approx(log(47)), 1 / 47)


def epochs(*measured):
    return [EpochRecord(n, loss, accuracy, 0, 0, 1, 1) for n, (loss, accuracy) in enumerate(measured, 1)]


CHANCE = log(10)
LABELS = np.arange(100) % 10


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (epochs((CHANCE, 0.1)), True),
        (epochs((CHANCE, 0.3)), True),  # scores of one size: which is largest is luck
        (epochs((99.0, 0.1), (7.0, 0.11)), True),
        (epochs((CHANCE * 1.2, 0.1), (CHANCE * 0.98, 0.1)), False),
        (epochs((CHANCE * 0.98, 0.1), (CHANCE * 1.2, 0.1)), False),  # it had learnt, and lost it
        (epochs((99.0, 0.6)), False),  # wrong by far where it is wrong, but not often
        (epochs((CHANCE * 0.995, 0.1)), True),
        (epochs((CHANCE * 0.995, 0.4)), False),
        (epochs((CHANCE, 0.1), (nan, 0.1)), True),
        ([], False),
    ],
)
def test_stuck_is_who_never_did_better_than_guessing(history, expected):
    assert stuck(history, LABELS) == expected


def test_nothing_can_be_learnt_of_one_class():
    assert not stuck(epochs((0.0, 1.0)), np.zeros(9, np.int64))


def test_a_study_marks_its_stuck_runs_and_keeps_their_numbers(characters, tmp_path):
    factors = {"lr": {"good": {}, "none": {"optimizer": {"lr": 1e-9}}}}
    study = tiny_study(characters, factors=factors, control="good")
    with run(study, tmp_path) as results:
        for record in results.runs:
            assert record.status is Status.DONE
            assert record.stuck == (record.arm == "none")
            assert (record.message is None) == (record.arm == "good")
            assert record.outcome == ("done (stuck)" if record.stuck else "done")
            names = [
                node.name for node in study.arm(record.arm).settings.architecture.build(SHAPE, CLASSES).nodes
            ]
            found = [(layer.epoch, layer.layer) for layer in results.layers(record.id)]
            assert found == [(epoch, name) for epoch in range(4) for name in names]
        assert results.of("none")[0].message.startswith("conv1: an update is at most ")
        assert np.isfinite(results.accuracies("none")).all()
        assert [row["stuck"] for row in results.rows()] == [False, False, True, True]


def test_what_is_told_of_a_stuck_run_survives_a_resumption(data, tmp_path):
    """The examinations before the interruption count: by its end the run would tell another story."""
    architecture, optimizer = deep("average", 8)
    network = architecture.build(SHAPE, CLASSES)
    recipe = Recipe(optimizer, 10, 3)
    work = Job(engines.engine("reference", network, recipe), network, recipe, (0,))
    told = []
    for stops in ([], [1], [1, 2]):
        [progress] = work.start()
        for stop in [*stops, 3]:
            for _ in train(work.session([progress.state]), data, [progress], lambda step: None):
                if len(progress.history) == stop:
                    break
        told.append((progress.layers, why_stuck(progress.layers, recipe, len(data.train))))
    assert told[0] == told[1] == told[2]
    later = [replace(layer, epoch=layer.epoch - 1) for layer in told[0][0] if layer.epoch > 0]
    assert why_stuck(later, recipe, len(data.train)) != told[0][1]
