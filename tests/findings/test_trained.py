"""The networks that a study left, rebuilt and looked into."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import make_results, make_study
from tiny import tiny_study

from assay import nn
from assay.data import AtHand, Split, load
from assay.engines.reference import ReferenceEngine
from assay.errors import DataError, StoreError
from assay.findings.trained import Trained, best_run, load_test, trained
from assay.nn.network import Network
from assay.optim import Adam
from assay.optim.recipe import Recipe
from assay.records.runs import RunRecord, Status, TestResult
from assay.results import Results
from assay.running.run import run
from assay.shapes import Array
from assay.store.weights import load_weights, path_of, save_weights
from assay.training.train import Job

SHAPE = (1, 14, 14)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, characters: str) -> Results:
    """A tiny study that was run."""
    return run(tiny_study(characters), tmp_path_factory.mktemp("run") / "out")


def test_the_rebuilt_network_is_the_one_that_was_tested(results: Results):
    """It gives every test image the answer that the run gave when it opened the test set."""
    test = load_test(results)
    for record in results.runs:
        found = trained(results, record, SHAPE)
        answers = [list(found.outputs(image).values())[-1].argmax() for image in test.images]
        np.testing.assert_array_equal(answers, results.store.predicted(record.id))
        np.testing.assert_array_equal(answers == test.labels, results.correct(record.id))


def test_what_the_first_layers_give_is_what_torch_gives(results: Results):
    found = trained(results, results.runs[0], SHAPE)
    image = load_test(results).images[3]
    given, weights = found.outputs(image), found.weights
    x = torch.tensor(image[None, None] / 255)
    weight = torch.tensor(weights["conv1.weight"]).double()
    y = torch.nn.functional.conv2d(x, weight, padding=found.network.layers[0].padding)
    np.testing.assert_allclose(given["conv1"], y[0], atol=1e-12)
    np.testing.assert_allclose(given["relu1"], torch.relu(y)[0], atol=1e-12)


def test_test_images_that_the_runs_did_not_see_are_refused(tmp_path: Path, characters: str):
    with pytest.raises(DataError, match="is not the data that the runs saw"):
        load_test(make_results(tmp_path / "a", tiny_study(characters)))


def test_images_at_hand_are_taken_if_they_are_those_that_the_runs_saw(results: Results, monkeypatch):
    """Otherwise, and where they have changed since, they are loaded."""
    data = load(results.study.data)
    monkeypatch.setattr("assay.findings.trained.load", lambda spec: data)
    assert load_test(replace(results, at_hand=None)) is data.test
    other = AtHand.of(replace(data, digest="another", test=data.train))
    assert load_test(replace(results, at_hand=other)) is data.test
    kept = AtHand.of(data)
    assert load_test(replace(results, at_hand=kept)) is kept.test
    np.testing.assert_array_equal(kept.test.images, data.test.images)
    assert load_test(replace(results, at_hand=replace(kept, test=data.train))) is data.test
    kept.test.images[0, 0, 0] ^= 1
    assert load_test(replace(results, at_hand=kept)) is data.test


def test_images_at_hand_keep_no_others_in_memory(characters: str):
    """Those that lie among the rest, as of a set without test images of its own, are copied."""
    data = load(characters)
    among = Split(data.train.images[3:8], data.train.labels[3:8])
    kept = AtHand.of(replace(data, test=among)).test
    assert kept.images.base is None
    np.testing.assert_array_equal(kept.images, among.images)
    np.testing.assert_array_equal(kept.labels, among.labels)


def test_running_statistics_are_rebuilt_too(results: Results, tmp_path: Path):
    """Batch normalisation keeps what no gradient moves; evaluation needs it."""
    layers = (nn.Conv2d(3, 5), nn.BatchNorm2d(), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(6))
    job = Job(ReferenceEngine(), Network(layers, SHAPE), Recipe(Adam()), (0,))
    session = job.session([job.start()[0].state])
    data = load(results.study.data)
    session.train_epoch(data.train.images, data.train.labels, 1, lambda _: None)
    save_weights(tmp_path / "x.safetensors", session.states()[0].weights, {})
    weights = load_weights(tmp_path / "x.safetensors")
    rebuilt = Trained(job.network, weights, "float32", run=results.runs[0])
    np.testing.assert_array_equal(rebuilt.scores(data.test.images), session.scores(data.test.images)[0])


def test_validation_chooses_the_run_and_the_test_set_does_not(tmp_path: Path):
    results = make_results(tmp_path / "a")
    results.__dict__["runs"] = [
        replace(result, valid_best=index / 10, test=TestResult(0.1, 10 - index, 10))
        for index, result in enumerate(results.runs)
    ]
    last = results.runs[-1]
    assert best_run(results) == last
    for arm in ("max", "average"):
        assert best_run(results, arm) == results.of(arm)[-1]
        assert best_run(results, arm, 3) == results.of(arm)[3]
    assert best_run(results, seed=2) == results.of(last.arm)[2]


def test_runs_that_are_not_done_are_not_chosen(tmp_path: Path):
    statuses = {("max", seed): Status.DIVERGED for seed in range(5)}
    results = make_results(tmp_path / "a", statuses=statuses)
    assert best_run(results).arm == "average"
    with pytest.raises(StoreError, match="no such run is finished"):
        best_run(results, "max")


@pytest.mark.parametrize("dtype", ["bfloat16", "tf32", "float64"])
def test_a_run_of_any_precision_gives_scores(dtype: str, tmp_path: Path):
    """NumPy knows neither bfloat16 nor TF32: their weights are float32."""
    study = make_study(training={"epochs": 1, "dtype": dtype}, engine="torch")
    results = make_results(tmp_path, study, synthetic=False)
    record = results.runs[0]
    recipe = study.arms[0].settings.recipe
    network = study.arms[0].settings.architecture.build((1, 28, 28), len(results.header.classes))
    weights = network.initialise(0, recipe.parameter_dtype) | network.initial_buffers(recipe.parameter_dtype)
    save_weights(path_of(tmp_path, record.id), weights, identity(results, record))
    record = replace(record, flops=network.flops, parameters=network.parameter_count)
    found = trained(results, record, (1, 28, 28))
    image = np.arange(784, dtype=np.uint8).reshape(28, 28)
    scores = found.scores(image[None])
    assert scores.dtype == recipe.parameter_dtype
    np.testing.assert_allclose(scores[0], list(found.outputs(image).values())[-1], rtol=1e-4, atol=1e-5)


def identity(results: Results, record: RunRecord) -> dict[str, object]:
    """Return what the file of a run's weights says that it is of."""
    header = results.header
    return {"arm": record.arm, "seed": record.seed, "study": header.digest, "data": header.data_digest}


def spoilt(results: Results, spoil: Callable[[dict[str, Array]], dict[str, Array]]) -> Iterator[None]:
    """Write the best run's weights anew, ``spoil``ed, as a file that is whole; then as they were."""
    record = best_run(results)
    path = path_of(results.folder, record.id)
    before = path.read_bytes()
    save_weights(path, spoil(load_weights(path)), identity(results, record))
    yield
    path.write_bytes(before)


SPOILT = {
    "not finite: 1": lambda value: np.where(np.arange(value.size).reshape(value.shape) == 0, np.nan, value),
    "is float64, expected float32": lambda value: value.astype(np.float64),
    "another network": lambda value: value.reshape(-1, 1),
}


@pytest.mark.parametrize("said", SPOILT)
def test_weights_that_no_training_leaves_are_refused(said: str, results: Results):
    def spoil(weights: dict[str, Array]) -> dict[str, Array]:
        return {**weights, **{name: SPOILT[said](value) for name, value in list(weights.items())[:1]}}

    with contextmanager(spoilt)(results, spoil), pytest.raises(StoreError, match=said):
        results.network()
    assert results.network()


def test_the_weights_of_another_run_are_refused(results: Results):
    """Also where they have the same names and shapes, as those of two seeds do."""
    best = best_run(results)
    path = path_of(results.folder, best.id)
    before = path.read_bytes()
    other = next(record for record in results.of(best.arm) if record.seed != best.seed)
    path.write_bytes(path_of(results.folder, other.id).read_bytes())
    with pytest.raises(StoreError, match=f"belongs to seed {other.seed}, expected {best.seed}"):
        results.network()
    path.write_bytes(before)
    assert results.network()
