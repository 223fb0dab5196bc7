"""The images of the training benchmark: noise, or those of a data set, the same for every method."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assay.bench.methods import METHODS
from assay.bench.problem import SIZE, Problem
from assay.bench.training import QUICK, _problems, _scaled, _starts, chosen, run
from assay.data import load, write_idx
from assay.engines.reference import ReferenceEngine
from assay.errors import DataError


@pytest.fixture
def folder(tmp_path: Path):
    """Return a function that writes images of a shape, in so many classes, and returns the set's name."""

    def write(shape: tuple[int, ...] = (SIZE, SIZE), classes: int = 47) -> str:
        rng = np.random.default_rng(0)
        for part, count in (("train", 10 * classes), ("test", classes)):
            write_idx(tmp_path / f"{part}-images-idx3-ubyte", rng.integers(0, 99, (count, *shape), np.uint8))
            write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.arange(count) % classes)
        return f"idx:{tmp_path}"

    return write


def test_the_images_are_those_of_the_data_set_again_and_again(folder) -> None:
    source = folder()
    train = load(source).train
    problem = Problem("D", len(train) + 5, source=source)
    for found, expected in ((problem.images, train.images), (problem.labels, train.labels)):
        np.testing.assert_array_equal(found[: len(train)], expected)
        np.testing.assert_array_equal(found[len(train) :], expected[:5])
    assert problem.words == f"D, 1 thread, {len(train) + 5} images of {source}"
    assert "of" not in Problem("D").words


@pytest.mark.parametrize("name", ["numba", "eager"])
def test_methods_train_on_them(folder, name: str) -> None:
    problem = Problem("D", 300, source=folder())
    session = ReferenceEngine().session(problem.network, problem.recipe(), [0], [problem.state(0)])
    session.train_epoch(problem.images, problem.labels, 1, lambda _: None)
    trainer = METHODS[name].load()(problem)
    trainer.train(3)
    assert trainer.loss() == pytest.approx(
        session.evaluate(problem.images[:100], problem.labels[:100])[0].loss
    )


@pytest.mark.parametrize(
    ("shape", "classes", "found"),
    [
        ((28, 27), 47, "1 x 28 x 27 in 47"),
        ((28, 28, 3), 5, "3 x 28 x 28 in 5"),
        ((28, 28), 48, "in 48 classes"),
    ],
)
def test_images_that_no_network_takes_are_refused_before_anything_is_measured(
    folder, shape: tuple[int, ...], classes: int, found: str
) -> None:
    with pytest.raises(DataError, match=f"{found}.*expected 1 x 28 x 28 in at most 47"):
        run(replace(QUICK, images=folder(shape, classes)), pytest.fail)


def test_every_timing_is_of_the_images_that_were_asked_for() -> None:
    settings = chosen(QUICK, {}, images="glyphs")
    assert {problem.source for problem in (*_problems(settings), *_scaled(settings))} == {"glyphs"}
    assert all(job.args[1].source == "glyphs" for _, job in _starts(settings))  # type: ignore[attr-defined]
