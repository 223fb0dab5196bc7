"""Characters in picture files, recognised by a trained run."""

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import tiny_study

from assay.data import DataSpec, load
from assay.data.glyphs import draw
from assay.data.idx import write_idx
from assay.errors import DataError, StoreError, StudyError, UsageError
from assay.findings import prediction
from assay.findings.inside import look_inside
from assay.reading import prepare
from assay.results import Results
from assay.running.run import run
from assay.store.weights import read_tensors, save_weights
from assay.study.study import Study

CLASSES = 4


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A study trained on the characters 0 to 3, as they are drawn."""
    source = tmp_path_factory.mktemp("source")
    for part, purpose, count in (("train", "train", 1880), ("t10k", "test", 470)):
        images, labels = draw(count, 0, purpose)
        few = labels < CLASSES
        write_idx(source / f"{part}-images-idx3-ubyte", images[few])
        write_idx(source / f"{part}-labels-idx1-ubyte", labels[few].astype(np.uint8))
    study = tiny_study(
        f"idx:{source}",
        seeds=[3, 5],
        network={"layers": 2, "filters": 4},
        training={"batch_size": 10, "epochs": 12},
        data={"train": 140, "valid": 20, "test": 40},
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
    best = max(recogniser.runs, key=lambda run: run.valid_best or 0)
    assert {item.run for item in found} == {best.id}
    right = np.mean([item.character == label for item, (_, label) in zip(found, pictures, strict=True)])
    expected = max(result.test_accuracy or 0 for result in recogniser.runs)
    assert expected > 0.8
    assert right > expected - 0.2  # 40 pictures: three standard errors
    assert right > 0.7


def test_shares_are_ordered_and_sum_to_one(recogniser: Results, pictures: list[tuple[Path, str]]):
    for item in prediction.predict(recogniser.folder, [path for path, _ in pictures[:9]]):
        names, shares = zip((item.character, item.confidence), *item.runners_up, strict=True)
        assert sorted(names) == list("0123")
        assert list(shares) == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1.0)


def test_weights_of_another_network_are_refused(recogniser: Results, tmp_path: Path):
    folder = tmp_path / "copy"
    shutil.copytree(recogniser.folder, folder)
    for path in (folder / "weights").iterdir():
        save_weights(path, {"conv1.weight": np.zeros((1, 1, 3, 3))}, read_tensors(path, "")[1])
    with pytest.raises(StoreError, match="another network"):
        prediction.predict(folder, [])


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


def said(found: list[prediction.Prediction]) -> list[tuple[Path | None, str, object]]:
    """Return what is said of pictures; a matrix product's last bits depend on how many there are."""
    return [(item.path, item.character, pytest.approx(item.confidence)) for item in found]


def test_a_picture_may_be_a_path_an_image_or_an_array(recogniser: Results, pictures: list[tuple[Path, str]]):
    """However it comes, alone or with others, the same is said of it."""
    folder, paths = recogniser.folder, [path for path, _ in pictures[:3]]
    images = [Image.open(BytesIO(path.read_bytes())) for path in paths]
    arrays = np.stack([prepare(path) for path in paths])
    found = said(prediction.predict(folder, paths))
    nameless = [(None, *rest) for _, *rest in found]
    for one in (str(paths[0]), paths[0], [paths[0]]):
        assert said(prediction.predict(folder, one)) == found[:1]
    for one in (images[0], arrays[0], arrays[:1]):
        assert said(prediction.predict(folder, one)) == nameless[:1]
    for several in (images, arrays, list(arrays), arrays.astype(np.int64), [arrays]):
        assert said(prediction.predict(folder, several)) == nameless
    assert said(prediction.predict(folder, [paths[0], images[1], arrays[2]])) == [found[0], *nameless[1:]]
    assert said(recogniser.predict(arrays)) == nameless


def test_results_predict_with_the_run_that_is_asked_for(recogniser: Results):
    images = np.zeros((2, 28, 28), np.uint8)
    for record in recogniser.runs:
        found = recogniser.predict(images, arm=record.arm, seed=record.seed)
        assert {item.run for item in found} == {record.id}


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((28, 28)), "array of float64 from 0 to 0, expected whole numbers from 0"),
        (np.full((28, 28), 256), "from 256 to 256"),
        (np.full((28, 28), -1), "from -1 to -1"),
        (np.zeros((2, 1, 28, 28), np.uint8), r"shape \(2, 1, 28, 28\), expected \(H, W\) or \(N, H, W\)"),
        (np.zeros(784, np.uint8), r"shape \(784,\)"),
        (np.zeros((0, 28), np.uint8), r"shape \(0, 28\)"),
        (3.5, "found float, expected paths"),
        ([np.zeros((28, 28), np.uint8), np.zeros((14, 14), np.uint8)], "14 x 14 and 28 x 28 pixels"),
    ],
)
def test_what_cannot_be_an_image_is_refused(recogniser: Results, image: object, words: str):
    with pytest.raises(DataError, match=words) as caught:
        recogniser.predict(image)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_arrays_of_another_size_are_refused(recogniser: Results):
    with pytest.raises(StoreError, match="not trained on images of 14 x 14"):
        recogniser.predict(np.zeros((14, 14), np.uint8))


@pytest.mark.parametrize(
    "network", [{"family": "Dense", "hidden": [5]}, {"family": "ConvBlocks", "layers": 1, "filters": 2}]
)
def test_a_run_on_smaller_images_is_given_such(network: dict[str, object], tmp_path: Path, characters: str):
    study = tiny_study(characters, training={"epochs": 1}, network=network, factors={}, control="tiny")
    with run(study, tmp_path / "out") as results:
        image = load(study.data).test.images[0]
        expected = results.predict(image)[0]
        found = results.predict(Image.fromarray(image))[0]
        assert (found.character, found.confidence) == (expected.character, expected.confidence)
        with pytest.raises(StoreError, match="28 x 28"):
            results.predict(np.zeros((28, 28), np.uint8))


@pytest.mark.usefixtures("undrawn")
def test_a_run_on_photographs_in_colour(tmp_path: Path):
    random = np.random.default_rng(0)
    for name, shade in (("red", (200, 30, 30)), ("green", (30, 200, 30))):
        (tmp_path / "set" / name).mkdir(parents=True)
        for index in range(40):
            noise = random.integers(-25, 25, (9, 12, 3))
            Image.fromarray((np.array(shade) + noise).astype(np.uint8)).save(
                tmp_path / "set" / name / f"{index}.png"
            )
    network = {"family": "ConvPool", "maps": [3], "kernel_size": 3}
    study = Study(
        "shades", "Which?", seeds=1, data=DataSpec(f"images:{tmp_path / 'set'}"), engine="numba",
        base={"network": network, "optimizer": {"rule": "Adam", "lr": 0.05}, "training": {"epochs": 6}},
    )  # fmt: skip
    with run(study, tmp_path / "out") as results:
        assert results.runs[0].test_accuracy == 1
        new = Image.new("RGB", (90, 120), (190, 40, 25))
        assert results.predict([new, tmp_path / "set" / "green" / "3.png"])[0].character == "red"
        array = load(study.data).test
        names = [found.character for found in results.predict(array.images)]
        assert names == [results.header.classes[label] for label in array.labels]
        inside = look_inside(results)
        assert inside is not None
        assert inside.kernels is not None
        assert inside.kernels.weights.shape == (3, 3, 3, 3)
        results.write_report(tmp_path / "report.html")
        assert "grey is zero" in (tmp_path / "report.html").read_text("utf-8")
