"""Characters in picture files, recognised by a trained run."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import make_results
from PIL import Image
from tiny import tiny_study

from assay import nn, prediction
from assay.data import load, prepare
from assay.data.glyphs import draw
from assay.data.idx import write_idx
from assay.engines.reference import ReferenceEngine
from assay.errors import DataError, StoreError, StudyError, UsageError
from assay.network import Network
from assay.optim import Adam
from assay.recipe import Recipe
from assay.records import Status, TestResult
from assay.results import Results
from assay.runner import run
from assay.store.checkpoints import save_weights
from assay.training import Job

CLASSES = 4


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A study trained on the characters 0 to 3, each prepared as a picture file would be."""
    source = tmp_path_factory.mktemp("source")
    for part, purpose in (("train", "train"), ("t10k", "test")):
        images, labels = draw(2350, 0, purpose)
        images, labels = images[labels < CLASSES], labels[labels < CLASSES]
        prepared = np.stack([prepare(Image.fromarray(image)) for image in images])
        write_idx(source / f"{part}-images-idx3-ubyte", prepared)
        write_idx(source / f"{part}-labels-idx1-ubyte", labels.astype(np.uint8))
    study = tiny_study(
        f"idx:{source}",
        seeds=[3, 5],
        network={"layers": 2, "filters": 4},
        training={"batch_size": 10, "epochs": 8},
        data={"train": 160, "valid": 40, "test": 200},
    )
    return run(study, tmp_path_factory.mktemp("run") / "out")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, str]]:
    """New drawings of the same characters: enlarged, dark on light and light on dark, PNG and JPEG."""
    folder = tmp_path_factory.mktemp("pictures")
    images, labels = draw(470, 7, "test")
    found = []
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        if label < CLASSES:
            path = folder / f"{index}.{'png' if index % 2 else 'jpg'}"
            picture = Image.fromarray(255 - image if index % 3 else image)
            picture.resize((28 * (2 + index % 5),) * 2, Image.Resampling.BICUBIC).save(path)
            found.append((path, str(label)))
    return found


def test_new_pictures_are_recognised(recogniser: Results, pictures: list[tuple[Path, str]]):
    found = prediction.predict(recogniser.folder, [path for path, _ in pictures])
    assert [item.path for item in found] == [path for path, _ in pictures]
    right = np.mean([item.character == label for item, (_, label) in zip(found, pictures, strict=True)])
    expected = max(result.test_accuracy or 0 for result in recogniser.runs)
    assert expected > 0.8
    assert right > expected - 0.2  # 40 pictures: three standard errors
    assert right > 0.7


def test_shares_are_ordered_and_sum_to_one(recogniser: Results, pictures: list[tuple[Path, str]]):
    for item in prediction.predict(recogniser.folder, [path for path, _ in pictures]):
        names, shares = zip((item.character, item.confidence), *item.runners_up, strict=True)
        assert sorted(names) == list("0123")
        assert list(shares) == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1.0)


def test_the_rebuilt_network_is_the_one_that_was_tested(recogniser: Results):
    """It gives every test image the answer that the run gave when it opened the test set."""
    test = load(recogniser.study.data).test
    for result in recogniser.runs:
        scores = prediction._session(recogniser, result).scores(test.images)[0]
        np.testing.assert_array_equal(scores.argmax(axis=1), recogniser.store.predicted(result.id))


def test_running_statistics_are_rebuilt_too(recogniser: Results, tmp_path: Path):
    """Batch normalisation keeps what no gradient moves; evaluation needs it."""
    layers = (nn.Conv2d(3, 5), nn.BatchNorm2d(), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(CLASSES))
    job = Job(ReferenceEngine(), Network(layers), Recipe(Adam()), (0,))
    session = job.session([job.start()[0].state])
    data = load(recogniser.study.data)
    session.train_epoch(data.train.images, data.train.labels, 1, lambda _: None)
    save_weights(tmp_path / "x.safetensors", session.states()[0].weights, {})
    rebuilt = job.session([prediction._state(tmp_path / "x.safetensors", job.network)])
    np.testing.assert_array_equal(rebuilt.scores(data.test.images), session.scores(data.test.images))


def test_weights_of_another_network_are_refused(recogniser: Results, tmp_path: Path):
    folder = tmp_path / "copy"
    shutil.copytree(recogniser.folder, folder)
    for path in (folder / "weights").iterdir():
        save_weights(path, {"conv1.weight": np.zeros((1, 1, 3, 3))}, {})
    with pytest.raises(StoreError, match="another network"):
        prediction.predict(folder, [])


def test_validation_chooses_the_run_and_the_test_set_does_not(tmp_path: Path):
    results = make_results(tmp_path / "a")
    results.__dict__["runs"] = [
        replace(result, valid_best=index / 10, test=TestResult(0.1, 10 - index, 10))
        for index, result in enumerate(results.runs)
    ]
    last = results.runs[-1]
    assert prediction.best_run(results) == last
    for arm in ("max", "average"):
        assert prediction.best_run(results, arm) == results.of(arm)[-1]
        assert prediction.best_run(results, arm, 3) == results.of(arm)[3]
    assert prediction.best_run(results, seed=2) == results.of(last.arm)[2]


def test_runs_that_are_not_done_are_not_chosen(tmp_path: Path):
    statuses = {("max", seed): Status.DIVERGED for seed in range(5)}
    results = make_results(tmp_path / "a", statuses=statuses)
    assert prediction.best_run(results).arm == "average"
    with pytest.raises(StoreError, match="no such run is finished"):
        prediction.best_run(results, "max")


def test_what_is_not_there_is_named(recogniser: Results, tmp_path: Path):
    folder = recogniser.folder
    (tmp_path / "text.png").write_text("no picture")
    Image.new("L", (30, 30), 255).save(tmp_path / "blank.png")
    with pytest.raises(StudyError, match="did you mean 'max'"):
        prediction.predict(folder, [], arm="maxx")
    with pytest.raises(UsageError, match="seeds: 3, 5"):
        prediction.predict(folder, [], seed=4)
    for name, words in (("absent.png", "not a file"), ("text.png", "picture"), ("blank.png", "blank")):
        with pytest.raises(DataError, match=f"{name}.*{words}"):
            prediction.predict(folder, [tmp_path / name])
    assert prediction.predict(folder, []) == []


def test_bad_pictures_can_be_left_out(recogniser: Results, pictures: list[tuple[Path, str]], tmp_path: Path):
    blank, (first, _), (second, _) = tmp_path / "blank.png", *pictures[:2]
    Image.new("L", (30, 30), 255).save(blank)
    errors: list[DataError] = []
    found = prediction.predict(recogniser.folder, [first, blank, second], on_error=errors.append)
    assert found == prediction.predict(recogniser.folder, [first, second])
    assert [str(error).partition(":")[0] for error in errors] == [str(blank)]
    assert prediction.predict(recogniser.folder, [blank], on_error=errors.append) == []


@pytest.mark.parametrize(
    "network", [{"family": "Dense", "hidden": [5]}, {"family": "ConvBlocks", "layers": 1, "filters": 2}]
)
def test_a_run_on_smaller_images_says_so(network: dict[str, object], tmp_path: Path, characters: str):
    study = tiny_study(characters, training={"epochs": 1}, network=network, factors={}, control="tiny")
    run(study, tmp_path / "out").close()
    with pytest.raises(StoreError, match="28 x 28"):
        prediction.predict(tmp_path / "out", [])
