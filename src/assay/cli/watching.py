"""Training while a user watches, who may stop it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from assay.cli import process
from assay.cli.text import say

if TYPE_CHECKING:
    from assay.results import Results
    from assay.running.events import OnEvent


def watched(
    train: "Callable[[OnEvent], Results]", folder: Path, *, report_follows: bool = False
) -> "tuple[Results, bool]":
    """Train, showing progress; return the results and whether there was anything to do.

    The time left includes a report, if one follows. If training is stopped, say how to continue in
    ``folder`` and exit with status 130, or 143.
    """
    from assay.running.progress.show import watcher

    try:
        with watcher(sys.stdout) as watching:
            watching.follows = report_follows
            return train(watching), watching.trained
    except KeyboardInterrupt:
        say(f"stopped; the same command continues it in {folder}")
        raise typer.Exit(process.stopped()) from None
