"""``assay bench``: what is printed and drawn, with sizes so small that nothing takes time."""

import json
from pathlib import Path

import pytest
from PIL import Image
from processes import here
from said import Assay

from assay.bench.convolution import ConvolutionSettings
from assay.bench.rates import Pace
from assay.bench.training import TrainingSettings
from assay.nn.convolution import METHODS

SMALLEST = ConvolutionSettings((1,), (2, 3), batch_size=1, in_channels=1, out_channels=1, rounds=2)


@pytest.fixture(autouse=True)
def smallest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.bench.convolution.QUICK", SMALLEST)
    monkeypatch.setattr("assay.bench.convolution.NUMBERS", 100)


def test_prints_progress_the_table_and_the_answers_and_draws(assay: Assay):
    said = assay("bench", "convolution", "--quick", "--out", "here/below")
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[:2] == [
        "measuring image 2, kernel 1 (1 of 2)",
        "measuring image 3, kernel 1 (2 of 2)",
    ]
    for name in METHODS:
        assert sum(line.startswith(f"  {name} ") for line in lines) == 2
    words = " ".join(said.out.split())
    assert "The 2018 report's section 2.3 " in words
    assert "In float32 the Fourier transform is " in words
    assert "Adding 100 numbers takes " in words
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "here/below/convolution.png"
    with Image.open("here/below/convolution.png") as figure:
        assert figure.width > 500


def test_what_cannot_be_drawn_is_one_line(assay: Assay):
    Path("there/convolution.png").mkdir(parents=True)
    said = assay("bench", "convolution", "--quick", "--out", "there")
    assert said.status == 2
    assert said.err.startswith("assay: error: there: cannot be written (")
    assert said.err.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_measured(assay: Assay, monkeypatch):
    def run(*arguments):
        raise AssertionError("measured")

    monkeypatch.setattr("assay.bench.convolution.run", run)
    Path("file").write_text("")
    assert assay("bench", "convolution", "--out", "file/below").status == 2


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three methods on one network, in this process."""
    pace = Pace(rounds=2, seconds=0.001)
    settings = TrainingSettings(networks=("A1",), methods=("numba", "eager", "keras"), pace=pace)
    monkeypatch.setattr("assay.bench.training.QUICK", settings)
    monkeypatch.setattr("assay.bench.rates.process", here)
    monkeypatch.setattr("assay.bench.rates.PRODUCTS", 1)


@pytest.mark.usefixtures("small")
def test_training_prints_the_machine_and_a_table_and_keeps_everything(assay: Assay):
    said = assay("bench", "training", "--quick", "--rounds", "3", "--json", "new/rates.json")
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "measuring A1, 1 thread, 20,000 images"
    assert "load before and after" in lines[1]
    assert sum(line.startswith(("assay numba ", "PyTorch eager ")) for line in lines) == 2
    (comparison,) = json.loads(Path("new/rates.json").read_text())["rates"]
    methods = [rate["method"] for rate in comparison["rates"]] + list(comparison["left_out"])
    assert methods == ["numba", "eager", "keras"]
    assert len(comparison["rates"][0]["timing"]["seconds"]) == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--networks", "B4"], "network 'B4' is unknown"),
        (["--threads", "9999"], "threads must be 1.."),
        (["--parts", "everything"], "part 'everything' is unknown"),
        (["--device", "tpu"], "device 'tpu' is unknown"),
        (["--json", "."], ".: cannot be written ("),
    ],
)
def test_training_refuses_what_cannot_be_before_anything_is_measured(
    assay: Assay, options, said, monkeypatch
):
    monkeypatch.setattr("assay.bench.training.run", lambda *_: pytest.fail("measured"))
    found = assay("bench", "training", *options)
    assert found.status == 2
    assert found.err.startswith(f"assay: error: {said}")
    assert found.err.count("\n") == 1


def test_bench_needs_no_library_that_is_not_installed(assay: Assay, monkeypatch, small):
    """What is missing is a row with a reason, the ratios then too."""
    monkeypatch.setattr("assay.bench.methods.find_spec", lambda name: name == "numba" or None)
    said = assay("bench", "training", "--quick")
    assert (said.status, said.err) == (0, "")
    words = " ".join(said.out.split())
    assert "PyTorch eager: torch is not installed (pip install torch)" in words
    assert "–" in next(line for line in said.out.splitlines() if line.startswith("assay numba "))
