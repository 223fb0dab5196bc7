"""``assay init``, ``schema`` and completion in a shell."""

import io
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from said import Assay

from assay.records import free_memory
from assay.running.plan import make_plan
from assay.study.builtin import load_study
from assay.study.first import MOST, QUESTION, STEPS, VARY, first_study


def test_a_first_study_can_be_planned(assay: Assay):
    vary = ("--vary", "network.hidden=[50],[200]")
    said = assay("init", "width.toml", "--question", 'Is "wide" better?', *vary)
    assert (said.status, said.out, said.err) == (0, "width.toml\n", "")
    study = load_study("width.toml")
    assert study.question == 'Is "wide" better?'
    assert [arm.settings.architecture.hidden for arm in study.arms] == [(50,), (200,)]
    assert study.control == study.arms[0].name
    assert study.quickened().seeds == (0, 1, 2)
    comments = [line for line in Path("width.toml").read_text().splitlines() if line.startswith("#")]
    assert len(comments) >= 8
    assert [cohort.network.parameter_count for cohort in make_plan(study).cohorts] == [41_647, 166_447]


@pytest.mark.parametrize(
    ("images", "margin"), [(1, 50), (14, 7.2), (45, 2.3), (334, 0.3), (18_800, 0.3), (None, 0.3)]
)
def test_a_margin_is_no_less_than_one_test_image(images, margin):
    """A smaller difference cannot be seen in a run, and would ask for seeds without end."""
    text = first_study("first", QUESTION, VARY, test=images)
    assert tomllib.loads(text)["margin"] == margin
    assert (f"It is one of your {images} test images." in text) == (margin > 0.3)


@pytest.mark.parametrize(
    ("images", "batch_size", "epochs"),
    [(12, 20, 200), (346, 20, 112), (1000, 50, 100), (2000, 100, 100), (8000, 100, 25), (97_000, 100, 4)],
)
def test_a_first_study_is_as_long_as_its_images_ask_for(images, batch_size, epochs):
    text = first_study("first", QUESTION, VARY, images=images)
    training = tomllib.loads(text)["training"]
    assert training == {"batch_size": batch_size, "epochs": epochs}
    steps = epochs * -(-images // batch_size)
    assert steps >= STEPS or epochs == MOST
    assert f"{epochs} epochs of {steps // epochs:,} steps are {steps:,} steps a run." in text


def test_the_images_of_a_users_own_data_are_counted(assay: Assay, characters: str):
    assert assay("init", "own.toml", "--data", characters).status == 0
    found = load_study("own.toml").arms[0].settings.recipe
    assert (found.batch_size, found.epochs) == (20, 182)


@pytest.mark.parametrize(
    ("source", "why"),
    [("glyps", "did you mean 'glyphs'?"), ("images:nowhere", "nowhere"), ("emnist", "did you mean 'emnist/")],
)
def test_data_that_is_not_there_is_refused_before_anything_is_asked(source, why, assay: Assay, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal("\n\n\n"))
    said = assay("init", "new.toml", "--data", source)
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert why in said.err
    assert not Path("new.toml").exists()


@pytest.mark.parametrize(
    ("vary", "arms"),
    [
        ("optimizer.rule=Adam,SGD", ["Adam", "SGD"]),
        ("optimizer.lr=0.001,1e-2,.1", ["lr-0.001", "lr-0.01", "lr-0.1"]),
        ("network.maps=[5],[5,10]", ["maps-5", "maps-5-10"]),
        ("network.batch_norm=false,true", ["no-batch_norm", "batch_norm"]),
        ("network.reduction=max,average", ["max", "average"]),
        ("training.batch_size=10,100", ["batch_size-10", "batch_size-100"]),
    ],
)
def test_any_setting_can_differ(vary, arms, assay: Assay):
    assert assay("init", "first", "--vary", vary).status == 0
    assert [arm.name for arm in load_study("first.toml").arms] == arms


def test_a_layer_of_ones_own_can_differ(assay: Assay):
    """It is tried as `assay show` would, so it has to be trusted, and nothing is written before."""
    Path("mine").mkdir()
    asked = ("init", "mine/own", "--vary", "network.activation=ReLU,own.py:Double")
    assert assay(*asked).err == "assay: error: own: mine/own.py: no such file\n"
    Path("mine/own.py").write_text(OWN_LAYER)
    said = assay(*asked)
    assert (said.status, Path("mine/own.toml").exists()) == (2, False)
    assert "(if you trust it: --trust own.py;" in said.err
    assert assay(*asked, "--trust", "own.py").out == "mine/own.toml\n"
    study = load_study("mine/own.toml", trust=["own.py"])
    assert [arm.name for arm in study.arms] == ["ReLU", "Double"]


OWN_LAYER = """
from dataclasses import dataclass

from assay.nn import Layer


@dataclass(frozen=True)
class Double(Layer):
    kind = "double"

    def output_shape(self, shape):
        return shape

    def forward(self, params, x):
        return 2 * x, None

    def backward(self, params, cache, dy):
        return 2 * dy, {}
"""


def test_several_settings_are_crossed(assay: Assay):
    dropout, norm = "network.hidden_dropout=0.0,0.3", "network.batch_norm=true,false"
    assert assay("init", "both", "--vary", dropout, "--vary", norm).status == 0
    study = load_study("both.toml")
    found = [arm.settings.architecture for arm in study.arms]
    assert [(net.hidden_dropout, net.batch_norm) for net in found] == [
        (0, True),
        (0, False),
        (0.3, True),
        (0.3, False),
    ]
    assert study.control == study.arms[0].name == "hidden_dropout-0-batch_norm"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_asks_three_questions(assay: Assay, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", Terminal("Which rate?\n\noptimizer.lr=0.001,0.01\n"))
    said = assay("init", "rate.toml")
    assert said.status == 0
    assert said.out.count("]: ") == 3
    study = load_study("rate.toml")
    assert (study.question, study.data.source) == ("Which rate?", "glyphs")
    assert [arm.settings.recipe.optimizer.lr for arm in study.arms] == [0.001, 0.01]


def test_an_answer_that_is_none_is_asked_for_again_and_the_others_stay(assay: Assay, monkeypatch):
    levels = ["lr", "optimizer.lrr=1,2", "network.hidden_dropout=0,1.5", "optimizer.lr=0.001,0.01"]
    typed = "\n".join(["Which rate?", "glyps", "", *levels, ""])
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    said = assay("init", "rate.toml")
    assert (said.status, said.err) == (0, "")
    assert said.out.count("]: ") == 7
    for why in (
        "expected KEY=A,B,...",
        "did you mean 'lr'?",
        "did you mean 'glyphs'?",
        "must be a number in",
    ):
        assert said.out.count(why) == 1
    study = load_study("rate.toml")
    assert (study.question, study.data.source) == ("Which rate?", "glyphs")
    assert [arm.settings.recipe.optimizer.lr for arm in study.arms] == [0.001, 0.01]


def test_where_nothing_can_be_written_nothing_is_asked(assay: Assay, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal("\n\n\n"))
    said = assay("init", "nowhere/rate.toml")
    assert (said.status, said.out) == (2, "")
    assert "nowhere is no folder" in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--vary", "lr"), "--vary 'lr': expected KEY=A,B,..., such as optimizer.lr=0.001,0.01"),
        (("--vary", "=1,2"), "--vary '=1,2': expected KEY=A,B"),
        (("--vary", "[=1,2"), "factor '[': expected a letter or digit"),
        (("--vary", 'a"b\\=1,2'), "expected a letter or digit"),
        (("--vary", "optimizer.lr=0.1"), "found 1, expected two or more values"),
        (("--vary", "optimizer.lrr=0.1,1"), "unknown key 'lrr' (did you mean 'lr'?)"),
        (("--vary", "network.hidden=[5],[6]", "--vary", "network.maps=[5],[6]"), "unknown key 'maps'"),
        (("--vary", "optimizer.lr=1,2", "--vary", "optimizer.lr=3,4"), "two factors are called 'lr'"),
        (("--question", " "), "question is empty"),
        (("--vary", 'training.schedule={kind="Constant"},{}'), "level: expected a letter or digit"),
    ],
)
def test_what_makes_no_study_is_refused(words, message, assay: Assay):
    said = assay("init", "new.toml", *words)
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert message in said.err
    assert not Path("new.toml").exists()


@pytest.mark.parametrize(
    "vary", ["network.hidden_dropout=0,1.5", "network.kernel_size=3,40", "network.hidden=[100_000_000],[2]"]
)
def test_what_cannot_be_planned_is_refused_as_show_refuses_it(vary, assay: Assay, monkeypatch):
    monkeypatch.setattr(free_memory, "available", lambda: 2**33)  # which both are to speak of
    said = assay("init", "new.toml", "--vary", vary)
    assert (said.status, said.out, Path("new.toml").exists()) == (2, "", False)
    with monkeypatch.context() as patch:
        patch.setattr("assay.running.plan.make_plan", lambda *_: None)
        assert assay("init", "new.toml", "--vary", vary).status == 0
    assert assay("show", "new.toml").err == said.err != ""


@pytest.mark.parametrize("name", ["", "/", "..", "x\ny.toml", "a b.toml"])
def test_what_names_no_study_is_refused(name, assay: Assay):
    said = assay("init", name)
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert "expected a" in said.err


def test_nothing_is_overwritten(assay: Assay):
    Path("mine.toml").write_text("mine")
    assert "exists already" in assay("init", "mine").err
    assert Path("mine.toml").read_text() == "mine"


def test_the_schema_is_printed(assay: Assay):
    said = assay("schema")
    assert (said.status, said.err) == (0, "")
    assert json.loads(said.out)["required"] == ["name", "question"]


def shell(words, **environment):
    command = [sys.executable, "-m", "assay", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)
    return done.stdout


def test_a_shell_completes_commands_and_studies():
    asked = {"_ASSAY_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
    assert shell((), **asked, COMP_WORDS="assay ex").split() == ["extend", "export"]
    asked["COMP_CWORD"] = "2"
    assert shell((), **asked, COMP_WORDS="assay run pool").split() == ["pooling"]


def test_completion_is_installed_by_one_command(tmp_path: Path):
    home = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    said = shell(("--install-completion", "bash"), **home)
    assert "bash completion installed" in said
    installed = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "_ASSAY_COMPLETE=complete_bash" in installed
