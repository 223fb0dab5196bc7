"""``assay show``, ``studies`` and ``data``: what is said before anything is trained."""

from pathlib import Path

import pytest
from PIL import Image
from said import Assay
from tiny import CLASSES, TEST, TRAIN, VALID, tiny_tables

from assay.cli import drawing
from assay.data import sources
from assay.engines import choice, speed
from assay.errors import DataError
from assay.findings.prediction import Prediction
from assay.records import observations
from assay.records.runs import RunId
from assay.running import overheads
from assay.running.estimate import CohortEstimate, Estimate
from assay.running.pace import Basis
from assay.running.plan import make_plan
from assay.shapes import text
from assay.study.builtin import load_study
from assay.study.toml import dumps as to_toml

pytestmark = pytest.mark.usefixtures("undrawn")  # unless it runs in a process of its own


def test_show_prints_the_plan_and_trains_nothing(assay: Assay, study_file: str):
    said = assay("show", study_file, "--workers", "3")
    assert (said.status, said.err) == (0, "")
    words = " ".join(said.out.split())
    assert "2 arms x 2 seeds = 4 runs; control: average" in words
    sizes = f"{TRAIN} images to train, {VALID} to validate, {TEST} to test; 14 x 14 pixels, {CLASSES} classes"
    assert sizes in words
    assert "Estimate: about" in words
    assert "3 runs at a time" in words
    assert "Memory is computed" in words
    assert "MiB for the whole command, with 3 runs at a time: " in words
    assert max(map(len, said.out.splitlines())) <= 80
    assert not list(Path().iterdir())


def test_an_estimate_says_which_speeds_are_guesses():
    """Each is named where it applies, and none else; of its arms only where others have another."""
    finished, measured, guessed = (
        CohortEstimate(basis.value, 1, 1.0, 1.0, 1.0, 0.0, 1, 2.0, basis) for basis in Basis
    )
    runs = "those of runs finished on this machine"
    moments = "the fastest of several moments of training on random images"
    guess = "a guess from what the kernels will multiply, as these are not compiled yet"
    for cohorts, said in (
        ((finished,), runs),
        ((measured,), moments),
        ((guessed, guessed), guess),
        ((measured, guessed, finished), f"for runs {runs}; for moments {moments}; for guess {guess}"),
    ):
        assert drawing._basis(Estimate(cohorts, 1, 0)) == f"Steps a second are {said}."


def test_how_long_a_report_took_is_kept(assay: Assay, study_file: str, monkeypatch, tmp_path: Path):
    """Once: the second time there is nothing to do."""
    monkeypatch.setattr(observations, "folder", lambda: tmp_path / "kept")
    for _ in range(2):
        assert assay("run", study_file, "--quick").status == 0
        assert len(observations.observed(overheads.REPORTED)) == 1


def test_show_names_every_layer_with_its_shape_and_field(assay: Assay, study_file: str):
    lines = [line.split() for line in assay("show", study_file).out.splitlines()]
    for cohort in make_plan(load_study(study_file)).cohorts:
        network = cohort.network
        for node, field in zip(network.nodes, network.receptive_fields, strict=True):
            line = " ".join(next(words for words in lines if words[:1] == [node.name]))
            assert f" {text(node.output_shape)} " in line
            assert line.endswith(f" {field[0]} x {field[1]}")
        assert any(words[:2] == ["all", f"{network.parameter_count:,}"] for words in lines)


def test_show_needs_no_data(assay: Assay, monkeypatch):
    monkeypatch.setenv("ASSAY_DATA", "nothing")
    said = assay("show", "optimizers", "--engine", "reference")
    assert said.status == 0
    assert "97,000 images to train, 15,800 to validate, 18,800 to test" in " ".join(said.out.split())
    assert "not on this machine" in " ".join(said.out.split())
    assert "113,547" in said.out


@pytest.mark.parametrize("question", ["[red]Which[/red] is :smile: better?", "Which \\[bold] one?"])
def test_a_users_words_are_no_markup(question: str, assay: Assay, characters: str):
    Path("own.toml").write_text(to_toml({**tiny_tables(characters), "question": question}))
    assert question in assay("show", "own.toml").out
    assert question in assay("run", "own.toml", "--epochs", "1", "--seeds", "1").out


def test_every_built_in_study_is_listed(assay: Assay):
    from assay.study.builtin import builtin

    said = assay("studies")
    assert all(name in said.out for name in builtin())


def test_each_data_set_is_a_line_and_each_download_another(assay: Assay, monkeypatch):
    monkeypatch.setenv("ASSAY_DATA", "nothing")
    said = assay("data", "list").out.splitlines()
    assert max(map(len, said)) <= 80
    assert [line.split()[0] for line in said[2 : 2 + len(sources())]] == [source.name for source in sources()]
    here = {line.split()[0]: line.split()[-1] for line in said[2 : 2 + len(sources())]}
    own = {here.pop(name) for name in list(here) if name.endswith((":DIR", ":FILE", "/NAME"))}
    assert (here.pop("glyphs"), own, set(here.values())) == ("yes", {"–"}, {"no"})
    fetched = [line.split()[:4] for line in said[4 + len(sources()) :]]
    names = ("emnist", "mnist", "fashion-mnist", "kmnist", "cifar10", "cifar100")
    assert fetched == [["assay", "data", "fetch", name] for name in names]


def test_data_list_info_and_preview(assay: Assay, characters: str):
    listed = assay("data", "list").out
    assert "emnist/balanced" in listed
    assert "assay data fetch emnist" in " ".join(listed.split())
    info = assay("data", "info", characters).out
    assert not {"real", "synthetic"} & set(info.replace(",", "").split())  # nobody knows
    assert "14 x 14 pixels" in info
    assert "6 classes: 0 1 2 3 4 5" in info
    assert assay("data", "preview", characters, "--out", "sheet.png").out == "sheet.png\n"
    with Image.open("sheet.png") as sheet:
        assert sheet.width > 100


RUN = RunId("max", 3)


def test_predict_prints_a_line_for_each_picture(assay: Assay, monkeypatch):
    """Names as they are, with what would be markup elsewhere."""

    def recognise(folder, images, *, arm, seed, one, trust, on_error):
        assert (folder, arm, seed) == ("there", "max", 3)
        return [
            Prediction(Path(image), RUN, "[b]", 0.875, (("8", 0.12), ("3", 0.005)), 1.1) for image in images
        ]

    monkeypatch.setattr("assay.findings.prediction.predict", recognise)
    said = assay("predict", "there", "[bold]a.png", "b.jpg", "--arm", "max", "--seed", "3")
    assert (said.status, said.err) == (0, "")
    assert [line.split() for line in said.out.splitlines()[2:]] == [
        ["[bold]a.png", "[b]", "88%", "8", "12%,", "3", "0%"],
        ["b.jpg", "[b]", "88%", "8", "12%,", "3", "0%"],
        ["recognised", "by", "max,", "seed", "3"],
    ]  # fmt: skip


def test_pictures_that_cannot_be_read_lose_the_others_no_answer(assay: Assay, monkeypatch):
    def recognise(folder, images, *, arm, seed, one, trust, on_error):
        for image in images[1:]:
            on_error(DataError(f"{image}: blank\npicture"))
        return [Prediction(Path(images[0]), RUN, "7", 1.0, ())]

    monkeypatch.setattr("assay.findings.prediction.predict", recognise)
    said = assay("predict", "there", "a.png", "b.png", "c.png")
    assert said.status == 2
    assert said.out.splitlines()[2].split() == ["a.png", "7", "100%"]
    assert said.err == "".join(f"assay: error: {name}.png: blank\\npicture\n" for name in "bc")


def test_what_the_recipe_adds_is_shown(assay: Assay):
    shown = assay("show", "optimizers", "--quick").out
    assert "SGD lr=0.05, minibatch 100, 10 epochs, penalties L2 0.001, numba engine" in " ".join(
        shown.split()
    )


def test_show_says_which_engine_and_why_and_can_be_overruled(assay: Assay, study_file: str, monkeypatch):
    monkeypatch.setattr(choice, "COMPARED_FROM", 0)
    monkeypatch.setattr(speed, "recall", lambda *_: None)
    monkeypatch.setattr(speed, "steps_per_second", lambda engine, *_: 1610.2 - 9 * len(engine.name))

    def shown(engine: str) -> str:
        return " ".join(assay("show", study_file, "--engine", engine).out.split())

    assert shown("auto").count("numba engine (numba: 1,565 steps/s; torch:cpu 1,529)") == 2
    monkeypatch.setattr(speed, "steps_per_second", lambda engine, *_: 9.0 * len(engine.name))
    assert shown("auto").count("torch:cpu engine (torch:cpu: 81 steps/s; numba 45)") == 2
    assert shown("torch").count("torch:cpu engine") == 2
    assert "engine (" not in shown("torch")
