"""Measurements of engines: what is counted, and what is kept of it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from assay import nn
from assay.engines import speed
from assay.engines.narrowed import LARGE, narrowed
from assay.engines.reference import ReferenceEngine, ReferenceSession
from assay.nn.network import Network
from assay.optim import SGD, Adam
from assay.optim.penalties import L2
from assay.optim.recipe import Recipe
from assay.optim.schedules import StepLR
from assay.records import observations
from assay.study.architectures import Dense

NETWORK = Dense((3,)).build((1, 4, 4), 5)
RECIPE = Recipe(Adam(), batch_size=20, epochs=3)

measure = speed.steps_per_second  # before conftest.py puts another in its place


class Many(ReferenceEngine):
    """An engine whose sessions take some runs, as long as ``room`` suffices; what was asked for is kept."""

    def __init__(self, name="many", runs=1, room=16, sessions=1):
        self.name, self.runs_per_session, self.room, self.asked = name, runs, room, []
        self.sessions = sessions

    @property
    def sessions_at_once(self):
        return self.sessions

    def session(self, network, recipe, seeds, states):
        self.asked.append(len(seeds))
        if len(seeds) > self.room:
            raise MemoryError
        return ReferenceSession(network, recipe, seeds[:1], states[0])


@pytest.fixture
def clock(monkeypatch):
    """A clock by which every step takes a quarter of a second."""
    now = [0.0]

    def train_epoch(self, images, labels, epoch, on_steps):
        assert images.dtype == np.uint8
        assert images.shape[1:] == NETWORK.input_shape[1:]
        assert 0 <= labels.min() <= labels.max() < 5
        now[0] += 0.25 * len(images) / self.recipe.batch_size

    monkeypatch.setattr(ReferenceSession, "train_epoch", train_epoch)
    monkeypatch.setattr(speed, "perf_counter", lambda: now[0])
    monkeypatch.setattr(ReferenceSession, "clock", lambda self: now[0])


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """An empty folder for measurements."""
    monkeypatch.setattr(observations, "folder", lambda: tmp_path / "speeds")
    return tmp_path / "speeds"


@pytest.mark.parametrize("runs", [1, 3, 16])
def test_the_steps_of_all_runs_are_counted(runs, clock):
    assert measure(Many(runs=runs), NETWORK, RECIPE) == pytest.approx(4 * runs)


@pytest.mark.parametrize(("room", "asked", "found"), [(4, [16, 8, 4], 16), (1, [16, 8, 4, 2, 1], 4)])
def test_where_memory_is_short_fewer_runs_are_measured(room, asked, found, clock):
    engine = Many(runs=16, room=room)
    assert measure(engine, NETWORK, RECIPE) == pytest.approx(found)
    assert engine.asked == asked


def test_an_engine_without_room_for_one_run_is_the_slowest(clock):
    assert measure(Many(room=0), NETWORK, RECIPE) == 0


def test_what_was_compared_is_recalled(kept, monkeypatch):
    monkeypatch.setattr(speed, "steps_per_second", lambda engine, *_: {"a": 1610.0, "b": 180.5}[engine.name])
    assert speed.recall(NETWORK, RECIPE) is None
    found = speed.compare([Many("a"), Many("b", sessions=10)], NETWORK, RECIPE)
    assert found == speed.recall(NETWORK, RECIPE) == {"a": (1610.0, 1), "b": (180.5, 10)}
    assert found["b"].of_the_machine == 1805
    assert [path.suffix for path in kept.iterdir()] == [".json"]


@pytest.mark.parametrize(
    "alike",
    [
        replace(RECIPE, epochs=100),
        replace(RECIPE, optimizer=Adam(lr=0.3)),
        replace(RECIPE, schedule=StepLR(2)),
    ],
)
def test_a_recipe_whose_steps_cost_the_same_is_not_measured_again(alike, kept):
    speed.compare([Many("a")], NETWORK, RECIPE)
    assert speed.recall(NETWORK, alike) is not None


@pytest.mark.parametrize(
    ("network", "recipe"),
    [
        (Dense((4,)).build((1, 4, 4), 5), RECIPE),
        (Dense((3,)).build((1, 2, 8), 5), RECIPE),
        (NETWORK, replace(RECIPE, batch_size=21)),
        (NETWORK, replace(RECIPE, dtype="float64")),
        (NETWORK, replace(RECIPE, optimizer=SGD(0.001))),
        (NETWORK, replace(RECIPE, penalties=(L2(0.1),))),
    ],
)
def test_another_network_or_recipe_is(network, recipe, kept):
    speed.compare([Many("a")], NETWORK, RECIPE)
    assert speed.recall(network, recipe) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("versions", {"numba": "99"}), ("processor", "Another CPU"), ("processors", 96), ("has_gpu", None)],
)
def test_so_are_other_versions_and_another_machine(name, value, kept, monkeypatch):
    speed.compare([Many("a")], NETWORK, RECIPE)
    assert speed.recall(NETWORK, RECIPE) is not None
    monkeypatch.setattr(speed, name, lambda: value)
    assert speed.recall(NETWORK, RECIPE) is None


@pytest.mark.parametrize("name", speed.VARIABLES)
def test_so_are_other_instructions_of_the_same_machine(name, kept, monkeypatch):
    monkeypatch.delenv(name, raising=False)
    speed.compare([Many("a")], NETWORK, RECIPE)
    monkeypatch.setenv(name, "haswell")
    assert speed.recall(NETWORK, RECIPE) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"numba": "fast"}', "[1]", '{"numba": null}', '{"numba": 9.0}', "\xff"]
)
def test_a_damaged_measurement_is_made_again(text, kept):
    speed.compare([Many("a")], NETWORK, RECIPE)
    [path] = kept.iterdir()
    path.write_bytes(text.encode("latin-1"))
    assert speed.recall(NETWORK, RECIPE) is None
    speed.compare([Many("a")], NETWORK, RECIPE)
    assert json.loads(path.read_text()) == {"a": [1.0, 1]}
    assert speed.recall(NETWORK, RECIPE) == {"a": (1.0, 1)}


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(observations, "folder", lambda: tmp_path / "file" / "speeds")
    assert speed.compare([Many("a")], NETWORK, RECIPE) == {"a": (1.0, 1)}
    assert speed.recall(NETWORK, RECIPE) is None


def test_the_same_arrays_are_trained_on_each_time(monkeypatch):
    """Of others an engine on a GPU would record its graphs anew, and that would be measured."""
    seen = []
    monkeypatch.setattr(ReferenceSession, "train_epoch", lambda self, *given: seen.append(given[:2]))
    trial = speed.Trial(Many(), NETWORK, RECIPE)
    for steps in (1, 4, 4, 1):
        trial._train(steps)
    for one, again in ((0, 3), (1, 2)):
        assert all(first is second for first, second in zip(seen[one], seen[again], strict=True))
    assert [len(labels) for _, labels in seen] == [20, 80, 80, 20]


@pytest.mark.parametrize(
    ("visible", "found"), [(None, True), ("0", True), ("", False), ("-1", False)], ids=str
)
def test_a_gpu_that_is_hidden_counts_as_none(visible, found, monkeypatch):
    monkeypatch.setattr(speed, "which", lambda name: "/usr/bin/nvidia-smi")
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert speed.has_gpu() is found


def test_the_latest_runs_are_recorded_for_each_engine(kept):
    for rate in range(1, observations.KEPT + 3):
        speed.record_run(Many("a"), NETWORK, RECIPE, float(rate))
    assert speed.recorded(Many("a"), NETWORK, RECIPE) == tuple(map(float, range(3, observations.KEPT + 3)))
    assert speed.recorded(Many("b"), NETWORK, RECIPE) == ()
    assert speed.recall(NETWORK, RECIPE) is None


def test_runs_on_images_that_are_mostly_background_are_recorded_apart(kept):
    """On them an engine may be half as fast again; how much of them is 0 does not matter beyond that."""
    for rate, zeros in ((1.0, 0.1), (2.0, 0.3), (3.0, 0.6), (4.0, 0.9)):
        speed.record_run(Many("a"), NETWORK, RECIPE, rate, zeros=zeros)
    assert speed.recorded(Many("a"), NETWORK, RECIPE, zeros=0.0) == (1, 2)
    assert speed.recorded(Many("a"), NETWORK, RECIPE, zeros=0.8) == (3, 4)
    assert speed.recorded(Many("a"), NETWORK, RECIPE, speed.EVALUATED, zeros=0.8) == ()


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_cannot_be_is_not_recorded(rate, kept):
    speed.record_run(Many("a"), NETWORK, RECIPE, rate)
    assert not kept.exists()


@pytest.mark.parametrize(
    "text",
    ["", "{", "3", "null", '{"numba": 2}', '["fast"]', "[null]", "[0]", "[-1]", "[NaN]", "[[1]]", "\xff"],
)
def test_a_damaged_record_is_no_error_and_begun_anew(text, kept):
    speed.record_run(Many("a"), NETWORK, RECIPE, 1.0)
    [path] = kept.iterdir()
    path.write_bytes(text.encode("latin-1"))
    assert speed.recorded(Many("a"), NETWORK, RECIPE) == ()
    speed.record_run(Many("a"), NETWORK, RECIPE, 2.0)
    assert speed.recorded(Many("a"), NETWORK, RECIPE) == (2.0,)


def test_a_record_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(observations, "folder", lambda: tmp_path / "file" / "speeds")
    speed.record_run(Many("a"), NETWORK, RECIPE, 1.0)
    assert speed.recorded(Many("a"), NETWORK, RECIPE) == ()


@pytest.mark.parametrize(("hidden", "tried"), [((400_000,), (12_500,)), ((20_000, 5), (20_000, 5))])
def test_a_large_network_is_narrowed_to_be_measured(hidden, tried):
    """By a power of two, so that 400,000 times 832 parameters become 12,500 times as many."""
    assert narrowed(Dense(hidden).build((1, 28, 28), 47)) == Dense(tried).build((1, 28, 28), 47)


@pytest.mark.parametrize("hidden", [21_000, 30_000, 41_000, 99_999, 100_000, 10_000_000])
def test_what_is_left_is_as_far_from_the_cache_as_the_network_itself(hidden):
    """Temporary arrays of more than 32 MiB are taken from the system each time, with pages to be cleared."""
    count = narrowed(Dense((hidden,)).build((1, 28, 28), 47)).parameter_count
    assert 4 * count > 32 << 20
    assert count <= LARGE


def test_layers_that_need_their_shapes_are_not_narrowed():
    layers = (nn.Flatten(), nn.Linear(40_000), nn.Reshape((400, 10, 10)), nn.Flatten(), nn.Linear(2))
    network = Network(layers)
    assert narrowed(network) is network
    without = Network((*layers[:2], *layers[4:]))
    assert narrowed(without).output_shape == (2,)
    assert narrowed(without) is not without


def test_a_narrowed_network_counts_as_much_as_it_has_more_operations(clock, monkeypatch):
    """The narrower one takes a quarter of a second a step, on this clock."""
    network, recipe = Dense((16,)).build((1, 4, 4), 5), replace(RECIPE, batch_size=4)
    whole = speed.Trial(Many(), network, recipe)
    assert (whole.narrowed, whole.step(0.0)) == (False, pytest.approx(0.25))
    monkeypatch.setattr("assay.engines.narrowed.LARGE", 200)
    half = speed.Trial(Many(), network, recipe)
    tried = Dense((8,)).build((1, 4, 4), 5)
    assert half.session.network == tried
    assert half.step(0.0) == pytest.approx(0.25 * network.flops / tried.flops)
    ratio = network.parameter_count / tried.parameter_count
    assert half.memory() == round(half.session.memory() * ratio)
