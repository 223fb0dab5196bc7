"""Text about a running study: a line per event, a row per arm."""

from dataclasses import dataclass

from assay.findings.comparisons import decided
from assay.findings.numbers import plural, points, points_interval
from assay.records.runs import RunRecord, Status
from assay.report.text import duration
from assay.running.events import EpochEnded, Looked, Started
from assay.running.progress.tally import RunTally, Tally


@dataclass(frozen=True)
class Row:
    """The progress of an arm: ``share`` of its epochs, from 0 to 1, and the other columns as text."""

    arm: str
    share: float
    runs: str
    epoch: str
    valid: str
    speed: str
    left: str


def rows(tally: Tally) -> list[Row]:
    """Return the progress of each arm, in the study's order."""
    left = tally.seconds_left()
    arms = [cohort.arm.name for cohort in tally.started.plan.cohorts]
    return [_row(arm, tally.of(arm), left[arm]) for arm in arms]


def _row(arm: str, runs: list[RunTally], left: float | None) -> Row:
    over = sum(run.over for run in runs)
    running = [run for run in runs if run.status is Status.RUNNING]
    current = running or [run for run in runs if run.over] or [run for run in runs if run.epochs]
    records = [run.record for run in current if run.record]
    return Row(
        arm,
        1 - sum(run.left for run in runs) / sum(run.total for run in runs),
        f"{over}/{len(runs)}",
        _epoch(current),
        f"{100 * records[-1].valid_accuracy:.2f}" if records else "–",
        f"{records[-1].steps_per_second:,.0f}" if records else "–",
        "done" if over == len(runs) else duration(left),
    )


def _epoch(runs: list[RunTally]) -> str:
    """Return the epoch that the foremost of ``runs`` is in."""
    if not runs:
        return "–"
    first = max(runs, key=lambda run: run.epochs)
    return f"{first.epochs if first.over else min(first.epochs + 1, first.total)}/{first.total}"


def epoch(event: EpochEnded, tally: Tally) -> str:
    """Say how an epoch went, and how long the rest will take."""
    record, total = event.record, tally.runs[event.run].total
    return (
        f"{event.run}: epoch {record.epoch}/{total}, valid {100 * record.valid_accuracy:.2f}%, "
        f"{record.steps_per_second:,.0f} steps/s, {duration(tally.all_left())} left"
    )


def left(tally: Tally) -> str:
    """Say how long everything takes, once that can be estimated and where more than the runs is to come."""
    seconds = tally.all_left()
    if seconds is None or not tally.after:
        return ""
    return f"about {duration(seconds)} left, {duration(tally.after)} of it for the report"


def compiling(tally: Tally, arm: str) -> str:
    """Say how long an arm will wait for the compiler, once that can be estimated."""
    found = tally.compiling.get(arm)
    if found is None or found.left is None:
        return ""
    return f"{arm}: compiling kernels (once), {found.done} of {found.total}, {duration(found.left)} left"


def opening(event: Started) -> str:
    """Say how many runs there are to train."""
    workers = min(event.workers, len(event.pending))
    closed = {*event.pending, *(run.id for run in event.failed)}
    runs, before = len(event.pending), len(event.plan.runs) - len(closed)
    there = f", {before:,} more {'is' if before == 1 else 'are'} done" if before else ""
    return f"{plural(runs, 'run')} to train, {workers} at a time{there}"


def slow(event: Started) -> list[str]:
    """Say which arms have layers that only the reference engine takes, why, and how long that is."""
    return [
        f"{arm}: trained by the reference engine, {event.plan.cohort(arm).why}; "
        f"{duration(seconds)} of training a run"
        for arm, seconds in event.slow.items()
    ]


def failed_before(event: Started) -> list[str]:
    """Say which runs are trained again and why they failed before, and how many are not."""
    again = [run for run in event.failed if run.id in event.pending]
    lines = [f"{run.id}: trained again, failed before with {run.message}" for run in again]
    if left := len(event.failed) - len(again):
        lines.append(f"{left} failed before, left alone (--retry-failed trains them again)")
    return lines


def deaths_before(event: Started) -> list[str]:
    """Say in which runs the study's process died, and if every run now has a process of its own."""
    lines = list(map(str, event.deaths))
    if any(death.suspect for death in event.deaths):
        lines.append("so every run is trained in a process of its own: what ends one costs its run alone")
    return lines


def look(event: Looked) -> list[str]:
    """Say what a look has decided, and what not."""
    pairs, look = event.family.pairs, event.look
    count = f"{sum(map(decided, pairs))} of {plural(len(pairs), 'comparison')} decided"
    lines = [f"{look}, {look.seeds} seeds: {count}"]
    for pair in pairs:
        interval = f" ({points_interval(pair.interval)})" if pair.interval else ""
        mean = f"{points(pair.comparison.mean)} points{interval}"
        lines.append(f"  {pair.a} less {pair.b}: {pair.judgement.verdict}, {mean}")
    return lines


def ending(record: RunRecord, tally: Tally | None = None) -> str:
    """Say how a run ended, and if it went wrong, why; where the ``tally`` tells, that it stopped early."""
    test = f", test {100 * record.test.accuracy:.2f}%" if record.test else ""
    why = f", {record.message}" if record.message else ""
    run = tally.runs[record.id] if tally else None
    early = f" early, after epoch {run.epochs}/{run.total}" if run and run.stopped_early else ""
    return f"{record.id}: {record.outcome}{early}{test}{why}"
