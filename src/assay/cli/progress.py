"""The watcher of a run: a live table in a terminal, a line per epoch elsewhere."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import typer

from assay.cli.tally import RunTally, Tally
from assay.cli.text import console, duration, grid, say
from assay.records.runs import RunRecord, Status
from assay.running.events import Compiling, EpochEnded, Event, Loading, Looked, OnEvent, RunEnded, Started

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from assay.results import Results

BAR = 14


@contextmanager
def watcher() -> Iterator["Watcher"]:
    """Lend what shows a run's events while the block lasts."""
    terminal = console()
    watching = LiveTable(terminal) if terminal.is_terminal else PlainLines()
    try:
        yield watching
    finally:
        watching.close()


def watched(train: "Callable[[OnEvent], Results]", folder: Path) -> "tuple[Results, bool]":
    """Train, showing how far it is; return the results and whether there was anything to do.

    Where it is stopped, say how it goes on in ``folder`` and end with status 130.
    """
    try:
        with watcher() as watching:
            return train(watching), watching.trained
    except KeyboardInterrupt:
        say(f"stopped; the same command continues it in {folder}")
        raise typer.Exit(130) from None


class Watcher(ABC):
    """Takes in the runner's events; ``trained`` says whether there was anything to do."""

    def __init__(self) -> None:
        self.tally: Tally | None = None
        self.trained = False

    def __call__(self, event: Event) -> None:
        """Take in an event and show it."""
        if isinstance(event, Loading):
            self.trained = True
        elif isinstance(event, Started):
            self.tally = Tally(event)
        elif self.tally is not None:
            self.tally.add(event, monotonic())
        self.show(event)

    @abstractmethod
    def show(self, event: Event) -> None:
        """Show what the event changed."""

    def close(self) -> None:
        """Let go of the terminal."""
        return


class PlainLines(Watcher):
    """Writes a line at the end of every epoch and run, and one where an arm has to wait for the compiler."""

    def __init__(self) -> None:
        super().__init__()
        self.told: set[str] = set()

    def show(self, event: Event) -> None:
        """Write the event's line, if it has one."""
        match event:
            case Loading():
                say(f"reading {event.source}")
            case Started():
                say(_opening(event), *_failed_before(event), sep="\n")
            case Compiling() if self.tally is not None and event.arm not in self.told:
                if line := _compiling(self.tally, event.arm):
                    self.told.add(event.arm)
                    say(line)
            case EpochEnded() if self.tally is not None:
                if event.record.epoch > self.tally.started.done.get(event.run, 0):
                    say(_line(event, self.tally))
            case RunEnded():
                say(_ending(event.record))
            case Looked():
                say(*_look(event), sep="\n")


class LiveTable(Watcher):
    """Draws a row per cohort, four times a second; below them what went wrong and what looks have shown."""

    def __init__(self, terminal: "Console") -> None:
        super().__init__()
        from rich.live import Live

        self.source = ""
        self.troubles: list[str] = []
        self.looks: list[str] = []
        self.live = Live(get_renderable=self.draw, console=terminal, refresh_per_second=4)

    def show(self, event: Event) -> None:
        """Begin to draw with the first event; remember runs that went wrong."""
        if isinstance(event, Loading):
            self.source = event.source
            self.live.start()
        elif isinstance(event, Started):
            self.troubles += _failed_before(event)
        elif isinstance(event, RunEnded) and event.record.message is not None:
            self.troubles.append(_ending(event.record))
        elif isinstance(event, Looked):
            self.looks += _look(event)

    def close(self) -> None:
        """Leave the table as it stands at the end."""
        self.live.stop()

    def draw(self) -> "RenderableType":
        """Return the table as it stands now."""
        from rich.console import Group
        from rich.text import Text

        if self.tally is None:
            return Text(f"reading {self.source} ..." if self.source else "")
        table = grid("arm", "", "runs", "epoch", "valid %", "steps/s", "left", left=2)
        left = self.tally.seconds_left()
        for cohort in self.tally.started.plan.cohorts:
            name = cohort.arm.name
            table.add_row(*_cells(name, self.tally.of(name), left[name]))
        troubles = (Text(trouble, style="red") for trouble in self.troubles)
        waiting = (line for arm in self.tally.compiling if (line := _compiling(self.tally, arm)))
        return Group(table, *map(Text, waiting), *troubles, *map(Text, self.looks))


def _cells(name: str, runs: list[RunTally], left: float | None) -> "list[RenderableType]":
    from rich.progress_bar import ProgressBar

    share = 1 - sum(run.left for run in runs) / sum(run.total for run in runs)
    over = sum(run.over for run in runs)
    current = [run for run in runs if run.status is Status.RUNNING] or [run for run in runs if run.over]
    records = [run.record for run in current if run.record]
    return [
        name,
        ProgressBar(total=1.0, completed=share, width=BAR),
        f"{over}/{len(runs)}",
        _epoch(current),
        f"{100 * records[-1].valid_accuracy:.2f}" if records else "–",
        f"{records[-1].steps_per_second:,.0f}" if records else "–",
        "done" if over == len(runs) else duration(left),
    ]


def _epoch(runs: list[RunTally]) -> str:
    """Return the epoch that the foremost of ``runs`` is in."""
    if not runs:
        return "–"
    first = max(runs, key=lambda run: run.epochs)
    return f"{first.epochs if first.over else min(first.epochs + 1, first.total)}/{first.total}"


def _line(event: EpochEnded, tally: Tally) -> str:
    record, total = event.record, tally.runs[event.run].total
    left = [seconds for seconds in tally.seconds_left().values() if seconds is not None]
    return (
        f"{event.run}: epoch {record.epoch}/{total}, valid {100 * record.valid_accuracy:.2f}%, "
        f"{record.steps_per_second:,.0f} steps/s, {duration(max(left, default=None))} left"
    )


def _compiling(tally: Tally, arm: str) -> str:
    """Say how long an arm waits for the compiler, as soon as that can be told."""
    found = tally.compiling.get(arm)
    if found is None or found.left is None:
        return ""
    return f"{arm}: compiling kernels (once), {found.done} of {found.total}, {duration(found.left)} left"


def _opening(event: Started) -> str:
    from assay.findings.numbers import plural

    workers = min(event.workers, len(event.pending))
    closed = {*event.pending, *(run.id for run in event.failed)}
    runs, before = len(event.pending), len(event.plan.runs) - len(closed)
    there = f", {before:,} more {'is' if before == 1 else 'are'} done" if before else ""
    return f"{plural(runs, 'run')} to train, {workers} at a time{there}"


def _failed_before(event: Started) -> list[str]:
    """Say which runs are trained again, and why they failed before; how many are not."""
    again = [run for run in event.failed if run.id in event.pending]
    lines = [f"{run.id}: trained again, failed before with {run.message}" for run in again]
    if left := len(event.failed) - len(again):
        lines.append(f"{left} failed before, left alone (--retry-failed trains them again)")
    return lines


def _look(event: Looked) -> list[str]:
    """Say what a look has decided, and what not."""
    from assay.findings.comparisons import decided
    from assay.findings.numbers import plural, points, points_interval
    from assay.findings.wording.code_words import VERDICTS

    pairs, look = event.family.pairs, event.look
    count = f"{sum(map(decided, pairs))} of {plural(len(pairs), 'comparison')} decided"
    lines = [f"{look}, {look.seeds} seeds: {count}"]
    for pair in pairs:
        interval = f" ({points_interval(pair.interval)})" if pair.interval else ""
        mean = f"{points(pair.comparison.mean)} points{interval}"
        lines.append(f"  {pair.a} less {pair.b}: {VERDICTS[pair.judgement.verdict]}, {mean}")
    return lines


def _ending(record: RunRecord) -> str:
    test = f", test {100 * record.test.accuracy:.2f}%" if record.test else ""
    why = f", {record.message}" if record.message else ""
    return f"{record.id}: {record.outcome}{test}{why}"
