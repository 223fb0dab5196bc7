"""Training with somebody watching, who may stop it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from assay.cli.text import say

if TYPE_CHECKING:
    from assay.results import Results
    from assay.running.events import OnEvent


def watched(train: "Callable[[OnEvent], Results]", folder: Path) -> "tuple[Results, bool]":
    """Train, showing how far it is; return the results and whether there was anything to do.

    Where it is stopped, say how it goes on in ``folder`` and end with status 130.
    """
    from assay.running.progress.show import watcher

    try:
        with watcher(sys.stdout) as watching:
            return train(watching), watching.trained
    except KeyboardInterrupt:
        say(f"stopped; the same command continues it in {folder}")
        raise typer.Exit(130) from None
