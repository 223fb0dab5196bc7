"""``assay reproduce``: a published report repeated as one document."""

import csv
import html
from pathlib import Path

import pytest
from said import Assay

SMALL = ("--seeds", "1", "--epochs", "1", "--engine", "reference", "-s", "network.hidden=[4]")


def test_a_study_of_a_report_is_repeated_and_written_as_a_document(assay: Assay, characters: str):
    ours = ("reproduce", "2017", "--only", "optimizers", "--data", characters, *SMALL)
    said = assay(*ours)
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("[1/1] optimizers: Which learning rule")
    folder = Path("assay-runs/reproduce-2017")
    assert said.out.endswith(f"{folder / 'report.html'}\n")
    assert "Of 3 claims, 0 are supported" in said.out  # one seed decides nothing
    unlike = "Our runs had other networks or training than the source's"
    assert unlike in " ".join(said.out.split())
    page = (folder / "report.html").read_text("utf-8")
    assert "Learning rules, BatchNorm, and ConvNets, repeated" in page
    assert unlike in html.unescape(page)
    assert "doubtful: printed as e-1" in page
    with (folder / "published.csv").open() as file:
        assert {row["arm"] for row in csv.DictReader(file)} >= {"sgd-0.05", "adam-0.001"}
    with (folder / "runs.csv").open() as file:
        runs = list(csv.DictReader(file))
    assert [row["study"] for row in runs] == ["optimizers"] * 7
    with (folder / "epochs.csv").open() as file:
        epochs = list(csv.DictReader(file))
    assert [row["valid_accuracy"] for row in epochs] == [row["valid_final"] for row in runs]
    again = assay(*ours)
    assert again.status == 0
    assert "epoch" not in again.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("2016",), "report '2016' is unknown"),
        (("2017", "--only", "pooling"), "--only 'pooling': no study of 2017"),
        (("2017", "--only", "optimizers", "--seeds", "0"), "seeds must be from 1"),
    ],
)
def test_what_is_not_there_is_one_line(assay: Assay, words: tuple[str, ...], said: str):
    found = assay("reproduce", *words)
    assert found.status == 2
    assert said in found.err
    assert len(found.err.splitlines()) == 1
