"""A live table, for a terminal."""

from typing import TYPE_CHECKING

from assay.report.text import grid
from assay.running.events import Event, Loading, Looked, RunEnded, Started
from assay.running.progress import lines
from assay.running.progress.watcher import Watcher

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

BAR = 14


class LiveTable(Watcher):
    """Draws a row per cohort, four times a second, with failures and the outcomes of looks below them."""

    def __init__(self, terminal: "Console") -> None:
        super().__init__()
        from rich.live import Live

        self.source = ""
        self.troubles: list[str] = []
        self.looks: list[str] = []
        self.live = Live(get_renderable=self.draw, console=terminal, refresh_per_second=4)

    def show(self, event: Event) -> None:
        """Start drawing at the first event; remember runs that went wrong."""
        self.live.start()  # which, once started, it does no more
        if isinstance(event, Loading):
            self.source = event.source
        elif isinstance(event, Started):
            self.troubles += [*lines.slow(event), *lines.deaths_before(event), *lines.failed_before(event)]
        elif isinstance(event, RunEnded) and event.record.message is not None:
            self.troubles.append(lines.ending(event.record))
        elif isinstance(event, Looked):
            self.looks += lines.look(event)

    def close(self) -> None:
        """Leave the table as it stands at the end."""
        self.live.stop()

    def draw(self) -> "RenderableType":
        """Return the table as it stands now."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        if self.tally is None:
            return Text(f"reading {self.source} ..." if self.source else "")
        table = grid("arm", "", "runs", "epoch", "valid %", "steps/s", "left", left=2)
        for row in lines.rows(self.tally):
            bar = ProgressBar(total=1.0, completed=row.share, width=BAR)
            table.add_row(row.arm, bar, row.runs, row.epoch, row.valid, row.speed, row.left)
        troubles = (Text(trouble, style="red") for trouble in self.troubles)
        waiting = (line for arm in self.tally.compiling if (line := lines.compiling(self.tally, arm)))
        left = filter(None, [lines.left(self.tally)])
        return Group(table, *map(Text, (*waiting, *left)), *troubles, *map(Text, self.looks))
