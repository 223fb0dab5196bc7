"""``assay bench``: what is printed and drawn, with sizes so small that nothing takes time."""

from pathlib import Path

import pytest
from PIL import Image
from said import Assay

from assay.bench.convolution import Settings
from assay.nn.convolution import METHODS

SMALLEST = Settings((1,), (2, 3), batch_size=1, in_channels=1, out_channels=1, rounds=2)


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
