"""Runs that stop early: when, alone and side by side, killed or not; and what reports say of it."""

import csv
import io
from dataclasses import replace

import pytest
from cohorts import CohortEngine
from tiny import outcome, tiny_study
from typer.testing import CliRunner

from assay import engines
from assay.cli.app import app
from assay.errors import StoreError, StudyError
from assay.findings.findings import build
from assay.optim import SGD
from assay.optim.recipe import Recipe
from assay.records.runs import Status
from assay.results import Results
from assay.running.events import EpochEnded
from assay.running.extend import extend
from assay.running.plan import make_plan
from assay.running.run import run
from assay.study.claims import Claim

EPOCHS = 7
SEEDS = [0, 1]


def study_of(source, patience, **changes):
    training = {"epochs": EPOCHS, **({} if patience is None else {"patience": patience})}
    return tiny_study(source, **{"seeds": SEEDS, "training": training, "data": {"train": 70}, **changes})


def ran(study, folder, **options):
    with run(study, folder, **options) as results:
        assert results.complete
        return outcome(results)


@pytest.fixture(scope="module")
def patient(characters, tmp_path_factory):
    """The outcome of the runs that are never stopped."""
    return ran(study_of(characters, None), tmp_path_factory.mktemp("patient"))


@pytest.fixture(scope="module")
def stopped(characters, tmp_path_factory):
    """A folder of runs with a patience of two epochs, and their outcome."""
    folder = tmp_path_factory.mktemp("stopped")
    return folder, ran(study_of(characters, 2), folder)


def test_a_run_stops_after_as_many_epochs_without_a_better_one(patient, stopped):
    """By hand, from the accuracies of the same runs when nobody stopped them."""
    _, found = stopped
    for run_id in [key for key in patient if not isinstance(key, tuple)]:
        whole = patient[run_id, "epochs"]
        accuracies = [float(line.partition("valid_accuracy=")[2].partition(",")[0]) for line in whole]
        best, end = 0, len(accuracies)
        for epoch, accuracy in enumerate(accuracies, start=1):
            if best == 0 or accuracy > accuracies[best - 1]:
                best = epoch
            if epoch - best >= 2:
                end = epoch
                break
        row = found[run_id]
        assert (row.status, row.epochs, row.best_epoch) == (Status.DONE, end, best)
        assert row.valid_best == max(accuracies[:end])
        assert found[run_id, "epochs"] == whole[:end], "up to there it is the same run"
    assert any(row.epochs < EPOCHS for key, row in found.items() if not isinstance(key, tuple))


def test_a_patience_that_never_ends_changes_nothing(characters, patient, tmp_path):
    assert ran(study_of(characters, EPOCHS - 1, seeds=[0]), tmp_path).items() <= patient.items()


def test_runs_side_by_side_stop_one_by_one(characters, stopped, tmp_path, monkeypatch):
    monkeypatch.setitem(engines.ENGINES, "reference", lambda: CohortEngine(16))
    assert ran(study_of(characters, 2), tmp_path, workers=1) == stopped[1]


@pytest.mark.parametrize(("last", "runs"), [(1, 1), (4, 16)])
def test_a_study_that_was_killed_stops_at_the_same_epochs(
    last, runs, characters, stopped, tmp_path, monkeypatch
):
    monkeypatch.setitem(engines.ENGINES, "reference", lambda: CohortEngine(runs))

    def kill(event):
        if isinstance(event, EpochEnded) and event.record.epoch == last:
            raise KeyboardInterrupt

    study = study_of(characters, 2)
    with pytest.raises(KeyboardInterrupt):
        run(study, tmp_path, workers=1, on_event=kill)
    assert ran(study, tmp_path, workers=2) == stopped[1]


def test_every_engine_stops_by_its_own_accuracies(engine, characters, tmp_path):
    with run(study_of(characters, 1, engine=engine, seeds=[0]), tmp_path) as results:
        for row in results.runs:
            assert row.epochs == min(EPOCHS, _end(results.epochs(row.id), 1))


def _end(epochs, patience):
    best = max(range(len(epochs)), key=lambda index: (epochs[index].valid_accuracy, -index)) + 1
    return best + patience


def test_seeds_are_added_to_runs_that_stopped(characters, stopped, tmp_path):
    folder, found = stopped
    with extend(folder, 3, tmp_path / "more") as results:
        more = outcome(results)
    assert found.items() <= more.items(), "the runs that stopped stay as they are"
    assert len(more) > len(found)
    with pytest.raises(StoreError, match=r"training\.patience: 2 there, 3 now"):
        run(study_of(characters, 3), folder)


def test_arms_that_differ_by_a_patience_without_effect_are_the_same_run(characters):
    def plan(patience):
        levels = {"long": {"training": {"patience": patience}}, "never": {}}
        return make_plan(study_of(characters, None, factors={"patience": levels}, control="never"))

    assert len(plan(2).cohorts) == 2
    with pytest.raises(StudyError, match="are the same run"):
        plan(EPOCHS)


@pytest.mark.parametrize("patience", [0, -1, 10**8])
def test_a_patience_is_a_positive_number_of_epochs(patience):
    with pytest.raises(StudyError, match="patience"):
        Recipe(SGD(), patience=patience)


@pytest.fixture(scope="module")
def compared(characters, tmp_path_factory):
    """A folder of an arm that stops early against one that does not."""
    folder = tmp_path_factory.mktemp("compared")
    levels = {"early": {"training": {"patience": 1}}, "never": {}}
    claim = Claim("Stopping early takes fewer epochs.", ("early < never",), metric="epochs")
    study = study_of(characters, None, factors={"patience": levels}, control="never", claims=[])
    study = replace(study, claims=(claim,))
    run(study, folder).close()
    return folder


def test_epochs_are_a_cost_that_reports_compare_and_claims_name(compared):
    with Results.open(compared) as results:
        report = build(results)
        epochs = {arm: [row.epochs for row in results.of(arm)] for arm in ("early", "never")}
    early, never = report.stopping
    assert (early.patience, early.planned, never.patience) == (1, EPOCHS, None)
    assert early.epochs == pytest.approx(sum(epochs["early"]) / len(SEEDS))
    assert (early.stopped, never.stopped) == (sum(count < EPOCHS for count in epochs["early"]), 0)
    assert epochs["never"] == [EPOCHS] * len(SEEDS)
    assert early.ratio
    assert early.ratio.ratio < 1
    assert never.ratio is None
    [claim] = report.claims
    assert claim.verdict
    assert [
        said for said in report.limits if "patience 1" in said and f"of early before epoch {EPOCHS}" in said
    ]


@pytest.mark.usefixtures("undrawn")
def test_what_the_commands_show(compared, tmp_path):
    status = CliRunner().invoke(app, ["status", str(compared), "--format", "csv"]).stdout
    rows = {row["arm"]: int(row["stopped_early"]) for row in csv.DictReader(io.StringIO(status))}
    assert rows["early"] > 0 == rows["never"]
    assert "stopped early" in CliRunner().invoke(app, ["status", str(compared)]).stdout
    table = CliRunner().invoke(app, ["results", str(compared), "--format", "csv"]).stdout
    found = [int(row["epochs"]) for row in csv.DictReader(io.StringIO(table)) if row["arm"] == "never"]
    assert found == [EPOCHS] * len(SEEDS)
    for name, words in (("r.html", "Epochs trained"), ("r.tex", "Epochs trained"), ("r.json", '"stopping"')):
        with Results.open(compared) as results:
            assert words in results.write_report(tmp_path / name).read_text("utf-8")
