"""``assay run`` and what reads its folder, as a user meets them."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from endings import environment
from patience import PATIENCE
from sabotage import fail_at_the_end, spoil
from said import Assay
from tiny import outcome

from assay.records.runs import RunId, Status
from assay.results import Results
from assay.running.events import EpochEnded, Event, StepsTaken
from assay.running.run import run
from assay.store.columns import COLUMNS
from assay.store.lookup import DATABASE
from assay.study.builtin import load_study

pytestmark = pytest.mark.usefixtures("undrawn")  # unless it runs in a process of its own

WORDS = ("-m", "assay", "run")


def lines(text: str) -> list[str]:
    return text.splitlines()


@pytest.fixture(scope="module")
def folder(study_file: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study, run as it is."""
    folder = tmp_path_factory.mktemp("run") / "out"
    command = [sys.executable, *WORDS, study_file, "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "said.txt").write_text(done.stdout)
    return folder


def test_a_run_says_each_epoch_the_verdict_and_the_report(folder: Path):
    said = lines((folder / "said.txt").read_text())
    assert (
        sum(re.match(r"(max|average), seed [01]: epoch [123]/3, valid \d", line) is not None for line in said)
        == 12
    )
    assert sum(re.match(r"(max|average), seed [01]: done, test \d", line) is not None for line in said) == 4
    assert any("tiny: complete" in line for line in said)
    assert said[-1] == str(folder / "report.html")
    assert max(map(len, said[:-1])) <= 80
    assert "\x1b" not in "".join(said)
    assert (folder / "report.html").read_text().startswith("<!")


def test_a_second_call_does_nothing_but_print_the_path(folder: Path, study_file: str, assay: Assay):
    before = {path: path.stat().st_mtime_ns for path in (folder / "report.html", folder / DATABASE)}
    said = assay("run", study_file, "--out", str(folder))
    assert (said.status, said.out, said.err) == (0, f"{folder / 'report.html'}\n", "")
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_missing_report_is_written_again(folder: Path, study_file: str, assay: Assay):
    (folder / "report.html").unlink()
    said = assay("run", study_file, "--out", str(folder))
    assert said.out == f"{folder / 'report.html'}\n"
    assert (folder / "report.html").exists()


def test_other_settings_need_another_folder(folder: Path, study_file: str, assay: Assay):
    said = assay("run", study_file, "--out", str(folder), "--epochs", "4")
    assert said.status == 2
    assert "training.epochs: 3 there, 4 now" in said.err


def test_results_as_table_csv_and_json(folder: Path, assay: Assay):
    table, text, data = (
        assay("results", str(folder), "--format", kind).out for kind in ("table", "csv", "json")
    )
    rows = list(csv.DictReader(lines(text)))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["arm"], row["seed"]) for row in rows] == [
        ("max", "0"), ("max", "1"), ("average", "0"), ("average", "1")
    ]  # fmt: skip
    assert [float(row["test_accuracy"]) for row in rows] == [row["test_accuracy"] for row in json.loads(data)]
    for row in rows:
        assert f"{100 * float(row['test_accuracy']):.2f}" in table
    assert max(map(len, lines(table))) <= 80


def test_a_reader_who_leaves_is_no_error(folder: Path):
    """``assay results DIR --format csv | head -0``: nothing is written before the very end."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "assay", "results", str(folder), "--format", "csv"]
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, env=buffered
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_status_and_report(folder: Path, assay: Assay):
    assert "4 of 4 runs" in assay("status", str(folder)).out
    said = assay("report", str(folder))
    assert (said.status, said.out) == (0, f"{folder / 'report.html'}\n")


def test_options_reach_the_study(study_file: str, assay: Assay):
    words = ("--quick", "--epochs", "2", "-s", "network.filters=2", "--workers", "1", "--out", "there")
    assert assay("run", study_file, *words).status == 0
    results = Results.open("there")
    assert results.study.name == "tiny-quick"
    assert [(run.seed, run.epochs) for run in results.runs] == [(0, 2), (0, 2)]
    assert results.study.arm("max").settings.architecture.filters == 2
    results.close()


HEEDING = """\
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit a deaf ear
from assay.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_stops_cleanly_and_the_same_command_continues(study_file: str, tmp_path: Path, assay: Assay):
    command = [sys.executable, "-c", HEEDING, "run", study_file, "--epochs", "5", "--out"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "out")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(tmp_path, {0: "wait"}),
    )  # fmt: skip
    assert process.stdout is not None
    next(line for line in process.stdout if "epoch 1/5" in line)
    process.send_signal(signal.SIGINT)
    (tmp_path / "go").touch()
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, "")
    assert lines(out)[-1] == f"stopped; the same command continues it in {tmp_path / 'out'}"

    again, whole = (
        assay("run", study_file, "--epochs", "5", "--out", str(tmp_path / name)) for name in ("out", "b")
    )
    assert again.out.count("epoch 1/5") < whole.out.count("epoch 1/5") == 4
    ended = [Results.open(tmp_path / name) for name in ("out", "b")]
    assert outcome(ended[0]) == outcome(ended[1])
    for results in ended:
        results.close()


def test_who_looks_in_sees_how_far_each_run_is(study_file: str, tmp_path: Path):
    """At the end of an epoch the store says so, whoever reads it then."""
    seen = []

    def look(event: Event) -> None:
        if isinstance(event, EpochEnded):
            with Results.open(tmp_path / "out") as results:
                found = next(run for run in results.runs if run.id == event.run)
                best = max(record.valid_accuracy for record in results.epochs(event.run))
            assert (found.status, found.epochs) == (Status.RUNNING, event.record.epoch)
            assert (found.valid_best, found.valid_final) == (best, event.record.valid_accuracy)
            seen.append(found)

    run(load_study(study_file), tmp_path / "out", workers=1, on_event=look).close()
    assert len(seen) == 12


def counts(table: str) -> dict[str, tuple[str, ...]]:
    """Return the pending, running and stopped runs of each arm in what ``assay status`` prints."""
    rows = [line.split() for line in lines(table)]
    assert any(row[1:4] == ["pending", "running", "stopped"] for row in rows)
    return {row[0]: tuple(row[1:4]) for row in rows if row and row[0] in ("max", "average")}


def test_status_tells_runs_under_way_from_those_whose_process_has_ended(study_file: str, assay: Assay):
    """From a run's first step on; each arm's first seed is trained first, and then interrupted."""
    seen = []

    def interrupt(event: Event) -> None:
        if isinstance(event, StepsTaken):
            seen.append(counts(assay("status", "out").out))
            if event.run == RunId("average", 0):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(load_study(study_file), Path("out"), workers=1, on_event=interrupt)
    assert seen[0] == {"max": ("1", "1", "0"), "average": ("2", "0", "0")}
    assert seen[-1] == {"max": ("1", "0", "0"), "average": ("1", "1", "0")}
    assert counts(assay("status", "out").out) == {"max": ("1", "0", "0"), "average": ("1", "0", "1")}
    assert "stopped" in assay("results", "out").out
    assay("report", "out")
    page = Path("out/report.html").read_text()
    assert 'data-label="Status">stopped<' in page
    assert 'data-label="Status">running<' not in page
    with Results.open("out") as results:
        assert {found.status for found in results.runs} == {Status.PENDING, Status.RUNNING, Status.DONE}
    run(load_study(study_file), Path("out")).close()
    assert counts(assay("status", "out").out) == {"max": ("0", "0", "0"), "average": ("0", "0", "0")}


def test_a_run_that_fails_is_told_and_the_others_go_on(study_file: str, assay: Assay, monkeypatch):
    def failing(session):
        if session.seeds == (1,):
            fail_at_the_end(session, MemoryError("no [bold]room[/bold] left"))

    with monkeypatch.context() as patch:
        spoil(patch, "reference", failing)
        said = assay("run", study_file, "--out", "there")
    assert said.status == 1
    assert said.out.count("failed, MemoryError: no [bold]room[/bold] left") == 2
    assert "interim 2/4" in said.out
    told = assay("status", "there", "--failed")
    assert told.status == 0
    for arm in ("max", "average"):
        assert f"{arm}, seed 1: MemoryError: no [bold]room[/bold] left\nTraceback (most recent" in told.out
        assert f"{arm}, seed 0" not in told.out
    again = assay("run", study_file, "--out", "there")
    assert (again.status, lines(again.out)) == (
        1,
        [
            "2 failed: see `assay status there --failed`; --retry-failed trains again",
            lines(said.out)[-1],
        ],
    )
    retried = assay("run", study_file, "--out", "there", "--retry-failed")
    assert retried.status == 0
    for arm in ("max", "average"):
        before = f"{arm}, seed 1: trained again, failed before with MemoryError: no [bold]room[/bold] left"
        assert lines(retried.out).count(before) == 1
    assert lines(assay("status", "there", "--failed").out) == ["no run has failed"]


def test_a_study_that_diverges_is_no_failure(study_file: str, assay: Assay):
    said = assay("run", study_file, "-s", "optimizer.lr=1e30", "-s", "optimizer.rule=SGD", "--out", "there")
    assert said.status == 0
    assert said.out.count(": diverged, the loss ") == 4
