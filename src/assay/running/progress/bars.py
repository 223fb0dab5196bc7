"""One progress bar per arm and the curves so far, for a notebook."""

from html import escape
from time import monotonic
from typing import Any

from assay.records.runs import RunId
from assay.report.sketch import Trail, sketch
from assay.running.events import EpochEnded, Event, Loading, Looked, RunEnded
from assay.running.progress import lines
from assay.running.progress.watcher import Watcher

PERIOD = 0.25
"""Seconds between two drawings."""


class NotebookBars(Watcher):
    """Draws a bar per cohort into the cell's output, with the curves, failures and outcomes of looks below.

    It is plain HTML that replaces what was drawn before, and needs no widgets.
    """

    def __init__(self) -> None:
        super().__init__()
        self.source = ""
        self.notes: list[str] = []
        self.points: dict[RunId, list[tuple[int, float]]] = {}
        """Validation accuracies by epoch, in percent."""
        self.handle: Any = None
        self.drawn = 0.0

    def show(self, event: Event) -> None:
        """Draw at the first event, and again whenever `PERIOD` has passed or something has ended."""
        if isinstance(event, Loading):
            self.source = event.source
        elif isinstance(event, EpochEnded):
            point = (event.record.epoch, 100 * event.record.valid_accuracy)
            self.points.setdefault(event.run, []).append(point)
        elif isinstance(event, RunEnded) and event.record.message is not None:
            self.notes.append(lines.ending(event.record))
        elif isinstance(event, Looked):
            self.notes += lines.look(event)
        if isinstance(event, Loading | RunEnded | Looked) or monotonic() - self.drawn >= PERIOD:
            self.draw()

    def close(self) -> None:
        """Leave the bars as they stand at the end."""
        if self.handle is not None:
            self.draw()

    def draw(self) -> None:
        """Draw the bars as they stand now."""
        from IPython.display import HTML, display

        picture = HTML(self.html())
        if self.handle is None:
            self.handle = display(picture, display_id=True)
        else:
            self.handle.update(picture)
        self.drawn = monotonic()

    def html(self) -> str:
        """Return the bars as they stand now."""
        if self.tally is None:
            return f"<p>reading {escape(self.source)} ...</p>"
        heads = ("arm", "", "runs", "epoch", "valid %", "steps/s", "left")
        head = "".join(f"<th>{name}</th>" for name in heads)
        body = "".join(f"<tr>{_cells(row)}</tr>" for row in lines.rows(self.tally))
        waiting = [line for arm in self.tally.compiling if (line := lines.compiling(self.tally, arm))]
        notes = "".join(f"<p>{escape(note)}</p>" for note in (*waiting, *self.notes))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{self.curves()}{notes}"

    def curves(self) -> str:
        """Return the validation accuracy of each run as it stands now."""
        assert self.tally is not None
        order = {cohort.arm.name: place for place, cohort in enumerate(self.tally.started.plan.cohorts)}
        return sketch(
            [Trail(run.arm, run.seed, order[run.arm], points) for run, points in self.points.items()]
        )


def _cells(row: lines.Row) -> str:
    bar = f'<progress max="1" value="{row.share:.3f}"></progress>'
    texts = (row.runs, row.epoch, row.valid, row.speed, row.left)
    return "".join(f"<td>{cell}</td>" for cell in (escape(row.arm), bar, *map(escape, texts)))
