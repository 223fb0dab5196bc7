"""Studies with code of a user's own: run, continued, extended, read and used."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from own_classes import LAYERS, study_text, write_own
from tiny import outcome

import assay
from assay.engines import speed
from assay.engines.base import Engine
from assay.engines.reference import ReferenceEngine
from assay.errors import StoreError, StudyError, UsageError
from assay.findings.inside import look_inside
from assay.nn.network import Network
from assay.optim.recipe import Recipe
from assay.records import observations
from assay.results import Results
from assay.running import run as running
from assay.running.events import Started
from assay.running.extend import extend
from assay.running.health import examine, salvage
from assay.running.plan import Plan, make_plan
from assay.study.architectures import Dense
from assay.study.builtin import load_study
from assay.study.own_code import reference_to

TRUST = ["mylayers.py"]


@pytest.fixture
def own(tmp_path: Path, characters: str) -> Path:
    write_own(tmp_path / "own")
    (tmp_path / "own" / "study.toml").write_text(study_text(characters))
    return tmp_path / "own"


@pytest.fixture(autouse=True)
def in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes take seconds to start, and are tested elsewhere."""
    monkeypatch.setattr(Plan, "isolated", False)


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(observations, "folder", lambda: tmp_path / "speeds")


def study(own: Path, trust=TRUST, **options):
    return load_study(own / "study.toml", trust=trust, **options)


def run(own: Path, **options) -> Results:
    return running.run(study(own), own / "out", progress=False, **options)


def change(own: Path, text: str) -> None:
    (own / "tools.py").write_text(text)


def test_it_trains_and_its_folder_keeps_the_code(own, forgetful):
    with pytest.raises(
        UsageError, match=r"own: needs to run code of its own, mylayers.py .*--trust mylayers.py"
    ):
        running.run(study(own, trust=()), own / "out", progress=False)
    assert not (own / "out").exists()
    with run(own) as results:
        assert results.done == 4
        assert {run.parameters for run in results.runs} == {14 * 14 * 8 + 8 + 8 * 6 + 6}
    kept = own / "out" / "code"
    assert {path.name: path.read_text() for path in kept.iterdir()} == {
        name: (own / name).read_text() for name in ("mylayers.py", "tools.py")
    }


def test_a_changed_file_is_refused_with_what_changed(own, forgetful):
    run(own, first=1).close()
    change(own, "\ndef one():\n    return 1.5\n")
    forgetful()
    with pytest.raises(
        StoreError,
        match=r"was begun with other code in mylayers.py: tools.py, line 3: '    return 1.0' there, "
        r"'    return 1.5' now \(undo the change, or use another --out\)",
    ):
        run(own)
    (own / "mylayers.py").write_text(LAYERS.replace("from tools import one", "def one(): return 1.0"))
    with pytest.raises(StoreError, match=r"mylayers.py, line \d+: 'from tools import one' there"):
        run(own)
    write_own(own)
    with run(own) as results:
        assert results.done == 4


def test_stopped_and_continued_it_gives_the_same_bits(own, forgetful, tmp_path):
    with run(own) as results:
        whole = outcome(results)
    (own / "out").rename(tmp_path / "whole")
    run(own, first=1).close()
    forgetful()
    with run(own) as results:
        assert outcome(results) == whole


@pytest.mark.usefixtures("undrawn")
def test_reading_a_folder_runs_no_code(own, forgetful, tmp_path):
    run(own).close()
    forgetful()
    marker = tmp_path / "was_run"
    kept = own / "out" / "code" / "mylayers.py"
    kept.write_text(f"open({str(marker)!r}, 'w').close()\n{kept.read_text()}")
    with Results.open(own / "out") as results:
        assert "code of its own, mylayers.py:Swish" in " ".join(results.findings().limits)
        results.write_report(tmp_path / "report.html")
        assert results.rows()
        inside = look_inside(results, "swish")
        assert inside is not None
        assert "not run unless" in inside.missing
        assert look_inside(results, "relu").missing == ""
        image = np.zeros((14, 14), np.uint8)
        assert results.predict(image, arm="relu")[0].run.arm == "relu"
        with pytest.raises(UsageError, match=r"^own: needs to run code of its own, mylayers.py"):
            results.predict(image, arm="swish")
    assert not marker.exists()
    with pytest.raises(StoreError, match="is not what the runs were trained with"):
        Results.open(own / "out", trust=TRUST)
    assert not marker.exists()


def test_with_trust_its_networks_are_there(own, forgetful):
    run(own).close()
    forgetful()
    (own / "mylayers.py").unlink()
    image = np.zeros((14, 14), np.uint8)
    found = assay.predict(own / "out", image, arm="swish", trust=TRUST)
    assert found[0].run.arm == "swish"
    with Results.open(own / "out", trust=TRUST) as results:
        assert type(results.network("swish", 0).network.nodes[2].layer).__name__ == "Swish"
        assert look_inside(results, "swish").missing == ""


def test_extended_from_the_folder_alone_it_reuses_its_runs(own, forgetful):
    run(own).close()
    forgetful()
    (own / "tools.py").unlink()
    with pytest.raises(UsageError, match="needs to run code of its own"):
        extend(own / "out", 3, own / "more", progress=False)
    begun = []
    with extend(own / "out", 3, own / "more", trust=TRUST, progress=False, on_event=begun.append) as results:
        assert results.done == 6
    (started,) = (event for event in begun if isinstance(event, Started))
    assert {run.seed for run in started.pending} == {2}
    assert (own / "more" / "code" / "tools.py").exists()


def test_doctor_compares_the_kept_code_and_salvage_copies_it(own, forgetful):
    run(own).close()
    forgetful()
    assert examine(own / "out")[1] == []
    assert salvage(own / "out", own / "saved")[-1] == "code: 2 files"
    assert assay.predict(own / "saved", np.zeros((14, 14), np.uint8), arm="swish", trust=TRUST)
    (own / "out" / "code" / "tools.py").write_text("def one(): return 2\n")
    assert "is not what the runs were trained with" in examine(own / "out")[1][0]


def test_runs_with_other_code_are_not_reused(own, forgetful):
    run(own).close()
    change(own, "\ndef one():\n    return 1.0 + 0.0\n")
    forgetful()
    begun = []
    running.run(study(own), own / "other", reuse=own / "out", progress=False, on_event=begun.append).close()
    (started,) = (event for event in begun if isinstance(event, Started))
    assert {run.arm for run in started.pending} == {"swish"}


COURSE = """
class Updates:
    def __init__(self, lr=0.01):
        self.lr = lr

    def update(self, params, grads):
        for key in params:
            params[key] -= self.lr * grads[key]
"""
EDITED = {
    "a layer": ("tools.py", "swish", ""),
    "a rule": ("myrules.py", "relu", 'optimizer.rule = "myrules.py:Lion"'),
    "a rule in a course's style": ("course.py", "relu", 'optimizer.rule = "course.py:Updates"'),
    "a penalty": (
        "myrules.py",
        "relu",
        'training.penalties = [{ kind = "myrules.py:Huber", strength = 0.1 }]',
    ),
}


@pytest.mark.parametrize("what", EDITED)
def test_the_speed_that_code_had_before_an_edit_is_not_that_of_the_code(what, own, forgetful, characters):
    file, arm, setting = EDITED[what]
    lines = [f"factors.activation.{arm}.{setting}"] if setting else []
    (own / "course.py").write_text(COURSE)
    (own / "study.toml").write_text(study_text(characters, *lines))

    def planned() -> tuple[Engine, Network, Recipe]:
        forgetful()
        named = load_study(own / "study.toml").code
        cohort = make_plan(study(own, trust=list(named))).cohort(arm)
        return cohort.engine, cohort.network, cohort.recipe

    before = planned()
    speed.record_run(*before, 5.0)
    assert speed.recorded(*planned()) == (5.0,)
    with (own / file).open("a") as text:
        text.write("\n# edited\n")
    assert speed.recorded(*planned()) == ()


def test_nor_is_that_of_code_that_the_users_program_has_imported(own, forgetful, monkeypatch):
    monkeypatch.syspath_prepend(own)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # which would be as old as the edit
    network = Dense((3,)).build((1, 4, 4), 5)
    for known in ((), (5.0,)):
        monkeypatch.delitem(sys.modules, "myrules", raising=False)
        recipe = Recipe(import_module("myrules").Lion())
        reference_to(type(recipe.optimizer), "own")
        assert speed.recorded(ReferenceEngine(), network, recipe) == known
        speed.record_run(ReferenceEngine(), network, recipe, 5.0)
        forgetful()
    with (own / "myrules.py").open("a") as text:
        text.write("\n# edited\n")
    monkeypatch.delitem(sys.modules, "myrules")
    recipe = Recipe(import_module("myrules").Lion())
    reference_to(type(recipe.optimizer), "own")
    assert speed.recorded(ReferenceEngine(), network, recipe) == ()


def test_a_wrong_gradient_is_refused_before_training(own, forgetful):
    text = (own / "study.toml").read_text()
    (own / "study.toml").write_text(text.replace(":Swish", ":Wrong"))
    with pytest.raises(
        StudyError,
        match=r"own: arm 'swish': Wrong, layer wrong1, input 8: dL/dx: along a random direction backward "
        r"gives .* \(`assay check` says more; --unchecked",
    ):
        make_plan(study(own))
    plan = make_plan(study(own, unchecked=True))
    assert [check.cls for check in plan.checks if check.wrong] == ["Wrong"]


def test_the_slow_engine_is_announced_with_the_time(own, forgetful):
    text = (own / "study.toml").read_text()
    (own / "study.toml").write_text(text.replace('engine = "reference"', 'engine = "auto"'))
    begun = []
    run(own, on_event=begun.append).close()
    (started,) = (event for event in begun if isinstance(event, Started))
    assert set(started.slow) == {"swish"}
    assert 0 < started.slow["swish"] < 60
    assert started.plan.cohort("swish").why == (
        "the slowest one: numba has no Swish; it takes layers that have compiled functions, elementwise"
    )


def test_compiled_functions_take_a_layer_into_the_numba_engine(own, forgetful):
    text = (own / "study.toml").read_text()
    (own / "study.toml").write_text(
        text.replace('engine = "reference"', 'engine = "auto"').replace(":Swish", ":FastSwish")
    )
    with run(own) as results:
        assert {run.engine for run in results.runs} == {"numba"}
        assert results.done == 4
