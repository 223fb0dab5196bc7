"""``assay doctor`` and ``salvage``: what is wrong with a results folder, and what can be saved of it."""

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.options import Folder
from assay.cli.text import say
from assay.errors import one_line

New = Annotated[str, typer.Argument(metavar="OUT", show_default=False, help="A new folder to copy into.")]


def doctor(folder: Folder) -> None:
    """Look for anything wrong with a results folder; exit status 1 says that something is.

    Example: assay doctor assay-runs/pooling-quick
    """
    from assay.running.health import examine

    said, faults = examine(Path(folder))
    for sentence in said:
        say(sentence)
    for fault in faults:
        say(f"wrong: {one_line(fault)}")
    if faults:
        raise typer.Exit(1)
    say("nothing is wrong: database, rows, answers, weights, report")


def salvage(folder: Folder, out: New) -> None:
    """Copy what can be read of a damaged results folder into a new one.

    Example: assay salvage assay-runs/pooling-quick saved
    """
    from assay.running import health

    for sentence in health.salvage(Path(folder), Path(out)):
        say(sentence)
    say(out)
