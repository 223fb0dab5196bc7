"""The choice of how to show a running study."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from assay.report.text import console
from assay.running.events import Event, OnEvent
from assay.running.progress.bars import NotebookBars
from assay.running.progress.live import LiveTable
from assay.running.progress.watcher import PlainLines, Watcher


@contextmanager
def watcher(stream: TextIO, notebook: bool = False) -> Iterator[Watcher]:
    """Yield a watcher that shows a run's events on ``stream`` while the block lasts.

    It draws bars in a notebook (if ``notebook`` says to look for one), a live table in a terminal, and plain
    lines in a terminal that cannot move its cursor (``TERM=dumb``), a file or a pipe.
    """
    watching = _watcher(stream, notebook)
    try:
        yield watching
    finally:
        watching.close()


@contextmanager
def shown(progress: bool, on_event: OnEvent) -> Iterator[OnEvent]:
    """Yield what passes events to ``on_event`` and, with ``progress``, shows them (see `watcher`).

    A program without a console, such as one with windows, has no stderr to show them on.
    """
    if not progress or sys.stderr is None:
        yield on_event
        return
    with watcher(sys.stderr, notebook=True) as watching:

        def both(event: Event) -> None:
            watching(event)
            on_event(event)

        yield both


def _watcher(stream: TextIO, notebook: bool) -> Watcher:
    if notebook and _in_notebook():
        return NotebookBars()
    terminal = console(stream)
    if terminal.is_terminal and not terminal.is_dumb_terminal:
        return LiveTable(terminal)
    return PlainLines(stream)


def _in_notebook() -> bool:
    """Whether this is a notebook's kernel, which can display HTML rather than lines."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
