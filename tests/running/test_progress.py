"""How far a study is, and how long the rest takes."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from watched import ended, epoch, started

from assay.records.runs import Status
from assay.report.text import duration
from assay.running.events import Compiling, EpochEnded, Loading, Started, StepsTaken
from assay.running.progress import lines, watcher
from assay.running.progress.live import LiveTable
from assay.running.progress.tally import Tally
from assay.running.progress.watcher import PlainLines


@given(seeds=st.integers(1, 6), workers=st.integers(1, 8), pace=st.floats(0.1, 100), data=st.data())
def test_the_time_left_is_within_grahams_bounds(seeds: int, workers: int, pace: float, data: st.DataObject):
    """Runs handed out one by one end between W/m and W/m + the longest (Graham 1969)."""
    tally = Tally(started(seeds, workers))
    for run in tally.started.plan.runs:
        for number in range(1, data.draw(st.integers(0, 3)) + 1):
            tally.add(EpochEnded(run, epoch(number, pace)), 0.0)
    left = tally.seconds_left()
    known = any(run.record for run in tally.runs.values())
    assert all((seconds is not None) == known for seconds in left.values())
    if known:
        work = [pace * run.left for run in tally.runs.values()]
        longest = max(seconds for seconds in left.values() if seconds is not None)
        assert sum(work) / workers <= longest * (1 + 1e-9)
        assert longest <= sum(work) / workers + max(work) + 1e-9


def test_each_arm_has_its_own_pace():
    tally = Tally(started(seeds=1, workers=2))
    for run, seconds in zip(tally.started.plan.runs, (1.0, 5.0), strict=True):
        tally.add(EpochEnded(run, epoch(1, seconds)), 0.0)
    assert tally.seconds_left() == {"max": 2.0, "average": 10.0}


def test_before_an_epoch_has_ended_its_steps_tell_the_pace():
    tally = Tally(started(seeds=1, workers=2))
    first = tally.started.plan.runs[0]
    assert tally.started.steps("max") == 5
    tally.add(StepsTaken(first, 1, 1), 10.0)
    assert tally.seconds_left()["max"] is None
    tally.add(StepsTaken(first, 1, 3), 14.0)
    assert tally.seconds_left()["max"] == pytest.approx(10.0 * (3 - 0.6))


def test_the_time_that_has_passed_tells_the_pace_from_the_second_epoch_on():
    """On a busy machine an epoch takes longer than its processor time."""
    tally = Tally(started(seeds=1, workers=2))
    first = tally.started.plan.runs[0]
    tally.add(EpochEnded(first, epoch(1, 1.0)), 10.0)
    assert tally.seconds_left()["max"] == 2.0
    tally.add(EpochEnded(first, epoch(2, 1.0)), 14.0)
    assert tally.seconds_left()["max"] == 4.0


def test_the_end_of_a_run_and_the_report_are_in_the_time_left():
    """A run that evaluates for a quarter of an epoch, and ten times as long at its end; one of a minute."""
    event = replace(started(seeds=1, workers=2), ending={"max": 10.0, "average": 0.0})
    tally = Tally(event, after=60.0)
    first, second = event.plan.runs
    assert tally.all_left() is None
    assert lines.left(tally) == ""
    for run in (first, second):
        tally.add(EpochEnded(run, replace(epoch(1, 3.0), evaluation_seconds=1.0)), 0.0)
    assert tally.seconds_left() == {"max": 2 * 4.0 + 10 * 1.0, "average": 2 * 4.0}
    assert tally.all_left() == 18.0 + 60.0
    assert lines.left(tally) == "about 1 min 18 s left, 1 min 00 s of it for the report"
    tally.after = 0.0
    assert lines.left(tally) == ""


def test_a_report_that_follows_is_in_the_time_left(monkeypatch, capsys):
    monkeypatch.setattr(watcher, "reporting", lambda arms: 100.0 * arms)
    for follows, after in ((True, 200.0), (False, 0.0)):
        said = PlainLines(sys.stdout)
        said.follows = follows
        said(started())
        assert said.tally is not None
        assert said.tally.after == after


@given(st.integers(0, 4))
def test_runs_that_were_done_before_take_no_time(done: int):
    tally = Tally(started(done=done))
    for run in tally.started.pending:
        tally.add(EpochEnded(run, epoch(1)), 0.0)
    assert sum(run.left for run in tally.runs.values()) == 2 * (4 - done)
    for run in tally.started.pending:
        tally.add(ended(run), 0.0)
    assert sum(run.left for run in tally.runs.values()) == 0
    assert all(run.over for run in tally.runs.values())


def test_what_was_trained_before_is_shown_until_more_is():
    """An arm with a run of two epochs and one to begin, and an arm whose only epoch a run that failed had."""
    event = started(seeds=2, workers=2)
    begun, failed = event.plan.runs[:2]
    event = replace(event, done={begun: 2, failed: 1}, last={begun: epoch(2), failed: epoch(1)})
    tally = Tally(event)
    shown = [(row.epoch, row.valid, row.speed) for row in lines.rows(tally)]
    assert shown == [("3/3", "25.00", "77"), ("2/3", "25.00", "77")]
    assert tally.all_left() is None, "on another machine, perhaps"
    for step, now in ((1, 10.0), (3, 14.0)):
        tally.add(StepsTaken(begun, 3, step), now)
    assert tally.seconds_left()["max"] is not None
    tally.add(StepsTaken(event.plan.runs[2], 1, 1), 15.0)
    assert lines.rows(tally)[0].epoch == "3/3"


def test_one_run_is_no_plural(capsys):
    event = started(seeds=1)
    PlainLines(sys.stdout)(Started(event.plan, event.pending[:1], {}, event.examples, 2))
    assert capsys.readouterr().out == "1 run to train, 1 at a time, 1 more is done\n"


def test_a_line_is_written_for_every_new_epoch_and_for_no_old_one(capsys):
    lines = PlainLines(sys.stdout)
    event = started(seeds=1)
    run = event.plan.runs[0]
    lines(Loading("there"))
    lines(Started(event.plan, event.pending, {run: 1}, event.examples, 1))
    for number in (1, 2, 3):
        lines(EpochEnded(run, epoch(number)))
    lines(ended(run))
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "reading there"
    assert [line.partition(",")[0] for line in said[2:]] == ["max"] * 3
    assert said[2].startswith("max, seed 0: epoch 2/3, valid 25.00%, 77 steps/s, ")
    assert said[-1] == "max, seed 0: done, test 75.00%"
    lines(ended(run, stuck=True))
    assert capsys.readouterr().out == "max, seed 0: done (stuck), test 75.00%, why\n"


def test_waiting_for_the_compiler_is_said_once_with_the_time_left(capsys, monkeypatch):
    clock = iter([0.0, 2.0, 4.0, 6.0])
    monkeypatch.setattr(watcher, "monotonic", lambda: next(clock))
    lines = PlainLines(sys.stdout)
    lines(started())
    for done in (1, 2, 3, 4):
        lines(Compiling("max", done, 4))
    assert capsys.readouterr().out.splitlines()[1:] == [
        "max: compiling kernels (once), 2 of 4, 4.0 s left",
    ]
    assert lines.tally is not None
    assert not lines.tally.compiling


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_live_table_fits_its_terminal(width: int, tmp_path: Path):
    with (tmp_path / "screen").open("w+", encoding="utf-8") as screen:
        terminal = Console(file=screen, force_terminal=True, width=width, markup=False)
        table = LiveTable(terminal)
        event = started()
        first, second, *_ = event.plan.runs
        table(Loading("somewhere"))
        table(event)
        for done in (1, 2):
            table(Compiling("average", done, 9))
        table(EpochEnded(first, epoch(1)))
        table(ended(second, Status.FAILED))
        table(ended(event.plan.runs[2], stuck=True))
        table(ended(event.plan.runs[3]))
        drawn = Console(width=width, color_system=None)
        with drawn.capture() as captured:
            drawn.print(table.draw())
        table.close()
    text = captured.get()
    assert max(map(len, text.splitlines())) <= width
    assert "25.00" in text
    assert "2/3" in text
    assert "average: compiling kernels (once), 2 of 9, " in text
    assert f"{second}: failed, why" in text
    assert f"{event.plan.runs[2]}: done (stuck), test 75.00%, why" in " ".join(text.split())
    assert text.count("why") == 2


def test_the_live_table_of_data_in_memory_starts_with_the_training(tmp_path: Path):
    with (tmp_path / "screen").open("w+", encoding="utf-8") as screen:
        table = LiveTable(Console(file=screen, force_terminal=True, width=80, markup=False))
        table(started())
        table.close()
        assert table.trained
        screen.seek(0)
        assert "average" in screen.read()


@given(st.floats(0, 10**7))
def test_a_duration_is_what_it_says(seconds: float):
    units = {"s": 1, "min": 60, "h": 3600}
    words = duration(seconds).split()
    told = sum(float(number) * units[unit] for number, unit in zip(words[::2], words[1::2], strict=True))
    assert abs(told - seconds) <= (0.5 if seconds < 3599 else 60)
