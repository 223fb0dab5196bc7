"""Code of a user's own on the command line: asked for, checked, and told about."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from own_classes import study_text, write_own
from sabotage import fail_at_the_end, spoil
from said import Assay

from assay.errors import StoreError
from assay.results import Results
from assay.running.plan import Plan

TRUST = ("--trust", "mylayers.py")


@pytest.fixture(autouse=True)
def own(assay: Assay, characters: str, forgetful: object) -> None:
    write_own(Path())
    Path("own.toml").write_text(study_text(characters))


def test_the_plan_says_what_was_checked(assay: Assay):
    said = assay("show", "own.toml", *TRUST)
    assert (said.status, said.err) == (0, "")
    assert "Swish, layer swish1, input 8: checked: right" in said.out
    table = json.loads(assay("show", "own.toml", *TRUST, "--format", "json").out)
    assert table["checks"] == [{"cls": "Swish", "place": "layer swish1, input 8", "wrong": ""}]
    assert list(table["code"]) == ["mylayers.py"]


@pytest.mark.parametrize("command", ["show", "plan", "run"])
def test_without_trust_it_is_refused_in_one_line(assay: Assay, command: str):
    said = assay(command, "own.toml")
    assert said.status == 2
    assert said.err == (
        "assay: error: own: needs to run code of its own, mylayers.py (if you trust it: --trust mylayers.py; "
        "in Python, trust=['mylayers.py'])\n"
    )
    assert not Path("assay-runs").exists()


def test_trust_is_for_what_the_study_names(assay: Assay):
    said = assay("show", "own.toml", *TRUST, "--trust", "tools.py")
    assert "--trust tools.py: not named by the study (known: mylayers.py)" in said.err
    said = assay("show", "pooling", "--quick", "--unchecked")
    assert "--unchecked: goes with --trust FILE.py" in said.err


def test_a_setting_can_name_a_file_in_the_current_folder(assay: Assay):
    rule = ("-s", "optimizer.rule=myrules.py:Lion", "-s", "optimizer.beta=0.5", "--trust", "myrules.py")
    said = assay("show", "own.toml", *TRUST, *rule)
    assert (said.status, said.err) == (0, "")
    assert "Lion, learning rule: checked: right" in said.out
    assert "beta=0.5" in said.out


def test_a_wrong_layer_is_refused_and_can_be_trained_unchecked(assay: Assay, forgetful: Callable[[], None]):
    text = Path("own.toml").read_text().replace("epochs = 2", "epochs = 1")
    Path("own.toml").write_text(text.replace(":Swish", ":Wrong"))
    said = assay("run", "own.toml", *TRUST)
    assert said.status == 2
    assert "Wrong, layer wrong1, input 8: dL/dx: along a random direction" in said.err
    said = assay("show", "own.toml", *TRUST, "--unchecked")
    assert said.status == 0
    assert "Wrong, layer wrong1, input 8: checked: wrong, trained unchecked: dL/dx" in said.out
    assert assay("run", "own.toml", *TRUST, "--unchecked").status == 0
    assert assay("salvage", "assay-runs/own", "saved").status == 0
    for folder in ("assay-runs/own", "saved"):
        with Results.open(folder) as results:
            limits = " ".join(results.findings().limits)
        assert "Trained unchecked (--unchecked), although found wrong before training: Wrong (" in limits
        assert "layer wrong1, input 8): dL/dx: along" in limits
    forgetful()
    more = ("extend", "assay-runs/own", "--seeds", "3", *TRUST)
    assert "layer wrong1, input 8: dL/dx: along a random direction" in assay(*more).err
    assert assay(*more, "--unchecked").status == 0
    assert Path("assay-runs/own-3-seeds/unchecked.json").exists()
    Path("saved/unchecked.json").write_text("[")
    with Results.open("saved") as results, pytest.raises(StoreError, match=r"unchecked.json: cannot be read"):
        results.findings()


def test_operations_that_a_layer_does_not_count_are_unknown(assay: Assay):
    text = Path("own.toml").read_text()
    Path("own.toml").write_text(text.replace(":Swish", ":Scale"))
    out = assay("show", "own.toml", *TRUST).out
    assert "not counted" in out
    arms = json.loads(assay("show", "own.toml", *TRUST, "--format", "json").out)["arms"]
    assert [arm["flops_unknown"] for arm in arms] == [[], ["scale1"]]


@pytest.fixture(autouse=True)
def in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes take seconds to start, and are tested elsewhere."""
    monkeypatch.setattr(Plan, "isolated", False)


@pytest.mark.usefixtures("undrawn")
def test_run_predict_and_report_ask_alike(assay: Assay, forgetful: Callable[[], None]):
    from PIL import Image

    text = Path("own.toml").read_text()
    Path("own.toml").write_text(text.replace("seeds = 2", "seeds = 1").replace("epochs = 2", "epochs = 1"))
    said = assay("run", "own.toml", *TRUST)
    assert (said.status, said.err) == (0, "")
    Image.new("L", (14, 14), 255).save("blank.png")
    taking = ("predict", "report", "extend", "reproduce", "export", "fork")
    help = {command: assay(command, "--help").out for command in taking}
    assert [command for command, text in help.items() if "--trust" not in text] == []
    assert assay("report", "assay-runs/own", "--trust", "other.py").status == 2
    assert assay("report", "assay-runs/own", *TRUST).status == 0
    forgetful()
    swish = ("export", "assay-runs/own", "--arm", "swish", "--to")
    for refused in ((*swish, "safetensors"), ("predict", "assay-runs/own", "blank.png", "--arm", "swish")):
        assert assay(*refused).err.startswith(
            "assay: error: own: needs to run code of its own, mylayers.py (if you trust it: --trust "
        )
    assert assay(*swish, "safetensors", *TRUST).out.splitlines()[0] == (
        "assay-runs/own/export/swish-0.safetensors"
    )
    assert "swish1: Swish has no ONNX operator (export to safet" in assay(*swish, "onnx", *TRUST).err


def test_retry_failed_trains_again_with_the_same_code(assay: Assay, forgetful, monkeypatch):
    with monkeypatch.context() as patch:
        spoil(patch, "reference", lambda session: fail_at_the_end(session, ValueError("no luck")))
        assert assay("run", "own.toml", *TRUST).status == 1
    assert "ValueError: no luck" in assay("status", "assay-runs/own", "--failed").out
    forgetful()
    again = ("run", "own.toml", "--retry-failed")
    assert "needs to run code of its own, mylayers.py" in assay(*again).err
    said = assay(*again, *TRUST)
    assert (said.status, said.err) == (0, "")
    assert said.out.count("trained again, failed before with ValueError: no luck") == 4
    with Results.open("assay-runs/own") as results:
        assert results.complete


def test_fork_keeps_the_code_and_trains_what_changed(assay: Assay, forgetful: Callable[[], None]):
    assert assay("run", "own.toml", *TRUST).status == 0
    forgetful()
    text = Path("own.toml").read_text()
    Path("own.toml").write_text(text.replace("epochs = 2", "epochs = 1"))
    assert "needs to run code of its own, mylayers.py" in assay("fork", "assay-runs/own", "own.toml").err
    said = assay("fork", "assay-runs/own", "own.toml", *TRUST)
    assert (said.status, said.err) == (0, "")
    assert Path("assay-runs/own-fork/code/mylayers.py").read_text() == Path("mylayers.py").read_text()
    with Results.open("assay-runs/own") as before, Results.open("assay-runs/own-fork") as after:
        assert after.complete
        assert after.study.parent == before.header.digest
        assert {run.epochs for run in after.runs} == {1}
