"""A user's own code, trained in processes: the bytes that the study names, and no file of the same name."""

from dataclasses import replace

import pytest
from own_classes import own_arms, spoil, study_text, write_own
from tiny import outcome

from assay.data import load
from assay.errors import StudyError, UsageError
from assay.records.runs import RunId, Status
from assay.running import processes
from assay.running.events import EpochEnded
from assay.running.messages import SentStudy
from assay.running.plan import make_plan
from assay.running.run import run
from assay.running.threads import Threads
from assay.study.builtin import load_study
from assay.study.module_family import Module

TRUST = ["mylayers.py", "myrules.py", "nets.py"]


@pytest.fixture
def own(tmp_path, characters, forgetful):
    """A study whose arms have a layer, a compiled layer, a rule and penalty, and a module of the user's."""
    own_arms(tmp_path, characters)
    return load_study(tmp_path / "own.toml", trust=TRUST)


def test_in_processes_they_come_out_as_in_threads(own, tmp_path, forgetful):
    """Killed once and continued; a layer that ends its process costs its run alone, without --isolate."""

    def kill(event):
        if isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    with run(own, tmp_path / "threads", executor=Threads(2), progress=False) as results:
        expected = outcome(results)
    with pytest.raises(KeyboardInterrupt):
        run(own, tmp_path / "processes", workers=1, progress=False, on_event=kill)
    forgetful()
    again = load_study(tmp_path / "own.toml", trust=TRUST)
    spoil(tmp_path)
    with run(again, tmp_path / "processes", workers=1, progress=False) as results:
        found = outcome(results)
    died = found[RunId("dies", 0)]
    assert (died.status, died.message) == (Status.FAILED, "its process ended itself with exit status 7")
    same = [key for key in expected if "dies" not in str(key)]
    assert {key: found[key] for key in same} == {key: expected[key] for key in same}
    assert sum(expected[key].status is Status.DONE for key in same if isinstance(key, RunId)) == 4


def changed(sent: SentStudy, **texts: bytes) -> SentStudy:
    """Return a study whose layers were changed on the way."""
    own = sent.code["mylayers.py"]
    there = replace(own, texts={**own.texts, **{f"{name}.py": text for name, text in texts.items()}})
    return replace(sent, code={**sent.code, "mylayers.py": there})


def test_what_was_changed_on_the_way_is_refused(own, characters, forgetful):
    data = load(own.data)
    plan = make_plan(own, data)
    sent = SentStudy.of(plan)
    forgetful()
    received = sent.received(data)
    for arm in own.arms:
        (there,) = received.context(arm.name).plan.cohorts
        here = plan.cohort(arm.name)
        assert (there.network, there.recipe, there.engine.name) == (
            here.network,
            here.recipe,
            here.engine.name,
        )
    forgetful()
    for wrong in (changed(sent, tools=b"def one(): return 2.0"), replace(sent, code={})):
        with pytest.raises(StudyError, match=r"sent by the driver: mylayers.py: .* has arrived, expected"):
            wrong.received(data)


def test_a_task_needs_what_its_own_arm_needs_alone(own, characters, monkeypatch):
    """A module's arm imports PyTorch: the others do without."""
    data = load(own.data)
    sent = SentStudy.of(make_plan(own, data))
    monkeypatch.setattr(Module, "build", lambda *_: 1 / 0)
    received = sent.received(data)
    for arm in ("layer", "rule"):
        assert [cohort.arm.name for cohort in received.context(arm).plan.cohorts] == [arm]
    with pytest.raises(ZeroDivisionError):
        received.context("module")


def test_a_process_that_refuses_says_why(tmp_path, characters, monkeypatch, forgetful):
    write_own(tmp_path)
    (tmp_path / "own.toml").write_text(study_text(characters))
    own = load_study(tmp_path / "own.toml", trust=["mylayers.py"])
    tampered = changed(SentStudy.of(make_plan(own)), tools=b"def one(): return 2.0")
    monkeypatch.setattr(processes.SentStudy, "of", lambda plan: tampered)
    with run(own, tmp_path / "out", workers=1, first=1, progress=False) as results:
        assert {run.status for run in results.runs} == {Status.FAILED}
        assert "StudyError: the study sent by the driver: mylayers.py: digest" in results.runs[0].message


def test_only_trusted_code_is_sent(own, forgetful):
    plan = make_plan(own)
    forgetful()
    with pytest.raises(UsageError, match=r"own: needs to run code of its own, mylayers.py, myrules.py"):
        SentStudy.of(plan)


def test_a_program_that_runs_a_study_where_it_is_imported_is_told_so(tmp_path, characters, forgetful):
    own_arms(tmp_path, characters)
    with (tmp_path / "mylayers.py").open("a") as layers:
        layers.write("\nimport assay\nassay.run(assay.load_study('pooling'))\n")
    with pytest.raises(
        UsageError, match=r"pooling: is run by mylayers.py while another study imports it .put the call under"
    ):
        make_plan(load_study(tmp_path / "own.toml", trust=TRUST))
